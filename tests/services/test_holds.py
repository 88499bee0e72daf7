"""Holds: time kept for a few minutes, made good once, given back, or over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from app.domain.errors import HoldExpired, Invalid, NotFound, SlotTaken, TooSoon
from app.domain.times import to_minute
from app.persistence import tables
from app.services import holds
from app.services.idempotency import make_key
from tests.services.desk import GUEST, NOW, Desk, at

LIFE = 10  # minutes, as the desk asks for


@pytest.fixture
def desk(database: Engine) -> Desk:
    return Desk(database)


def test_a_hold_keeps_others_from_the_time(desk: Desk) -> None:
    service = desk.room_service()
    held, _ = desk.hold(service, at("10:00"))
    assert (held.starts_at, held.ends_at, held.expires_at) == (at("10:00"), at("11:00"), NOW.replace(minute=LIFE))
    with pytest.raises(SlotTaken):
        desk.book(service, at("10:30"))
    with pytest.raises(SlotTaken):
        desk.hold(service, at("10:00"))


def test_a_hold_is_made_good_by_a_booking(desk: Desk) -> None:
    service = desk.room_service()
    _, token = desk.hold(service, at("10:00"))
    booking = desk.book(service, at("10:00"), hold_token=token)
    assert booking.status == "confirmed"
    assert (len(desk.taken()), desk.taken(of="hold_id"), desk.count("holds")) == (1, [], 0)


def test_a_booking_takes_from_its_hold_what_it_does_not_say(desk: Desk) -> None:
    service = desk.room_service(capacity=6, units_per_party_member=1, max_minutes=120)
    _, token = desk.hold(service, at("10:00"), party_size=4, duration_minutes=90)
    booking = desk.book(service, at("10:00"), hold_token=token)
    assert (booking.party_size, booking.duration_minutes) == (4, 90)


def test_a_booking_gets_the_resource_that_its_hold_has_kept(desk: Desk) -> None:
    rooms = [desk.resource(), desk.resource()]
    service = desk.service(rooms)
    held, token = desk.hold(service, at("10:00"), resource_id=rooms[1])
    assert desk.book(service, at("10:00"), hold_token=token).resources == held.resources


def test_a_hold_is_used_once(desk: Desk) -> None:
    service = desk.room_service(capacity=2)
    _, token = desk.hold(service, at("10:00"))
    desk.book(service, at("10:00"), hold_token=token)
    with pytest.raises(HoldExpired):
        desk.book(service, at("10:00"), hold_token=token)
    assert desk.count("bookings") == 1


@pytest.mark.parametrize("clock", ["12:00", "10:30"])
def test_a_hold_for_another_start_is_refused_and_kept(desk: Desk, clock: str) -> None:
    service = desk.room_service()
    _, token = desk.hold(service, at("10:00"))
    with pytest.raises(Invalid):
        desk.book(service, at(clock), hold_token=token)
    assert desk.book(service, at("10:00"), hold_token=token).status == "confirmed"


def test_a_hold_for_another_service_is_refused(desk: Desk) -> None:
    first, second = desk.room_service(), desk.room_service()
    _, token = desk.hold(first, at("10:00"))
    with pytest.raises(Invalid):
        desk.book(second, at("10:00"), hold_token=token)
    assert len(desk.taken(of="hold_id")) == 1


def test_a_hold_that_is_over_keeps_nobody_away_and_cannot_be_used(desk: Desk) -> None:
    service = desk.room_service()
    _, token = desk.hold(service, at("10:00"))
    desk.pass_minutes(LIFE)
    with pytest.raises(HoldExpired):
        desk.book(service, at("10:00"), hold_token=token)
    assert desk.book(service, at("10:00")).status == "confirmed"


def test_a_hold_lasts_until_its_last_second(desk: Desk) -> None:
    service = desk.room_service()
    held, token = desk.hold(service, at("10:00"))
    desk.now = held.expires_at.replace(minute=LIFE - 1, second=59, microsecond=999_999)
    with pytest.raises(SlotTaken):
        desk.book(service, at("10:00"))
    assert desk.book(service, at("10:00"), hold_token=token).status == "confirmed"


def test_a_released_hold_gives_its_time_back_once(desk: Desk) -> None:
    room = desk.resource()
    service = desk.service([room])
    _, token = desk.hold(service, at("10:00"))
    before = desk.versions(room)
    holds.release(token, by=GUEST, now=desk.now)
    assert (desk.count("occupancies"), desk.count("holds"), desk.versions(room)) == (0, 0, [before[0] + 1])
    with pytest.raises(NotFound):
        holds.release(token, by=GUEST, now=desk.now)
    assert [action for action, _, _ in desk.audit()] == ["hold.made", "hold.released"]


def test_a_hold_that_is_over_or_never_was_cannot_be_released(desk: Desk) -> None:
    _, token = desk.hold(desk.room_service(), at("10:00"))
    desk.pass_minutes(LIFE)
    for unknown in (token, "never was"):
        with pytest.raises(NotFound):
            holds.release(unknown, by=GUEST, now=desk.now)


def test_a_sweep_removes_the_holds_that_are_over_and_no_others(desk: Desk) -> None:
    room = desk.resource()
    service = desk.service([room])
    desk.hold(service, at("10:00"))
    desk.pass_minutes(5)
    desk.hold(service, at("12:00"))
    desk.book(service, at("14:00"))
    desk.pass_minutes(5)
    assert holds.sweep_batch(now=desk.now) == 1
    assert holds.sweep_batch(now=desk.now) == 0
    assert desk.taken(of="hold_id") == [(room, to_minute(at("12:00")), to_minute(at("13:00")), 1)]
    assert len(desk.taken()) == 1


def test_a_hold_of_a_clock_that_was_ahead_is_swept_away(desk: Desk) -> None:
    """It would keep its time until the clock is there again."""
    room = desk.resource()
    service = desk.service([room])
    desk.hold(service, at("10:00"))
    desk.hold(service, at("12:00"))
    with desk.engine.connect() as connection:
        ahead = update(tables.holds).where(tables.holds.c.starts == to_minute(at("10:00")))
        connection.execute(ahead.values(expires=int(NOW.timestamp()) + 400 * 86_400))
    assert holds.sweep_batch(now=desk.now) == 1
    assert [starts for _, starts, *_ in desk.taken(of="hold_id")] == [to_minute(at("12:00"))]


def test_a_hold_takes_every_resource_of_a_lesson(desk: Desk) -> None:
    room, teacher = desk.resource(), desk.resource()
    lesson, hire = desk.service([room], [teacher]), desk.service([room])
    held, _ = desk.hold(lesson, at("10:00"))
    assert [resource_id for resource_id, _ in held.resources] == [room, teacher]
    with pytest.raises(SlotTaken):
        desk.book(hire, at("10:00"))


def test_the_same_hold_asked_for_twice_under_a_key_is_one_hold_with_one_token(desk: Desk) -> None:
    service, key = desk.room_service(capacity=2), make_key("guest:hold", "k", b"wish")
    first = desk.hold(service, at("10:00"), key=key)
    assert not desk.replayed
    assert desk.hold(service, at("10:00"), key=key) == first
    assert desk.replayed
    assert desk.count("holds") == 1


def test_a_hold_moves_the_calendar_version(desk: Desk) -> None:
    room = desk.resource()
    desk.hold(desk.service([room]), at("10:00"))
    assert desk.versions(room) == [2]


def test_what_is_held_can_be_booked_though_the_notice_has_passed_meanwhile(desk: Desk) -> None:
    service = desk.room_service(min_notice_minutes=60)
    start = at("10:00")
    desk.now = start - timedelta(minutes=61)
    _, token = desk.hold(service, start)
    desk.pass_minutes(5)
    with pytest.raises(TooSoon):
        desk.book(service, start)
    assert desk.book(service, start, hold_token=token).starts_at == start
