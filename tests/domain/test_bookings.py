"""The states of a booking: every state against every verb."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from app.domain import bookings
from app.domain.bookings import Booking, Customer
from app.domain.errors import Conflict, VersionMismatch
from app.domain.prices import Quote

NOON = datetime(2027, 6, 7, 12, 0, tzinfo=timezone.utc)
A_BOOKING = Booking(
    id=1,
    ref="2345678923",
    status="confirmed",
    venue_id=1,
    service_id=1,
    resources=((1, "Room"),),
    starts_at=NOON,
    ends_at=NOON + timedelta(minutes=90),
    timezone="Europe/Berlin",
    party_size=1,
    price=Quote("EUR", 0, 0, ()),
    customer=Customer("Ada"),
    answers={},
    notes="",
    status_reason="",
    version=3,
    created_at=NOON,
    updated_at=NOON,
)
# verb -> state it starts from -> state it leads to; what does not stand here is refused
ALLOWED = {
    "approve": {"pending": "confirmed"},
    "decline": {"pending": "declined"},
    "expire": {"pending": "expired"},
    "cancel": {"pending": "cancelled", "confirmed": "cancelled"},
    "reschedule": {"pending": "pending", "confirmed": "confirmed"},
    "check_in": {"confirmed": "checked_in"},
    "complete": {"confirmed": "completed", "checked_in": "completed"},
    "no_show": {"confirmed": "no_show"},
}
STATES = ["pending", "confirmed", "checked_in", "completed", "declined", "cancelled", "expired", "no_show"]


@pytest.mark.parametrize("verb", ALLOWED)
@pytest.mark.parametrize("state", STATES)
def test_a_verb_leads_from_the_states_it_may_and_from_no_other(state: str, verb: str) -> None:
    booking = replace(A_BOOKING, status=state)
    if state in ALLOWED[verb]:
        assert bookings.next_state(booking, verb) == ALLOWED[verb][state]
        return
    with pytest.raises(Conflict, match=state.replace("_", " ")):
        bookings.next_state(booking, verb)


def test_the_tables_know_the_same_states_and_verbs() -> None:
    assert set(STATES) == bookings.STATES
    assert set(ALLOWED) == set(bookings.TRANSITIONS)


def test_only_states_that_can_still_come_about_take_time() -> None:
    assert {"pending", "confirmed", "checked_in"} == bookings.TAKING_TIME


def test_the_service_settles_a_state_that_a_verb_leaves_open() -> None:
    assert bookings.next_state(A_BOOKING, "reschedule", otherwise="pending") == "pending"
    assert bookings.next_state(A_BOOKING, "cancel", otherwise="pending") == "cancelled"


@pytest.mark.parametrize(("requires_approval", "state"), [(True, "pending"), (False, "confirmed")])
def test_a_booking_begins_pending_where_approval_is_required(requires_approval: bool, state: str) -> None:  # noqa: FBT001
    assert bookings.first_state(requires_approval=requires_approval) == state


def test_a_change_goes_through_on_the_version_seen_or_on_any() -> None:
    bookings.check_version(A_BOOKING, 3)
    bookings.check_version(A_BOOKING, None)
    for other in (2, 4):
        with pytest.raises(VersionMismatch, match="version 3"):
            bookings.check_version(A_BOOKING, other)


def test_a_booking_has_begun_from_its_very_start() -> None:
    bookings.check_not_begun(A_BOOKING, now=NOON - timedelta(seconds=1))
    with pytest.raises(Conflict, match="begun"):
        bookings.check_not_begun(A_BOOKING, now=NOON)


def test_the_duration_is_what_lies_between_start_and_end() -> None:
    assert A_BOOKING.duration_minutes == 90


def test_references_spell_no_words_and_confuse_no_one() -> None:
    assert len(bookings.REF_ALPHABET) == len(set(bookings.REF_ALPHABET)) == 20
    assert not set(bookings.REF_ALPHABET) & set("AEIOUYBDLNSTZK01")


@pytest.mark.parametrize(("seconds", "over"), [(-1, False), (0, True), (1, True)])
def test_a_request_has_lapsed_from_its_start_on(seconds: int, over: bool) -> None:  # noqa: FBT001
    now = NOON + timedelta(seconds=seconds)
    if over:
        bookings.check_lapsed(A_BOOKING, now=now)
        return
    with pytest.raises(Conflict, match="not over"):
        bookings.check_lapsed(A_BOOKING, now=now)


@pytest.mark.parametrize(
    ("status", "minutes", "expected"),
    [
        ("pending", 60, NOON - timedelta(minutes=60)),
        ("pending", 120, NOON),
        ("pending", 100_000, NOON),
        ("pending", None, None),
        ("confirmed", 60, None),
    ],
)
def test_a_request_is_to_be_answered_in_its_time_and_by_its_start(
    status: str, minutes: int | None, expected: datetime | None
) -> None:
    now = NOON - timedelta(minutes=120)
    assert bookings.answer_by(status, NOON, minutes, now=now) == expected
    pending = replace(A_BOOKING, status=status, answer_by=expected)
    assert bookings.lapses_at(pending) == (expected or NOON)
