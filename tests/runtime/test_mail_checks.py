"""What is refused stands in test_settings.py, with every other setting."""

from __future__ import annotations

import pytest

from app.runtime.checks import SettingsError
from app.runtime.mail_checks import MailServer, Sender, mail_from, mail_server, mail_settings, mail_url, sender


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("https://book.example.org:8443/x", "no-reply@book.example.org"),
        ("http://localhost:8000", "no-reply@localhost"),
        ("http://127.0.0.1:8000", "no-reply@localhost"),
        ("http://[2001:db8::1]", "no-reply@localhost"),
    ],
)
def test_mail_comes_from_the_host_that_customers_see(base_url: str, address: str) -> None:
    assert mail_settings({}, base_url, production=True)["mail_from"] == address


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.org", MailServer("mail.example.org", 25, "starttls")),
        ("smtp://u:p@mail.example.org:587", MailServer("mail.example.org", 587, "starttls", "u", "p")),
        ("smtp://a%40b.example:p%3A%2F%23%20@h", MailServer("h", 25, "starttls", "a@b.example", "p:/# ")),
        ("smtps://mail.example.org/", MailServer("mail.example.org", 465, "tls")),
        ("smtps://localhost", MailServer("localhost", 465, "tls")),
        ("smtp://localhost:1025", MailServer("localhost", 1025, "plain")),
        ("smtp://127.0.0.1", MailServer("127.0.0.1", 25, "plain")),
        ("smtp://[::1]:25", MailServer("::1", 25, "plain")),
        ("smtp://[2001:db8::1]", MailServer("2001:db8::1", 25, "starttls")),
        ("smtp://localhost.example.org", MailServer("localhost.example.org", 25, "starttls")),
    ],
)
def test_mail_goes_unencrypted_to_this_machine_alone(url: str, server: MailServer) -> None:
    assert mail_server(mail_url(url)) == server


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no-reply@example.org", Sender("", "no-reply@example.org")),
        ("<no-reply@example.org>", Sender("", "no-reply@example.org")),
        ("Town Hall <a+b@example.org>", Sender("Town Hall", "a+b@example.org")),
        ("B\u00fcrgerhaus, Saal 1 <a@example.org>", Sender("B\u00fcrgerhaus, Saal 1", "a@example.org")),
    ],
)
def test_mail_comes_from_an_address_with_or_without_a_name(text: str, expected: Sender) -> None:
    assert sender(mail_from(text)) == expected


@pytest.mark.parametrize("value", [0, 90, 1_000_000])
def test_a_budget_of_mails_an_hour_may_be_none(value: int) -> None:
    found = mail_settings({"mail_hourly_budget": value}, "https://book.example.org", production=True)
    assert found["mail_hourly_budget"] == value


@pytest.mark.parametrize("value", [-1, 1_000_001, "many"])
def test_a_budget_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match="MAIL_HOURLY_BUDGET"):
        mail_settings({"mail_hourly_budget": value}, "https://book.example.org", production=True)


def test_a_shared_host_lets_out_a_hundred_mails_an_hour() -> None:
    assert mail_settings({}, "https://book.example.org", production=True)["mail_hourly_budget"] == 90
