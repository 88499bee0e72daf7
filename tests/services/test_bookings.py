"""Booking, moving, giving back, approving and declining, one at a time."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from app.domain.actors import Actor, Scope
from app.domain.bookings import Booking
from app.domain.errors import (
    Conflict,
    DomainError,
    Invalid,
    NotFound,
    OutsideHours,
    SignInRequired,
    SlotTaken,
    TooFar,
    TooSoon,
    VersionMismatch,
)
from app.domain.slots import Slot
from app.domain.times import from_minute, to_minute
from app.persistence import session as sessions
from app.services import bookings
from app.services.bookings import Access
from tests.services.desk import CUSTOMER, OPERATOR, SECRET, Desk, at, holder
from tests.services.factories import make_blackout

STAFF = Access(by=OPERATOR)


@pytest.fixture
def desk(database: Engine) -> Desk:
    return Desk(database)


def _alternatives(refusal: SlotTaken) -> tuple[Slot, ...]:
    found: Any = refusal.extra["alternatives"]
    return tuple(found)


def stored(booking: Booking) -> Booking:
    return bookings.get_for(booking.ref, STAFF)


def test_a_booking_is_stored_as_it_was_acknowledged(desk: Desk) -> None:
    fields = [{"key": "shoes", "label": "Shoe size", "type": "number"}]
    service = desk.room_service(minutes=90, custom_fields=fields, deposit_percent=25)
    booking = desk.book(service, at("10:00"), answers={"shoes": 42})
    assert stored(booking) == booking
    assert (booking.status, booking.version, booking.customer) == ("confirmed", 1, CUSTOMER)
    assert (booking.starts_at, booking.ends_at) == (at("10:00"), at("11:30"))
    assert (booking.price.total_minor, booking.price.deposit_minor) == (6000, 1500)
    assert booking.answers == {"shoes": 42}


def test_a_booking_takes_its_time_with_the_buffers(desk: Desk) -> None:
    room = desk.resource()
    service = desk.service([room], buffer_before_minutes=10, buffer_after_minutes=20)
    desk.book(service, at("10:00"))
    assert desk.taken() == [(room, to_minute(at("09:50")), to_minute(at("11:20")), 1)]


def test_a_time_that_is_taken_is_refused_with_the_nearest_free_ones(desk: Desk) -> None:
    service = desk.room_service()
    desk.book(service, at("10:00"))
    with pytest.raises(SlotTaken) as refused:
        desk.book(service, at("10:30"))
    alternatives = [from_minute(slot.starts) for slot in _alternatives(refused.value)]
    assert alternatives == [at(clock) for clock in ("09:00", "11:00", "11:30", "12:00", "12:30")]
    assert desk.count("bookings") == desk.count("customers") == 1


def test_bookings_may_touch(desk: Desk) -> None:
    service = desk.room_service()
    for clock in ("10:00", "11:00", "09:00"):
        desk.book(service, at(clock))
    assert desk.count("bookings") == 3


REFUSALS: list[tuple[type[DomainError], dict[str, Any]]] = [
    (NotFound, {"service_id": 999}),
    (TooSoon, {"starts_at": at("10:00", 1)}),
    (TooFar, {"starts_at": at("10:00", 30)}),
    (OutsideHours, {"starts_at": at("16:30")}),
    (Invalid, {"starts_at": at("10:10")}),
    (Invalid, {"duration_minutes": 45}),
    (Invalid, {"party_size": 0}),
    (Invalid, {"resource_id": 999}),
    (Invalid, {"answers": {"colour": "red"}}),
]


@pytest.mark.parametrize(("error", "wish"), REFUSALS)
def test_a_booking_refused_leaves_nothing_behind(desk: Desk, error: type[DomainError], wish: dict[str, Any]) -> None:
    service = desk.room_service(min_notice_minutes=24 * 60, horizon_days=20)
    with pytest.raises(error):
        desk.book(**{"service_id": service, "starts_at": at("10:00"), **wish})
    assert [desk.count(table) for table in ("bookings", "customers", "occupancies", "audit_log")] == [0, 0, 0, 0]


def test_a_blackout_refuses_a_booking_that_only_touches_its_last_minute(desk: Desk) -> None:
    service = desk.room_service()
    make_blackout(
        desk.engine, desk.venue_id, starts=to_minute(at("10:59")), ends=to_minute(at("11:30")), reason="Fire drill"
    )
    with pytest.raises(OutsideHours, match="Fire drill"):
        desk.book(service, at("10:00"))
    assert desk.book(service, at("09:30")).starts_at == at("09:30")


@pytest.mark.parametrize(
    ("by", "booked"),
    [
        (Actor("customer", user_id=1), 1),
        (Actor("key", "1", scopes=None), 1),
        (Actor("key", "1", scopes=(Scope(1),)), 1),
        (Actor("key", "1", scopes=(Scope(2),)), 0),  # a server of another venue is a stranger here
        (Actor("guest"), 0),
    ],
)
def test_a_service_without_guests_takes_whoever_somebody_answers_for(desk: Desk, by: Actor, booked: int) -> None:
    service = desk.room_service(guest_bookings=False)
    with nullcontext() if booked else pytest.raises(SignInRequired):
        desk.book(service, at("10:00"), by=by)
    assert desk.count("bookings") == booked


def test_a_service_without_guests_takes_bookings_from_operators_only(desk: Desk) -> None:
    service = desk.room_service(guest_bookings=False)
    with pytest.raises(SignInRequired):
        desk.book(service, at("10:00"))
    assert desk.book(service, at("10:00"), by=OPERATOR).status == "confirmed"


def test_a_lesson_needs_a_room_and_the_teacher(desk: Desk) -> None:
    rooms, teacher = [desk.resource(), desk.resource()], desk.resource()
    lesson, hire = desk.service(rooms, [teacher]), desk.service(rooms)
    booking = desk.book(lesson, at("10:00"))
    assert [resource_id for resource_id, _ in booking.resources] == [rooms[0], teacher]
    with pytest.raises(SlotTaken):  # a room is free, the teacher is not
        desk.book(lesson, at("10:00"))
    assert [resource_id for resource_id, _ in desk.book(hire, at("10:00")).resources] == [rooms[1]]
    with pytest.raises(SlotTaken):
        desk.book(hire, at("10:00"))


def test_parties_fill_a_class_to_its_capacity_and_not_beyond(desk: Desk) -> None:
    service = desk.room_service(capacity=6, units_per_party_member=1)
    desk.book(service, at("10:00"), party_size=3)
    with pytest.raises(SlotTaken):
        desk.book(service, at("10:00"), party_size=4)
    desk.book(service, at("10:00"), party_size=3)
    with pytest.raises(SlotTaken):
        desk.book(service, at("10:00"), party_size=1)
    with pytest.raises(Invalid):
        desk.book(service, at("12:00"), party_size=7)


def test_a_pending_booking_has_its_time_until_it_is_declined(desk: Desk) -> None:
    service = desk.room_service(requires_approval=True)
    booking = desk.book(service, at("10:00"))
    assert booking.status == "pending"
    with pytest.raises(SlotTaken):
        desk.book(service, at("10:00"))
    declined = bookings.decline(booking.ref, reason="closed", access=STAFF, now=desk.now)
    assert (declined.status, declined.status_reason, declined.version) == ("declined", "closed", 2)
    assert declined == stored(booking)
    assert desk.book(service, at("10:00")).status == "pending"


def test_an_approved_booking_keeps_its_time(desk: Desk) -> None:
    service = desk.room_service(requires_approval=True)
    booking = desk.book(service, at("10:00"))
    before = desk.taken()
    approved = bookings.approve(booking.ref, access=STAFF, now=desk.now)
    assert (approved.status, desk.taken()) == ("confirmed", before)
    assert stored(booking) == approved
    with pytest.raises(Conflict):
        bookings.approve(booking.ref, access=STAFF, now=desk.now)


def test_a_cancelled_booking_gives_its_time_back_and_cannot_be_changed_again(desk: Desk) -> None:
    service = desk.room_service()
    booking = desk.book(service, at("10:00"))
    cancelled = desk.cancel(booking)
    assert (cancelled.status, cancelled.status_reason) == ("cancelled", "ill")
    assert stored(booking) == cancelled
    assert desk.taken() == []
    for again in (desk.cancel, lambda b: desk.reschedule(b, at("12:00"))):
        with pytest.raises(Conflict, match="cancelled"):
            again(booking)
    assert desk.book(service, at("10:00")).ref != booking.ref


@pytest.mark.parametrize("access", [Access(by=Actor("guest")), Access(by=Actor("holder"), token="of another booking")])
def test_a_booking_does_not_exist_for_strangers(desk: Desk, access: Access) -> None:
    booking = desk.book(desk.room_service(), at("10:00"))
    with pytest.raises(NotFound):
        bookings.get_for(booking.ref, access)
    with pytest.raises(NotFound):
        desk.cancel(booking, access)
    with pytest.raises(NotFound):
        desk.reschedule(booking, at("12:00"), access=access)
    assert stored(booking) == booking


def test_the_manage_token_opens_no_other_booking(desk: Desk) -> None:
    service = desk.room_service()
    mine, other = desk.book(service, at("10:00")), desk.book(service, at("11:00"))
    assert bookings.get_for(mine.ref, holder(mine)) == mine
    with pytest.raises(NotFound):
        bookings.get_for(other.ref, holder(mine))


@pytest.mark.parametrize("verb", ["approve", "decline"])
def test_a_customer_cannot_settle_a_booking_with_the_manage_token(desk: Desk, verb: str) -> None:
    booking = desk.book(desk.room_service(requires_approval=True), at("10:00"))
    with pytest.raises(DomainError):
        if verb == "approve":
            bookings.approve(booking.ref, access=holder(booking), now=desk.now)
        else:
            bookings.decline(booking.ref, reason="", access=holder(booking), now=desk.now)
    assert stored(booking).status == "pending"


def test_what_has_begun_is_changed_by_operators_only(desk: Desk) -> None:
    booking = desk.book(desk.room_service(), at("10:00"))
    desk.now = at("10:00")
    with pytest.raises(Conflict, match="begun"):
        desk.cancel(booking)
    with pytest.raises(Conflict, match="begun"):
        desk.reschedule(booking, at("15:00"))
    assert desk.cancel(booking, STAFF).status == "cancelled"


def test_a_change_of_a_version_that_is_gone_is_refused(desk: Desk) -> None:
    booking = desk.book(desk.room_service(), at("10:00"))
    moved = desk.reschedule(booking, at("12:00"), access=holder(booking, version=1))
    assert moved.version == 2
    with pytest.raises(VersionMismatch):
        desk.cancel(booking, holder(booking, version=1))
    with pytest.raises(VersionMismatch):
        desk.reschedule(booking, at("14:00"), access=holder(booking, version=1))
    assert desk.cancel(booking, holder(booking, version=2)).version == 3


def test_a_moved_booking_has_the_new_time_only(desk: Desk) -> None:
    room = desk.resource()
    service = desk.service([room])
    booking = desk.book(service, at("10:00"))
    moved = desk.reschedule(booking, at("10:30"))  # over its own old time
    assert (moved.ref, moved.status, moved.version) == (booking.ref, "confirmed", 2)
    assert stored(booking) == moved
    assert desk.taken() == [(room, to_minute(at("10:30")), to_minute(at("11:30")), 1)]
    assert desk.book(service, at("09:30")).status == "confirmed"


def test_a_booking_that_cannot_move_stays_where_it_is(desk: Desk) -> None:
    service = desk.room_service()
    booking, _ = desk.book(service, at("10:00")), desk.book(service, at("12:00"))
    before = desk.taken()
    with pytest.raises(SlotTaken) as refused:
        desk.reschedule(booking, at("12:30"))
    assert refused.value.extra["alternatives"]
    assert (stored(booking), desk.taken()) == (booking, before)


def test_the_price_stays_unless_the_duration_changes(desk: Desk) -> None:
    service = desk.room_service(minutes=60, max_minutes=120)
    booking = desk.book(service, at("10:00"))
    with desk.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE services SET per_hour_minor = 5000")
    assert desk.reschedule(booking, at("12:00")).price == booking.price
    longer = desk.reschedule(booking, at("12:00"), duration_minutes=90)
    assert longer.price.total_minor == 7500
    assert stored(booking).price == longer.price


def test_a_moved_booking_asks_for_approval_again_unless_an_operator_moves_it(desk: Desk) -> None:
    booking = desk.book(desk.room_service(requires_approval=True), at("10:00"))
    bookings.approve(booking.ref, access=STAFF, now=desk.now)
    assert desk.reschedule(booking, at("11:00"), access=STAFF).status == "confirmed"
    assert desk.reschedule(booking, at("12:00")).status == "pending"


def test_a_party_keeps_its_size_when_it_moves(desk: Desk) -> None:
    service = desk.room_service(capacity=6, units_per_party_member=1)
    booking = desk.book(service, at("10:00"), party_size=4)
    desk.book(service, at("12:00"), party_size=3)
    with pytest.raises(SlotTaken):
        desk.reschedule(booking, at("12:00"))
    assert desk.reschedule(booking, at("13:00")).party_size == 4
    assert [units for *_, units in desk.taken()] == [3, 4]


def test_every_verb_moves_the_calendar_version(desk: Desk) -> None:
    room, other = desk.resource(), desk.resource()
    service = desk.service([room], requires_approval=True)
    booking = desk.book(service, at("10:00"))
    seen = [desk.versions(room)]
    bookings.approve(booking.ref, access=STAFF, now=desk.now)
    seen.append(desk.versions(room))
    desk.reschedule(booking, at("11:00"))
    seen.append(desk.versions(room))
    desk.cancel(booking)
    seen.append(desk.versions(room))
    assert seen == [[2], [3], [4], [5]]
    assert desk.versions(other) == [1]


def test_a_refusal_leaves_the_calendar_version(desk: Desk) -> None:
    room = desk.resource()
    service = desk.service([room])
    desk.book(service, at("10:00"))
    before = desk.versions(room)
    with pytest.raises(SlotTaken):
        desk.book(service, at("10:00"))
    assert desk.versions(room) == before


def test_the_audit_log_says_who_did_what(desk: Desk) -> None:
    booking = desk.book(desk.room_service(requires_approval=True), at("10:00"))
    bookings.approve(booking.ref, access=STAFF, now=desk.now)
    desk.reschedule(booking, at("11:00"))
    desk.cancel(booking)
    subject = f"booking:{booking.ref}"
    assert desk.audit() == [
        ("booking.made", subject, "guest"),
        ("booking.approved", subject, "operator:ada"),
        ("booking.rescheduled", subject, "holder"),
        ("booking.cancelled", subject, "holder"),
    ]


def test_a_booking_moved_meanwhile_frees_its_new_resource_in_the_sight_of_everybody(desk: Desk) -> None:
    """The cancellation has read the old resource when another process moves the booking; the new one's version moves too."""
    rooms = [desk.resource(), desk.resource()]
    booking = desk.book(desk.service(rooms), at("10:00"))
    moves: list[Booking] = []

    def move() -> None:
        moves.append(desk.reschedule(booking, at("12:00"), resource_id=rooms[1], access=STAFF))
        sessions.remove()

    def on_statement(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if (
            statement.startswith(("BEGIN", "START"))
            and not moves
            and threading.current_thread() is threading.main_thread()
        ):
            other = threading.Thread(target=move)
            other.start()
            other.join()

    event.listen(desk.engine, "before_cursor_execute", on_statement)
    (before,) = desk.versions(rooms[1])
    desk.cancel(booking, STAFF)
    assert [moved.resources[0][0] for moved in moves] == [rooms[1]]
    assert desk.taken() == []
    assert desk.versions(rooms[1]) == [before + 2]


def test_times_are_kept_to_the_second_and_in_order(desk: Desk) -> None:
    desk.now += timedelta(microseconds=999_999)
    booking = desk.book(desk.room_service(), at("10:00"))
    assert booking.created_at.microsecond == 0
    assert stored(booking).created_at == booking.created_at


def test_references_are_derived_tokens_apart(desk: Desk) -> None:
    service = desk.room_service()
    refs = [desk.book(service, at(clock)).ref for clock in ("09:00", "10:00", "11:00")]
    assert len({bookings.manage_token(ref, SECRET) for ref in refs}) == 3
