"""What is owed as it goes out: in its language, in an admin's words where they can be used, with the booking's event."""

from __future__ import annotations

import logging
from email import message_from_bytes
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from app.domain.accounts import Target
from app.domain.bookings import Booking
from app.domain.templates import Text
from app.gateways.letters import Mail, compose
from app.gateways.sealing import SealBroken
from app.persistence import tables
from app.persistence.outbox import OwedMessage
from app.persistence.session import transaction
from app.runtime.settings import Settings
from app.services import letters, message_templates, messages
from tests.conftest import Queries
from tests.services.desk import Desk, at
from tests.services.door import ADA, ON_SQLITE, OPERATOR, Door

PHONE = Target("sms", "+491701234567")
FIELDS = {
    "customer_name": "Ada Lovelace",
    "venue": "Hall",
    "venue_email": "hall@example.org",
    "service": "Court",
    "starts": "Mon 7 Jun 2027, 10:00",
    "when": "Mon 7 Jun 2027, 10:00 to 11:00, Europe/Berlin (UTC+02:00)",
    "ref": "2345678CFG",
    "manage_url": "https://book.example.org/b/2345678CFG",
}


@pytest.fixture
def door(database: Engine, settings: Settings) -> Door:
    return Door(database, settings)


def owed(door: Door, topic: str = "booking.confirmed", target: Target = ADA, **values: Any) -> OwedMessage:
    """Return a message that was just written, as a sender has it."""
    given = {**FIELDS, **values} if not topic.startswith(("account", "code")) else values
    with transaction() as opened:
        messages.owe(opened, door.settings, topic, target, now=door.now, **given)
        row = opened.execute(select(tables.outbox).order_by(tables.outbox.c.id.desc()).limit(1)).one()
    names = set(OwedMessage.__dataclass_fields__)
    return OwedMessage(**{name: value for name, value in row._mapping.items() if name in names})


def mail(door: Door, topic: str = "booking.confirmed", **values: Any) -> Mail:
    return letters.compose_mail(door.settings, owed(door, topic, **values))


def test_a_row_says_what_it_is_about_and_keeps_the_rest_sealed(door: Door) -> None:
    owed(
        door, venue_id=7, about="booking:2345678CFG", dedupe="e1:customer", due=5, priority=1, expires=9, language="de"
    )
    (row,) = door.rows("outbox")
    assert (row.venue_id, row.object, row.dedupe) == (7, "booking:2345678CFG", "e1:customer")
    assert (row.due, row.expires, row.priority, row.status) == (5, 9, 1, "queued")
    assert not {"ada", "Ada", "Court"} & {
        row.sealed[start : start + size] for size in (3, 5) for start in range(len(row.sealed))
    }
    opened = messages.open_owed(door.settings, row.sealed, row.message_id)
    assert (opened.to, opened.language, opened.fields["service"]) == (ADA.address, "de", "Court")


def test_the_same_is_owed_once(door: Door) -> None:
    for _ in range(2):
        owed(door, dedupe="e1:customer")
    owed(door, dedupe="e1:venue")
    owed(door)
    owed(door)
    assert [row.dedupe for row in door.rows("outbox")] == ["e1:customer", "e1:venue", None, None]


@ON_SQLITE
@pytest.mark.parametrize(
    ("topic", "priority"),
    [
        ("code.sign_in", 0),
        ("account.erased", 3),
        ("booking.confirmed", 5),
        ("staff.booked", 5),
        ("booking.reminder", 7),
    ],
)
def test_what_is_urgent_goes_first(door: Door, topic: str, priority: int) -> None:
    owed(door, topic)
    assert [row.priority for row in door.rows("outbox")] == [priority]


@ON_SQLITE
def test_a_message_of_an_earlier_version_can_still_be_sent(door: Door) -> None:
    message = owed(door, "account.totp_changed", what="it is set up")
    sealed = messages.load_sealer(door.settings.sealing_key_file).seal(
        b'{"to":"ada@example.org","fields":{"host":"book.example.org","what":"it is set up"}}',
        bound_to=message.message_id,
    )
    letter = letters.open_letter(door.settings, message.topic, sealed, message.message_id)
    assert letter.to == ADA.address
    assert "it is set up" in letter.body


@ON_SQLITE
def test_a_mail_has_text_page_and_the_address_for_answers(door: Door) -> None:
    sent = mail(door)
    assert sent.to == ADA.address
    assert sent.subject == "Your booking: Court, Mon 7 Jun 2027, 10:00"
    assert FIELDS["manage_url"] in sent.text
    assert f'href="{FIELDS["manage_url"]}"' in sent.html
    assert sent.reply_to == "hall@example.org"
    assert sent.invitation is None
    assert compose(sent, door.settings.mail_from).to == ADA.address


@ON_SQLITE
def test_every_attempt_has_the_same_message_id(door: Door) -> None:
    message = owed(door)
    first, second = (letters.compose_mail(door.settings, message).message_id for _ in range(2))
    assert first == second == f"{message.message_id}@{door.settings.base_url.partition('//')[2].partition(':')[0]}"


@ON_SQLITE
def test_staff_do_not_answer_themselves(door: Door) -> None:
    assert mail(door, "staff.booked").reply_to == ""


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "word"), [("de", "bestätigt"), ("hi", "बुकिंग"), ("fr", "confirmed"), ("", "confirmed")]
)
def test_a_message_is_in_the_language_it_is_owed_in(door: Door, language: str, word: str) -> None:
    sent = mail(door, language=language)
    assert word in sent.text
    assert word in sent.html


@ON_SQLITE
def test_what_changed_is_said_in_the_language_too(door: Door) -> None:
    assert (
        "wurde geändert: Er wurde entfernt."
        in mail(door, "account.totp_changed", language="de", what="totp.taken_off").text
    )


@ON_SQLITE
def test_a_telephone_gets_the_short_words(door: Door) -> None:
    sms = letters.compose_short(door.settings, owed(door, "code.sign_in", PHONE, code="271828", language="de"))
    assert (sms.to, sms.text[:22]) == (PHONE.address, "271828 ist Ihr Code fü")


@ON_SQLITE
def test_a_name_cannot_write_a_header_or_a_tag(door: Door) -> None:
    evil = "Ada\r\nBcc: eve@example.org\r\n\r\n<script>{{ code }}</script>"
    content = compose(mail(door, "staff.booked", customer_name=evil), door.settings.mail_from).content
    parsed = message_from_bytes(content)
    assert parsed["Bcc"] is None
    page = mail(door, "staff.booked", customer_name=evil).html
    assert "<script>" not in page
    assert "&lt;script&gt;{{ code }}&lt;/script&gt;" in page


@ON_SQLITE
@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Dr. J. R. R. Tolkien-O'Neill Jr.", "Hello Dr. J. R. R. Tolkien-O'Neill Jr.,"),
        ("Win at https://evil.example/x", "Hello,"),
        ("evil.example", "Hello,"),
        ("Write to eve@evil", "Hello,"),
    ],
)
def test_nobody_is_greeted_with_a_link(door: Door, name: str, greeting: str) -> None:
    assert mail(door, customer_name=name).text.splitlines()[0] == greeting
    assert f"Customer: {name}" in mail(door, "staff.booked", customer_name=name).text


def test_an_admins_words_are_used_when_it_is_sent(door: Door) -> None:
    message = owed(door, language="de")
    text = Text("Gebucht: {{ ref }}", "Bis bald in {{ venue }}!", "{{ ref }}")
    message_templates.put("booking.confirmed", "de", text, version=None, by=OPERATOR, now=door.now)
    sent = letters.compose_mail(door.settings, message)
    assert (sent.subject, sent.text) == ("Gebucht: 2345678CFG", "Bis bald in Hall!")
    assert "Bis bald in Hall!" in sent.html
    assert mail(door, language="de-AT").text == sent.text
    assert "confirmed" in mail(door).text  # in English nobody has changed anything


@ON_SQLITE
@pytest.mark.parametrize("body", ["{{ gone }}", "{{#if reason}}", ""])
def test_words_that_fit_no_more_are_passed_over_and_the_log_says_so(
    door: Door, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction() as opened:
        opened.execute(
            tables.message_templates.insert(),
            {"topic": "booking.confirmed", "language": "en", "subject": "s", "body": body, "short": "s"}
            | {"version": 1, "created_at": door.now, "updated_at": door.now},
        )
    with caplog.at_level(logging.WARNING):
        assert "confirmed" in mail(door).text
    assert "message_template_not_used" in caplog.text


@ON_SQLITE
def test_one_look_finds_the_words(door: Door, queries: Queries) -> None:
    message = owed(door)
    with queries(most=1):
        letters.compose_mail(door.settings, message)


@ON_SQLITE
def test_no_connection_is_held_while_a_mail_server_takes_its_time(door: Door) -> None:
    letters.compose_mail(door.settings, owed(door))
    assert door.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@ON_SQLITE
def test_a_message_whose_seal_is_broken_is_not_sent(door: Door) -> None:
    message = owed(door)
    with pytest.raises(SealBroken):
        letters.open_letter(door.settings, message.topic, message.sealed, "another")


@ON_SQLITE
def test_a_topic_that_this_version_does_not_know_is_told(door: Door) -> None:
    message = owed(door, "booking.sung_for")
    with pytest.raises(KeyError, match=r"booking\.sung_for"):
        letters.compose_mail(door.settings, message)
    with pytest.raises(KeyError, match=r"booking\.sung_for"):
        letters.compose_short(door.settings, message)


class TestWithABooking:
    """A mail with a booking's event."""

    @pytest.fixture
    def desk(self, door: Door) -> Desk:
        return Desk(door.engine)

    @pytest.fixture
    def booking(self, desk: Desk) -> Booking:
        return desk.book(desk.room_service(), at("10:00"))

    def calendar(self, door: Door, booking: Booking, **values: Any) -> str:
        sent = mail(door, attach="calendar", about=f"booking:{booking.ref}", **values)
        assert sent.invitation is not None
        text = sent.invitation.calendar.decode().replace("\r\n ", "")
        assert f"METHOD:{sent.invitation.method}" in text
        return text

    def test_the_event_goes_along_as_a_request(self, door: Door, booking: Booking) -> None:
        text = self.calendar(door, booking)
        assert "METHOD:REQUEST" in text
        assert f"UID:booking-{booking.ref}@slotkeeper" in text
        assert f"SEQUENCE:{booking.version}" in text
        assert "mailto:ada@example.org" in text

    def test_the_event_of_what_is_cancelled_takes_itself_out(self, door: Door, desk: Desk, booking: Booking) -> None:
        after = desk.cancel(booking)
        text = self.calendar(door, booking)
        assert "METHOD:CANCEL" in text
        assert f"SEQUENCE:{after.version}" in text
        assert after.version > booking.version

    @ON_SQLITE
    def test_a_venue_without_an_address_invites_from_that_of_the_house(self, door: Door, booking: Booking) -> None:
        with transaction() as opened:
            opened.execute(update(tables.venues).values(email=""))
        assert f"mailto:{letters.sender(door.settings.mail_from).address}" in self.calendar(door, booking)

    @ON_SQLITE
    def test_a_booking_that_is_gone_leaves_the_mail_without_it(self, door: Door) -> None:
        assert mail(door, attach="calendar", about="booking:2345678CFG").invitation is None
