from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from app.gateways.letters import Invitation, Mail, compose

SENDER = "Hall <hall@example.org>"
CALENDAR = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


def _mail(**more: object) -> Mail:
    given: dict[str, object] = {"text": "When: 10:00 ä 11:00", **more}
    return Mail("ada@example.org", "Your booking", message_id="1@hall.example.org", **given)  # type: ignore[arg-type]


def _read(mail: Mail) -> EmailMessage:
    found = message_from_bytes(compose(mail, SENDER).content, policy=default)
    assert isinstance(found, EmailMessage)
    assert [part.defects for part in found.walk()] == [[]] * len(list(found.walk()))
    return found


@pytest.mark.parametrize(
    ("more", "kinds"),
    [
        ({}, ["text/plain"]),
        ({"html": "<p>ä</p>"}, ["multipart/alternative", "text/plain", "text/html"]),
        (
            {"html": "<p>ä</p>", "invitation": Invitation(CALENDAR, "REQUEST")},
            ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar", "application/ics"],
        ),
        (
            {"invitation": Invitation(CALENDAR, "CANCEL")},
            ["multipart/mixed", "multipart/alternative", "text/plain", "text/calendar", "application/ics"],
        ),
    ],
)
def test_a_letter_has_the_parts_that_its_mail_has(more: dict[str, object], kinds: list[str]) -> None:
    found = _read(_mail(**more))
    assert [part.get_content_type() for part in found.walk()] == kinds
    text = found.get_body(("plain",))
    assert isinstance(text, EmailMessage)
    assert text.get_content().strip() == "When: 10:00 ä 11:00"


def test_the_calendar_is_offered_and_attached() -> None:
    found = _read(_mail(html="<p>x</p>", invitation=Invitation(CALENDAR, "REQUEST")))
    offered, attached = list(found.walk())[-2:]
    assert offered["Content-Type"].params["method"] == "REQUEST"
    assert offered.get_content().encode().replace(b"\r\n", b"\n") == CALENDAR.replace(b"\r\n", b"\n")
    assert attached.get_filename() == "booking.ics"
    assert attached.get_content() == CALENDAR


def test_what_stands_between_parts_is_another_word_in_each_letter() -> None:
    mail = _mail(html="<p>x</p>")
    words = {_read(mail).get_boundary() for _ in range(5)}
    assert len(words) == 5


def test_no_line_is_longer_than_a_mail_server_takes_and_all_is_seven_bit() -> None:
    letter = compose(_mail(html="<p>" + "ä" * 3000 + "</p>", invitation=Invitation(CALENDAR, "REQUEST")), SENDER)
    lines = letter.content.split(b"\r\n")
    assert letter.content.isascii()
    assert max(map(len, lines)) <= 78
    assert all(b"\n" not in line for line in lines)
