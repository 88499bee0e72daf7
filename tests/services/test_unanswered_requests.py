"""Requests that nobody answers: they end when their start has come, give their time back, and are final."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from app.domain.bookings import Booking
from app.domain.errors import Conflict, SlotTaken
from app.persistence import bookings as stored
from app.persistence import session, tables
from app.services import booking_changes, booking_decisions, bookings
from app.services.bookings import Access
from tests.services.desk import OPERATOR, Desk, at, holder
from tests.services.door import at_once

STAFF = Access(by=OPERATOR)
START = at("10:00")


@pytest.fixture
def desk(database: Engine) -> Desk:
    return Desk(database)


@pytest.fixture
def service(desk: Desk) -> int:
    return desk.room_service(requires_approval=True)


def status(booking: Booking) -> str:
    return bookings.get_for(booking.ref, STAFF).status


def expire(desk: Desk) -> int:
    return bookings.expire_batch(now=desk.now)


@pytest.mark.parametrize(("seconds", "over"), [(-1, False), (0, True), (1, True)])
def test_a_request_ends_at_its_start_and_not_before(desk: Desk, service: int, seconds: int, over: bool) -> None:  # noqa: FBT001
    booking = desk.book(service, START)
    desk.now = START + timedelta(seconds=seconds)
    assert expire(desk) == over
    assert status(booking) == ("expired" if over else "pending")
    assert len(desk.taken()) == (not over)
    assert expire(desk) == 0


def test_it_leaves_a_trace_and_moves_the_calendar_on(desk: Desk, service: int) -> None:
    booking = desk.book(service, START)
    (room,) = (resource_id for resource_id, _ in booking.resources)
    (before,) = desk.versions(room)
    desk.now = START
    expire(desk)
    assert desk.audit()[-1] == ("booking.expired", f"booking:{booking.ref}", "operator:cron")
    assert desk.versions(room) > [before]
    assert bookings.get_for(booking.ref, STAFF).version == booking.version + 1


def test_its_time_can_be_booked_again(desk: Desk) -> None:
    service = desk.room_service(requires_approval=True, minutes=240)
    desk.book(service, at("12:00"))
    desk.now = at("12:00")
    with pytest.raises(SlotTaken):
        desk.book(service, at("12:30"))
    expire(desk)
    assert desk.book(service, at("12:30")).status == "pending"


def test_what_is_confirmed_or_over_otherwise_stays_as_it_is(desk: Desk, service: int) -> None:
    approved, declined, cancelled = (desk.book(service, at(clock)) for clock in ("10:00", "11:00", "12:00"))
    bookings.approve(approved.ref, access=STAFF, now=desk.now)
    bookings.decline(declined.ref, reason="", access=STAFF, now=desk.now)
    desk.cancel(cancelled)
    desk.now = at("16:00")
    assert expire(desk) == 0
    assert [status(booking) for booking in (approved, declined, cancelled)] == ["confirmed", "declined", "cancelled"]


def test_afterwards_nobody_can_approve_decline_move_or_cancel_it(desk: Desk, service: int) -> None:
    booking = desk.book(service, START)
    desk.now = START
    expire(desk)
    for act in (
        lambda: bookings.approve(booking.ref, access=STAFF, now=desk.now),
        lambda: bookings.decline(booking.ref, reason="", access=STAFF, now=desk.now),
        lambda: desk.reschedule(booking, at("14:00"), access=STAFF),
        lambda: desk.cancel(booking, STAFF),
        lambda: desk.cancel(booking, holder(booking)),
    ):
        with pytest.raises(Conflict):
            act()
    assert status(booking) == "expired"


def test_a_hundred_go_at_once_the_earliest_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(booking_decisions, "_EXPIRE_BATCH", 2)
    service = desk.room_service(requires_approval=True)
    made = [desk.book(service, at(clock)) for clock in ("12:00", "10:00", "11:00")]
    desk.now = at("12:00")
    assert expire(desk) == 2
    assert [status(booking) for booking in made] == ["pending", "expired", "expired"]
    assert [expire(desk), expire(desk)] == [1, 0]


def test_a_request_lapses_when_its_time_to_be_answered_is_over(desk: Desk) -> None:
    booking = desk.book(desk.room_service(requires_approval=True, approval_minutes=60), START)
    assert booking.answer_by == desk.now + timedelta(minutes=60)
    desk.now = booking.answer_by - timedelta(seconds=1)
    assert (expire(desk), status(booking)) == (0, "pending")
    desk.now = booking.answer_by
    assert (expire(desk), status(booking), desk.taken()) == (1, "expired", [])


def test_it_never_waits_beyond_its_start(desk: Desk) -> None:
    desk.now = START - timedelta(minutes=30)
    booking = desk.book(desk.room_service(requires_approval=True, approval_minutes=60), START)
    assert booking.answer_by == START
    desk.now = START
    assert expire(desk) == 1


def test_one_that_is_moved_has_its_time_to_be_answered_anew(desk: Desk) -> None:
    service = desk.room_service(requires_approval=True, approval_minutes=60)
    booking = desk.book(service, START)
    desk.pass_minutes(50)
    moved = desk.reschedule(booking, at("14:00"))
    assert moved.answer_by == bookings.get_for(booking.ref, STAFF).answer_by == desk.now + timedelta(minutes=60)
    desk.pass_minutes(20)
    assert expire(desk) == 0
    bookings.approve(booking.ref, access=STAFF, now=desk.now)
    desk.pass_minutes(60)
    assert (expire(desk), status(booking)) == (0, "confirmed")


def test_a_booking_that_needs_no_answer_has_no_time_for_it(desk: Desk) -> None:
    assert desk.book(desk.room_service(approval_minutes=60), START).answer_by is None
    assert desk.book(desk.room_service(requires_approval=True), START).answer_by is None


def after_the_look(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Let something happen between the list of what is over and the lock."""
    list_lapsed = stored.list_lapsed

    def look(*call: Any, **named: Any) -> Sequence[str]:
        found = list_lapsed(*call, **named)
        act()
        return found

    monkeypatch.setattr(stored, "list_lapsed", look)


def test_one_that_was_approved_after_the_look_stays_confirmed(
    desk: Desk, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = desk.book(service, START)
    desk.now = START
    after_the_look(monkeypatch, lambda: bookings.approve(booking.ref, access=STAFF, now=desk.now))
    assert expire(desk) == 0
    assert (status(booking), len(desk.taken())) == ("confirmed", 1)


def test_one_that_was_moved_after_the_look_stays_a_request(
    desk: Desk, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = desk.book(service, START)
    desk.now = START

    def move() -> None:
        later = {"starts_at": at("14:00"), "ends_at": at("15:00"), "version": booking.version + 1}
        with desk.engine.connect() as connection:
            connection.execute(update(tables.bookings).values(later))

    after_the_look(monkeypatch, move)
    assert expire(desk) == 0
    assert (status(booking), len(desk.taken())) == ("pending", 1)


def approve_and_expire(desk: Desk, service: int) -> tuple[str, int, bool]:
    """Return what became of a request that was approved while it expired: status, what it takes, and whether both had success."""
    booking = desk.book(service, START)
    acts = [
        lambda: bookings.approve(booking.ref, access=STAFF, now=START).status == "confirmed",
        lambda: bookings.expire_batch(now=START) == 1,
    ]

    def act_one() -> bool:
        return acts.pop()()

    desk.now = START
    results = at_once(2, act_one)
    desk.now = START - timedelta(hours=1)
    found = status(booking), len(desk.taken()), results.count(True) == 2
    with desk.engine.connect() as connection:
        connection.execute(tables.occupancies.delete())
        connection.execute(update(tables.bookings).values(status="cancelled"))
    return found


def test_of_an_approval_and_the_end_at_once_one_wins(desk: Desk, service: int) -> None:
    outcomes = {approve_and_expire(desk, service) for _ in range(15)}
    assert outcomes <= {("confirmed", 1, False), ("expired", 0, False)}


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)  # SQLite has one writer at a time
def test_without_lock_and_version_both_would_win(desk: Desk, service: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: both have looked before either writes, and nothing tells them."""
    meet = threading.Barrier(2)

    def write(opened: Any, booking: Booking, *, status: str, **_named: Any) -> None:
        meet.wait(10)
        opened.execute(update(tables.bookings).where(tables.bookings.c.id == booking.id).values(status=status))

    monkeypatch.setattr(booking_changes, "lock_resources", lambda *_call: None)
    monkeypatch.setattr(stored, "update_status", write)
    *_, both = approve_and_expire(desk, service)
    assert both
    session.remove()
