"""What is said of a booking: to whom, in which language, by which way, when, and once."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from app.domain.actors import Actor
from app.domain.bookings import Booking, Customer
from app.persistence import tables
from app.persistence.idempotency import IdempotencyKey
from app.runtime.settings import Settings
from app.services import api_keys, booking_changes, bookings, notices, users
from app.services.bookings import Access
from app.services.users import NewUser
from tests.services.desk import BERLIN, CUSTOMER, OPERATOR, SECRET, Desk, at, holder
from tests.services.postroom import Letter, PostRoom

STAFF = Access(by=OPERATOR)
ADA, HALL = "ada@example.org", "hall@example.org"
ON_PHONE = Customer("Ada", "", "+4930123456")


@pytest.fixture
def desk(database: Engine) -> Desk:
    desk = Desk(database)
    change(desk, name="The Hall", email=HALL, phone="+49301", address="Am Markt 1", language="de")
    return desk


@pytest.fixture
def post(desk: Desk, settings: Settings) -> PostRoom:
    return PostRoom(desk, settings)


@pytest.fixture
def service(desk: Desk) -> int:
    return desk.room_service(name="Singing", capacity=3)


def change(desk: Desk, **values: Any) -> None:
    """Change the venue."""
    with desk.engine.connect() as connection:
        connection.execute(update(tables.venues).where(tables.venues.c.id == desk.venue_id).values(**values))


def only(post: PostRoom, topic: str) -> Letter:
    (letter,) = (letter for letter in post.letters() if letter.topic == topic)
    return letter


def requested(desk: Desk, **values: Any) -> Booking:
    return desk.book(desk.room_service(requires_approval=True, **values), at("10:00"))


def test_each_verb_leaves_one_event_in_its_transaction(desk: Desk, post: PostRoom, service: int) -> None:
    made = desk.book(service, at("10:00"))
    desk.cancel(desk.reschedule(made, at("12:00")))
    approved, declined, lapsed = (requested(desk) for _ in range(3))
    bookings.approve(approved.ref, access=STAFF, now=desk.now)
    bookings.decline(declined.ref, reason="no", access=STAFF, now=desk.now)
    desk.now = at("10:00")
    bookings.expire_batch(now=desk.now)
    refs = [made.ref] * 3 + [approved.ref, declined.ref, lapsed.ref, approved.ref, declined.ref, lapsed.ref]
    topics = ["made", "rescheduled", "cancelled", "made", "made", "made", "approved", "declined", "expired"]
    told = post.events()
    assert [(topic, about) for topic, about, _ in told] == [
        (f"booking.{topic}", f"booking:{ref}") for topic, ref in zip(topics, refs, strict=True)
    ]
    assert {row.venue_id for row in post.rows()} == {desk.venue_id}
    assert [details["by"] for *_, details in told] == ["guest", *["holder"] * 2, *["guest"] * 3, *["operator"] * 3]
    assert [details["status"] for *_, details in told][:4] == ["confirmed", "confirmed", "cancelled", "pending"]


def test_an_event_holds_nothing_private(desk: Desk, post: PostRoom, service: int) -> None:
    desk.cancel(desk.book(service, at("10:00")))
    ((_, _, made), (_, _, cancelled)) = post.events()
    assert set(made) == set(cancelled) == {"at", "by", "status"}
    text = str(post.rows())
    assert [word for word in (CUSTOMER.name, ADA, "ill") if word in text] == []


def test_what_was_refused_leaves_no_event(desk: Desk, post: PostRoom, service: int) -> None:
    booking = desk.cancel(desk.book(service, at("10:00")))
    with pytest.raises(Exception, match="cancelled"):
        desk.cancel(booking)
    assert len(post.events()) == 2


def test_an_answer_given_again_tells_nobody_again(desk: Desk, post: PostRoom, service: int) -> None:
    key = IdempotencyKey("guest", "k" * 64, "b" * 64)
    first = desk.book(service, at("10:00"), key=key)
    assert desk.book(service, at("10:00"), key=key) == first
    assert desk.replayed
    assert [topic for topic, *_ in post.events()] == ["booking.made"]


def test_an_answer_that_the_version_before_has_kept_is_still_given(desk: Desk, service: int) -> None:
    key = IdempotencyKey("guest", "k" * 64, "b" * 64)
    first = desk.book(service, at("10:00"), key=key)
    with desk.engine.connect() as connection:
        (kept,) = connection.execute(tables.idempotency_keys.select()).all()
        answer = {
            name: value for name, value in json.loads(kept.answer).items() if name not in {"language", "answer_by"}
        }
        connection.execute(update(tables.idempotency_keys).values(answer=json.dumps(answer)))
    assert desk.book(service, at("10:00"), key=key) == first
    assert desk.replayed


def test_a_booking_is_told_to_its_customer_and_to_the_venue(desk: Desk, post: PostRoom, service: int) -> None:
    desk.book(service, at("10:00"), customer=Customer("Ada", ADA, "+49309"), party_size=3)
    assert post.topics() == [("booking.confirmed", ADA), ("staff.booked", HALL)]
    customer, staff = post.letters()
    assert (customer.channel, customer.attach, customer.language, staff.attach) == ("email", "calendar", "de", "")
    told = customer.fields
    assert told["when"] == "Mo., 7. Juni 2027, 10:00 – 11:00, Europe/Berlin (UTC+02:00)"  # noqa: RUF001 - as it is written
    assert (told["venue"], told["venue_address"], told["venue_email"]) == ("The Hall", "Am Markt 1", HALL)
    assert (told["service"], told["party_size"], told["customer_name"]) == ("Singing", "3", "Ada")
    assert told["total"].startswith("40,00")
    assert "manage_url" not in staff.fields
    assert {**staff.fields, "manage_url": told["manage_url"]} == told


def test_the_link_in_it_opens_the_booking(desk: Desk, post: PostRoom, service: int) -> None:
    post.settings = replace(post.settings, secret_key=SECRET)
    booking = desk.book(service, at("10:00"))
    path, token = only(post, "booking.confirmed").fields["manage_url"].split("?token=")
    assert path == f"{post.settings.base_url}/api/v1/bookings/{booking.ref}"
    assert bookings.get_for(booking.ref, Access(Actor("holder"), token)) == booking


def test_a_request_is_told_with_the_time_by_which_it_is_answered(desk: Desk, post: PostRoom) -> None:
    desk.book(desk.room_service(requires_approval=True, approval_minutes=90), at("10:00"))
    customer, staff = post.letters()
    assert (customer.topic, staff.topic, customer.attach) == ("booking.requested", "staff.requested", "")
    assert customer.fields["answer_by"] == staff.fields["answer_by"] == "Di., 1. Juni 2027, 09:30"


def test_an_approval_is_told_to_the_customer_with_the_event(desk: Desk, post: PostRoom) -> None:
    booking = requested(desk)
    post.letters()
    bookings.approve(booking.ref, access=STAFF, now=desk.now)
    assert post.topics()[2:] == [("booking.approved", ADA)]
    assert only(post, "booking.approved").attach == "calendar"


def test_a_refusal_is_told_with_its_reason(desk: Desk, post: PostRoom) -> None:
    booking = requested(desk)
    bookings.decline(booking.ref, reason="We are on holiday", access=STAFF, now=desk.now)
    assert only(post, "booking.declined").fields["reason"] == "We are on holiday"
    assert "staff.declined" not in str(post.topics())


def test_what_is_told_late_has_not_the_reason_of_what_came_after(desk: Desk, post: PostRoom, service: int) -> None:
    desk.cancel(desk.reschedule(desk.book(service, at("10:00")), at("12:00")))
    reasons = {letter.topic: letter.fields["reason"] for letter in post.letters() if letter.to == ADA}
    assert reasons == {"booking.confirmed": "", "booking.rescheduled": "", "booking.cancelled": "ill"}


def test_a_booking_that_was_moved_is_told_with_the_time_that_it_had(desk: Desk, post: PostRoom, service: int) -> None:
    booking = desk.book(service, at("10:00"))
    desk.reschedule(booking, at("12:00", day=8))
    told = only(post, "booking.rescheduled")
    assert told.fields["was"].startswith("Mo., 7. Juni 2027, 10:00 – 11:00")  # noqa: RUF001 - as it is written
    assert told.fields["starts"] == "Di., 8. Juni 2027, 12:00"
    assert (told.attach, only(post, "staff.rescheduled").fields["was"]) == ("calendar", told.fields["was"])


def test_a_request_that_was_moved_is_to_be_answered_again(desk: Desk, post: PostRoom) -> None:
    booking = requested(desk)
    bookings.approve(booking.ref, access=STAFF, now=desk.now)
    post.letters()
    desk.reschedule(booking, at("14:00"))
    assert post.topics()[-2:] == [("booking.requested", ADA), ("staff.requested", HALL)]


@pytest.mark.parametrize(
    ("access", "topics"),
    [
        (holder, [("booking.cancelled", ADA), ("staff.cancelled", HALL)]),
        (lambda _: STAFF, [("booking.cancelled", ADA)]),
    ],
)
def test_the_venue_is_not_told_what_it_did_itself(
    desk: Desk, post: PostRoom, service: int, access: Callable[[Booking], Access], topics: list[tuple[str, str]]
) -> None:
    booking = desk.book(service, at("10:00"))
    post.letters()
    desk.cancel(booking, access(booking))
    assert post.topics()[2:] == topics


def test_a_request_that_nobody_answered_is_told_to_both(desk: Desk, post: PostRoom) -> None:
    requested(desk)
    post.letters()
    desk.now = at("10:00")
    bookings.expire_batch(now=desk.now)
    assert post.topics()[2:] == [("booking.expired", ADA), ("staff.expired", HALL)]


def test_a_venue_without_address_hears_nothing(desk: Desk, post: PostRoom, service: int) -> None:
    change(desk, email="")
    desk.book(service, at("10:00"))
    assert post.topics() == [("booking.confirmed", ADA)]


@pytest.mark.parametrize(
    ("whatsapp", "sms", "channel"),
    [("file:/x", "file:/x", "whatsapp"), ("none:", "file:/x", "sms"), ("none:", "none:", None)],
)
def test_a_customer_with_a_number_alone_is_told_by_what_there_is(
    desk: Desk,
    post: PostRoom,
    service: int,
    whatsapp: str,
    sms: str,
    channel: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    post.settings = replace(post.settings, whatsapp_url=whatsapp, sms_url=sms)
    desk.book(service, at("10:00"), customer=ON_PHONE)
    found = [(letter.channel, letter.to, letter.attach) for letter in post.letters() if letter.topic != "staff.booked"]
    assert found == ([(channel, ON_PHONE.phone, "")] if channel else [])
    assert caplog.text.count("customer_not_told") == (channel is None)


def test_a_customer_whose_account_was_erased_hears_nothing(desk: Desk, post: PostRoom, service: int) -> None:
    booking = desk.book(service, at("10:00"))
    post.letters()
    with desk.engine.connect() as connection:
        connection.execute(update(tables.customers).values(name="", email="", phone=""))
    desk.cancel(booking, STAFF)
    assert len(post.topics()) == 2


@pytest.mark.parametrize(
    ("asked", "venue", "spoken", "starts"),
    [
        ("", "de", "de", "Mo., 7. Juni 2027, 10:00"),
        ("en", "de", "en", "Mon 7 Jun 2027, 10:00"),
        ("hi", "de", "hi", None),
        ("", "en", "en", "Mon 7 Jun 2027, 10:00"),
    ],
)
def test_a_customer_is_written_to_in_the_language_of_the_booking_or_the_venue(
    desk: Desk, post: PostRoom, service: int, asked: str, venue: str, spoken: str, starts: str | None
) -> None:
    change(desk, language=venue)
    booking = desk.book(service, at("10:00"), language=asked)
    assert booking.language == asked
    customer, staff = post.letters()
    assert (customer.language, staff.language) == (spoken, venue)
    assert starts is None or customer.fields["starts"] == starts


def test_a_booking_that_is_moved_keeps_its_language(desk: Desk, post: PostRoom, service: int) -> None:
    booking = desk.book(service, at("10:00"), language="hi")
    assert desk.reschedule(booking, at("12:00")).language == "hi"
    assert bookings.get_for(booking.ref, STAFF).language == "hi"
    assert only(post, "booking.rescheduled").language == "hi"


def test_a_second_expansion_adds_nothing(desk: Desk, post: PostRoom, service: int) -> None:
    desk.book(service, at("10:00"))
    message = post.claim()
    for _ in range(2):
        notices.expand(post.settings, message, "a", now=desk.now)
    assert post.topics() == [("booking.confirmed", ADA), ("staff.booked", HALL)]


def test_a_kill_in_the_middle_leaves_the_event_to_the_next(
    desk: Desk, post: PostRoom, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        """What ends a process."""

    def die(*_call: Any, **_named: Any) -> None:
        raise KilledError

    desk.book(service, at("10:00"))
    message = post.claim()
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(notices, "add_deliveries", die)  # after both letters were written
        notices.expand(post.settings, message, "a", now=desk.now)
    assert [(row.channel, row.status) for row in post.rows()] == [("event", "queued")]
    desk.pass_minutes(3)  # the lease is over
    assert post.topics() == [("booking.confirmed", ADA), ("staff.booked", HALL)]


def test_a_claim_that_was_taken_over_writes_nothing(desk: Desk, post: PostRoom, service: int) -> None:
    desk.book(service, at("10:00"))
    slow = post.claim("slow")
    desk.pass_minutes(3)
    fast = post.claim("fast")
    notices.expand(post.settings, slow, "slow", now=desk.now)
    assert [row.status for row in post.rows()] == ["queued"]
    notices.expand(post.settings, fast, "fast", now=desk.now)
    notices.expand(post.settings, slow, "slow", now=desk.now)
    assert post.topics() == [("booking.confirmed", ADA), ("staff.booked", HALL)]


def test_an_event_of_a_later_version_waits_for_it(desk: Desk, post: PostRoom, service: int) -> None:
    desk.book(service, at("10:00"))
    with desk.engine.connect() as connection:
        connection.execute(update(tables.outbox).values(topic="booking.teleported"))
    with pytest.raises(KeyError):
        notices.expand(post.settings, post.claim(), "a", now=desk.now)
    assert [row.status for row in post.rows()] == ["queued"]


def test_few_statements_are_needed(desk: Desk, post: PostRoom, service: int, queries: Any) -> None:
    desk.book(service, at("10:00"))
    message = post.claim()
    with queries(most=9):
        notices.expand(post.settings, message, "a", now=desk.now)
    assert len(post.letters()) == 2


NIGHT = {"quiet_from": 22 * 60, "quiet_until": 8 * 60}


def told_at(desk: Desk, post: PostRoom, customer: Customer, now: datetime, starts_at: datetime) -> datetime:
    """Return when a customer who books now is told so."""
    change(desk, **NIGHT)
    desk.now = now
    desk.book(desk.room_service(hours=[(0, 1440)]), starts_at, customer=customer)
    return only(post, "booking.confirmed").due.astimezone(BERLIN)


@pytest.mark.parametrize(
    ("customer", "now", "starts_at", "due"),
    [
        (ON_PHONE, at("21:59"), at("12:00", 9), at("21:59")),
        (ON_PHONE, at("22:00"), at("12:00", 9), at("08:00", 8)),
        (ON_PHONE, at("03:00", 8), at("12:00", 9), at("08:00", 8)),
        (ON_PHONE, at("23:00"), at("07:30", 8), at("23:00")),  # tomorrow at eight would be too late
        (CUSTOMER, at("23:00"), at("12:00", 9), at("23:00")),
    ],
)
def test_short_messages_wait_for_the_end_of_the_quiet_hours(
    desk: Desk, post: PostRoom, customer: Customer, now: datetime, starts_at: datetime, due: datetime
) -> None:
    assert told_at(desk, post, customer, now, starts_at) == due


def test_the_quiet_hours_are_the_venues_when_the_clocks_change(desk: Desk, post: PostRoom) -> None:
    now = datetime(2027, 10, 30, 23, 0, tzinfo=BERLIN)
    due = told_at(desk, post, ON_PHONE, now, datetime(2027, 11, 2, 12, 0, tzinfo=BERLIN))
    assert due.timestamp() - now.timestamp() == timedelta(hours=10).total_seconds()


def test_a_booking_that_fails_leaves_no_event(
    desk: Desk, post: PostRoom, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_call: Any, **_named: Any) -> None:
        raise RuntimeError("the wire was cut")

    monkeypatch.setattr(booking_changes, "add_audit", fail)
    with pytest.raises(RuntimeError, match="wire"):
        desk.book(service, at("10:00"))
    assert post.rows() == []
    assert desk.count("bookings") == 0


def test_what_an_admin_does_to_an_account_its_holder_is_told(desk: Desk, post: PostRoom, settings: Settings) -> None:
    made = users.create(settings, NewUser("customer", "Ada", ADA, None, None), by=OPERATOR, now=desk.now).user
    users.set_active(made.id, active=False, by=OPERATOR, now=desk.now)
    users.set_active(made.id, active=True, by=OPERATOR, now=desk.now)
    users.set_role(made.id, "customer", (), by=OPERATOR, now=desk.now)
    api_keys.create("till", ["bookings:read"], by=Actor("admin", user_id=made.id), now=desk.now)
    topics = ["account.disabled", "account.enabled", "account.role_changed", "account.api_key_made"]
    assert post.topics() == [(topic, ADA) for topic in topics]
    api_keys.create("till", ["bookings:read"], by=OPERATOR, now=desk.now)
    assert len(post.topics()) == len(topics), "a key made at a shell is nobody's"


def test_the_link_leads_to_the_venues_own_page_where_it_has_one(desk: Desk, settings: Settings, service: int) -> None:
    page = replace(settings, manage_page="https://hall.example.org/mine#{ref}/{token}")
    booking = desk.book(service, at("10:00"))
    link = only(PostRoom(desk, page), "booking.confirmed").fields["manage_url"]
    assert (
        link == f"https://hall.example.org/mine#{booking.ref}/{bookings.manage_token(booking.ref, settings.secret_key)}"
    )
