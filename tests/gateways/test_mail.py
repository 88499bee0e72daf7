from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from app.gateways import smtp_client
from app.gateways.errors import DeliveryFailed
from app.gateways.letters import Invitation
from app.gateways.mail import ConsoleMailer, FileMailer, Mail, Mailer, SmtpMailer, make_mailer
from app.runtime.checks import SettingsError
from app.runtime.mail_checks import MailServer
from tests.gateways import loopback
from tests.gateways.loopback import PASSWORD, USER, Postbox, login_asked, mail_server, server_context

SENDER = "Town Hall <no-reply@book.example.org>"
LONG = "word " * 400
TEXT = f"Dear guest,\n\n.a line that starts with a dot\n{LONG}\nGr\u00fc\u00dfe\n"
ID = "booking-1.confirmed@book.example.org"

# aiosmtpd warns of what these tests are about: a login without encryption, on this machine alone
UNENCRYPTED = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")


def mail(to: str = "ada@example.org", subject: str = "Booked", text: str = TEXT, message_id: str = ID) -> Mail:
    return Mail(to, subject, text, message_id)


CALENDAR = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Gro\u00dfer Saal\r\nEND:VCALENDAR\r\n".encode()
HTML = f"<p>Gr\u00fc\u00dfe</p>\n<p>{LONG}</p>\n"


def rich(*, to: str = "ada@example.org", reply_to: str = "", method: str = "REQUEST") -> Mail:
    """Return a mail with all that one can have."""
    return Mail(to, "Booked", TEXT, ID, html=HTML, reply_to=reply_to, invitation=Invitation(CALENDAR, method))


def plainly(port: int, user: str = "", password: str = "") -> SmtpMailer:
    return SmtpMailer(MailServer("127.0.0.1", port, "plain", user, password), SENDER)


def as_if_far_away(port: int, user: str = "", password: str = "", host: str = "127.0.0.1") -> SmtpMailer:
    return SmtpMailer(MailServer(host, port, "starttls", user, password), SENDER)


def failure(mailer: Mailer, letter: Mail | None = None) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        mailer.send(letter or mail())
    words = str(caught.value)
    assert "\n" not in words
    assert not any(secret in words for secret in ("ada@", PASSWORD, "no-reply@"))
    return caught.value


@contextmanager
def postbox(options: dict[str, Any] | None = None, **answers: str) -> Iterator[tuple[Postbox, int]]:
    box = Postbox(**answers)
    with mail_server(box, **(options or {})) as port:
        yield box, port


def test_mail_arrives_with_what_a_mail_program_shows() -> None:
    with postbox() as (box, port):
        plainly(port).send(mail(subject="Gebucht: Gro\u00dfer Saal \u2014 12:00"))
    found = box.mail()
    assert (box.envelopes[0].mail_from, box.envelopes[0].rcpt_tos) == ("no-reply@book.example.org", ["ada@example.org"])
    assert (found["From"], found["To"]) == (SENDER, "ada@example.org")
    assert found["Subject"] == "Gebucht: Gro\u00dfer Saal \u2014 12:00"
    assert found["Message-ID"] == f"<{ID}>"
    assert found["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(found["Date"]).utcoffset() is not None
    assert found.get_content().splitlines() == TEXT.splitlines()


@pytest.mark.parametrize("text", [TEXT, "Gr\u00fc\u00dfe\n", "Your code is 123456.", "a\rb\n"])
def test_what_goes_over_the_wire_suits_every_server(text: str) -> None:
    with postbox() as (box, port):
        plainly(port).send(mail(subject="\u00fc" * 200, text=text))
    content = box.envelopes[0].original_content or b""
    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert not {b"\n", b"\r"} & {content.replace(b"\r\n", b"")[at : at + 1] for at in range(len(content))}
    assert box.mail().get_content().splitlines() == text.splitlines()


def test_text_page_and_calendar_are_alternatives_and_the_calendar_is_a_file_too() -> None:
    with postbox() as (box, port):
        plainly(port).send(rich())
    found = box.mail()
    kinds = [part.get_content_type() for part in found.walk()]
    alternatives = ["multipart/alternative", "text/plain", "text/html", "text/calendar"]  # the richest last: RFC 2046
    assert kinds == ["multipart/mixed", *alternatives, "application/ics"]
    text, page, calendar = next(found.iter_parts()).iter_parts()  # type: ignore[attr-defined]
    assert text.get_content().splitlines() == TEXT.splitlines()
    assert page.get_content().splitlines() == HTML.splitlines()
    assert calendar.get_param("method") == "REQUEST"
    assert calendar.get_param("charset") == "utf-8"
    assert calendar.get_content().splitlines() == CALENDAR.decode().splitlines()
    (attached,) = found.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("booking.ics", CALENDAR)


def test_a_booking_that_is_off_is_taken_out_of_the_calendar() -> None:
    with postbox() as (box, port):
        plainly(port).send(rich(method="CANCEL"))
    (calendar,) = (part for part in box.mail().walk() if part.get_content_type() == "text/calendar")
    assert calendar.get_param("method") == "CANCEL"


def test_a_rich_mail_suits_every_server_too() -> None:
    with postbox() as (box, port):
        plainly(port).send(rich(reply_to="halle@b\u00fcrgerhaus.example"))
    content = box.envelopes[0].original_content or b""
    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert content.count(b"\n") == content.count(b"\r\n") == content.count(b"\r")


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("hall@example.org", "hall@example.org"),
        ("halle@b\u00fcrgerhaus.example", "halle@xn--brgerhaus-q9a.example"),
        ("", None),
        ("b\u00fcro@example.org", None),
        ("hall", None),
        ("hall@example.org\r\nBcc: eve@example.org", None),
        ("hall@example.org, eve@example.org", None),
    ],
)
def test_answers_go_where_the_mail_says_or_else_to_its_sender(given: str, written: str | None) -> None:
    with postbox() as (box, port):
        plainly(port).send(rich(reply_to=given))
    assert box.mail()["Reply-To"] == written
    assert box.mail()["Bcc"] is None


def test_a_rich_mail_to_an_address_in_any_language_reaches_a_server_that_takes_them() -> None:
    with postbox({"enable_SMTPUTF8": True}) as (box, port):
        plainly(port).send(rich(to="gr\u00fc\u00df@example.org", reply_to="hall@example.org"))
    assert box.mail()["To"] == "gr\u00fc\u00df@example.org"
    assert box.mail()["Reply-To"] == "hall@example.org"


def test_a_sender_may_have_a_name_in_any_language() -> None:
    with postbox() as (box, port):
        SmtpMailer(MailServer("127.0.0.1", port, "plain"), "B\u00fcrgerhaus, Saal <no-reply@book.example.org>").send(
            mail()
        )
    assert box.mail()["From"].addresses[0].display_name == "B\u00fcrgerhaus, Saal"


def test_an_attempt_to_send_again_has_the_same_message_id() -> None:
    with postbox() as (box, port):
        plainly(port).send(mail())
        plainly(port).send(mail())
    ids = [message_from_bytes(envelope.original_content or b"")["Message-ID"] for envelope in box.envelopes]
    assert ids == [f"<{ID}>"] * 2


BAD = [
    mail(to="ada@example.org\r\nBcc: eve@example.org"),
    mail(to="ada@example.org\nBcc: eve@example.org"),
    mail(to="ada@example.org, eve@example.org"),
    mail(to="Ada <ada@example.org>"),
    mail(to="ada"),
    mail(to=""),
    mail(to="ada@" + "x" * 70 + ".example.org"),
    mail(subject="Booked\r\nBcc: eve@example.org"),
    mail(subject="Booked\nBcc: eve@example.org"),
    mail(subject="Booked\u2028Bcc: eve@example.org"),
    mail(subject="Booked\x00"),
    mail(subject="x" * 201),
    mail(message_id="x@example.org>\r\nBcc: eve@example.org"),
    mail(message_id="<x@example.org>"),
    mail(message_id=""),
    mail(text="half a sign: \ud800"),
    replace(rich(), html="half a sign: \ud800"),
]


@pytest.mark.parametrize("letter", BAD, ids=range(len(BAD)))
def test_every_mailer_refuses_the_same_mail_for_good(
    letter: Mail, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with postbox() as (box, port):
        mailers = [plainly(port), FileMailer(tmp_path / "mail", SENDER), ConsoleMailer(SENDER)]
        found = [failure(mailer, letter) for mailer in mailers]
    assert [error.permanent for error in found] == [True] * 3
    assert len({str(error) for error in found}) == 1
    assert (box.commands, list(tmp_path.iterdir()), capsys.readouterr().err) == ([], [], "")


@pytest.mark.parametrize(
    ("command", "answer", "permanent", "detail"),
    [
        ("rcpt", "550 5.1.1 <ada@example.org> unknown", True, "550 5.1.1"),
        ("rcpt", "450 4.2.0 <ada@example.org> greylisted", False, "450 4.2.0"),
        ("rcpt", "421 too busy", False, "421"),
        ("data", "554 5.7.1 ada@example.org says: spam", True, "554 5.7.1"),
        ("data", "451 try later", False, "451"),
        ("data", "552 5.2.2 mailbox of ada@example.org full", True, "552 5.2.2"),
        ("mail", "550 5.7.1 no-reply@book.example.org may not send here", False, "550 5.7.1"),
        ("mail", "452 4.3.1 disk full", False, "452 4.3.1"),
    ],
)
def test_a_refusal_is_for_good_where_the_server_says_so_of_addressee_or_mail(
    command: str,
    answer: str,
    permanent: bool,  # noqa: FBT001 - a column of the table
    detail: str,
) -> None:
    with postbox(**{command: answer}) as (box, port):
        error = failure(plainly(port))
    assert error.permanent is permanent
    assert str(error).endswith(f": {detail}")
    assert box.envelopes == []


def test_a_server_that_is_down_is_tried_again() -> None:
    assert not failure(plainly(loopback.free_port())).permanent


@pytest.mark.parametrize(
    "greeting", [b"", b"554 no service\r\n", b"421 busy\r\n", b"SSH-2.0-OpenSSH\r\n", b"\xff" * 9000]
)
def test_a_server_that_does_not_greet_as_one_is_tried_again(greeting: bytes) -> None:
    def greet(connection: socket) -> None:
        connection.sendall(greeting)

    with loopback.raw_server(greet) as port:
        assert not failure(plainly(port)).permanent


def test_a_server_that_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_client, "TIMEOUT_SECONDS", 0.2)
    heard: list[bytes] = []

    def say_nothing(connection: socket) -> None:
        connection.settimeout(10)
        heard.append(connection.recv(1))

    with loopback.raw_server(say_nothing) as port:
        assert not failure(plainly(port)).permanent
    assert heard == [b""]


def test_a_connection_lost_before_the_server_answers_for_the_mail_is_a_failure() -> None:
    with postbox(data="drop") as (box, port):
        assert not failure(plainly(port)).permanent
    assert box.commands == ["MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize("answer", ["drop", "421 goodbye", "500 what"])
def test_a_mail_that_was_taken_is_not_sent_again_because_the_farewell_failed(answer: str) -> None:
    with postbox(quit=answer) as (box, port):
        plainly(port).send(mail())
    assert len(box.envelopes) == 1


@UNENCRYPTED
def test_a_server_far_away_that_offers_no_encryption_gets_nothing() -> None:
    with postbox(login_asked()) as (box, port):
        error = failure(as_if_far_away(port, USER, PASSWORD))
    assert not error.permanent
    assert "encryption" in str(error)
    assert box.commands == []


def test_a_server_far_away_gets_mail_and_password_encrypted(trusted: Path) -> None:
    options = {"tls_context": server_context(trusted), "require_starttls": True, **login_asked(encrypted=True)}
    with postbox(options) as (box, port):
        as_if_far_away(port, USER, PASSWORD).send(mail())
    assert box.encrypted == [True]


def test_a_certificate_that_nobody_trusts_gets_nothing(certificate: Path) -> None:
    with postbox({"tls_context": server_context(certificate)}) as (box, port):
        error = failure(as_if_far_away(port))
    assert not error.permanent
    assert "CERTIFICATE_VERIFY_FAILED" in str(error)
    assert box.commands == []


def test_a_certificate_for_another_name_gets_nothing(trusted: Path) -> None:
    with postbox({"tls_context": server_context(trusted)}) as (box, port):
        assert "CERTIFICATE_VERIFY_FAILED" in str(failure(as_if_far_away(port, host="localhost")))
    assert box.commands == []


def test_smtps_is_encrypted_from_the_start(trusted: Path) -> None:
    with postbox({"ssl_context": server_context(trusted)}) as (box, port):
        make_mailer(f"smtps://127.0.0.1:{port}", SENDER).send(mail())
    assert box.encrypted == [True]


@UNENCRYPTED
def test_user_and_password_are_used_as_they_were_meant() -> None:
    with postbox(login_asked()) as (box, port):
        make_mailer(f"smtp://{USER}:pa%20ss%3Aword@127.0.0.1:{port}", SENDER).send(mail())
    assert len(box.envelopes) == 1


@UNENCRYPTED
def test_a_wrong_password_is_put_right_in_the_settings_and_loses_no_mail() -> None:
    with postbox(login_asked()) as (box, port):
        error = failure(plainly(port, USER, "wrong"))
    assert not error.permanent
    assert "login" in str(error)
    assert "535" in str(error)
    assert box.commands == []


def test_a_server_that_wants_no_password_does_not_get_one() -> None:
    with postbox() as (box, port):
        error = failure(plainly(port, USER, PASSWORD))
    assert not error.permanent
    assert "no login" in str(error)
    assert box.commands == []


def test_an_address_in_any_language_reaches_a_server_that_takes_them() -> None:
    with postbox({"enable_SMTPUTF8": True}) as (box, port):
        plainly(port).send(mail(to="j\u00f6rg@b\u00fccher.example"))
    assert box.envelopes[0].rcpt_tos == ["j\u00f6rg@xn--bcher-kva.example"]
    assert "To: j\u00f6rg@xn--bcher-kva.example\r\n".encode() in (box.envelopes[0].original_content or b"")


def test_an_address_in_any_language_is_refused_for_good_where_the_server_takes_none() -> None:
    with postbox({"enable_SMTPUTF8": False}) as (box, port):
        assert failure(plainly(port), mail(to="j\u00f6rg@example.org")).permanent
        plainly(port).send(mail(to="ada@b\u00fccher.example"))
    assert [envelope.rcpt_tos for envelope in box.envelopes] == [["ada@xn--bcher-kva.example"]]


def test_files_hold_whole_mails_sort_by_time_and_are_for_their_owner(tmp_path: Path) -> None:
    mailer = make_mailer(f"file:{tmp_path}/a/mail", SENDER)
    for number in range(20):
        mailer.send(mail(subject=f"Booked {number}"))
    files = sorted((tmp_path / "a/mail").iterdir())
    found = [message_from_bytes(path.read_bytes(), policy=default)["Subject"] for path in files]
    assert found == [f"Booked {number}" for number in range(20)]
    assert {path.suffix for path in files} == {".eml"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "a/mail").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")
    assert not failure(FileMailer(tmp_path / "mail", SENDER)).permanent


def test_the_console_shows_what_a_person_would_read(capsys: pytest.CaptureFixture[str]) -> None:
    make_mailer("console:", SENDER).send(mail(text="Your code is 123456.\n"))
    shown = capsys.readouterr().err
    assert shown.splitlines()[1:] == [
        f"From: {SENDER}",
        "To: ada@example.org",
        "Subject: Booked",
        "",
        "Your code is 123456.",
        "---",
    ]


@pytest.mark.parametrize(("url", "sender"), [("smtp://", SENDER), ("nonsense", SENDER), ("console:", "nobody")])
def test_a_mailer_is_not_made_from_settings_that_cannot_be_used(url: str, sender: str) -> None:
    with pytest.raises(SettingsError):
        make_mailer(url, sender)


def test_the_password_is_not_printed() -> None:
    assert PASSWORD not in repr(MailServer("mail.example.org", 587, "starttls", USER, PASSWORD))
