"""A request sent again under its key: one effect, one answer, for a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app.domain.errors import IdempotencyMismatch, OutcomeUnknown, SlotTaken
from app.services import idempotency
from app.services.idempotency import make_key
from tests.persistence.faults import LOST, Faults, Plan
from tests.services.desk import Desk, at

KEY = make_key("guest", "one", b"the wish")
OTHER_BODY = make_key("guest", "one", b"another wish")
OTHER_SCOPE = make_key("operator", "one", b"the wish")


@pytest.fixture
def desk(database: Engine) -> Desk:
    return Desk(database)


@pytest.mark.parametrize("capacity", [1, 2], ids=["the time is taken", "the time is free"])
def test_the_same_request_again_gets_the_first_answer(desk: Desk, capacity: int) -> None:
    service = desk.room_service(capacity=capacity)
    first = desk.book(service, at("10:00"), key=KEY)
    assert not desk.replayed
    again = desk.book(service, at("10:00"), key=KEY)
    assert (again, desk.replayed, desk.count("bookings")) == (first, True, 1)


def test_the_first_answer_comes_again_after_the_booking_was_cancelled(desk: Desk) -> None:
    service = desk.room_service()
    first = desk.book(service, at("10:00"), key=KEY)
    desk.cancel(first)
    assert desk.book(service, at("10:00"), key=KEY) == first
    assert (desk.taken(), desk.count("bookings")) == ([], 1)


def test_the_first_answer_comes_again_when_the_time_is_past(desk: Desk) -> None:
    service = desk.room_service()
    first = desk.book(service, at("10:00", 1), key=KEY)
    desk.now = at("12:00", 1)
    assert desk.book(service, at("10:00", 1), key=KEY) == first


def test_the_first_answer_comes_again_though_the_hold_is_used_up(desk: Desk) -> None:
    service = desk.room_service()
    _, token = desk.hold(service, at("10:00"))
    first = desk.book(service, at("10:00"), key=KEY, hold_token=token)
    assert desk.book(service, at("10:00"), key=KEY, hold_token=token) == first


@pytest.mark.parametrize("clock", ["10:00", "12:00"], ids=["the time is taken", "the time is free"])
def test_another_request_under_the_same_key_is_refused(desk: Desk, clock: str) -> None:
    service = desk.room_service()
    desk.book(service, at("10:00"), key=KEY)
    with pytest.raises(IdempotencyMismatch):
        desk.book(service, at(clock), key=OTHER_BODY)
    assert desk.count("bookings") == 1


def test_a_key_is_the_callers_own(desk: Desk) -> None:
    service = desk.room_service()
    desk.book(service, at("10:00"), key=KEY)
    with pytest.raises(SlotTaken):
        desk.book(service, at("10:00"), key=OTHER_SCOPE)
    assert desk.book(service, at("12:00"), key=OTHER_SCOPE).starts_at == at("12:00")


def test_a_refusal_does_not_use_the_key_up(desk: Desk) -> None:
    service = desk.room_service()
    other = desk.book(service, at("10:00"))
    with pytest.raises(SlotTaken):
        desk.book(service, at("10:00"), key=KEY)
    desk.cancel(other)
    assert desk.book(service, at("10:00"), key=KEY).status == "confirmed"
    assert not desk.replayed


@pytest.mark.parametrize(("hours", "bookings"), [(23, 1), (24, 2)])
def test_a_key_is_kept_for_a_day(desk: Desk, hours: int, bookings: int) -> None:
    service = desk.room_service(capacity=2)
    desk.book(service, at("10:00"), key=KEY)
    desk.now += timedelta(hours=hours)
    desk.book(service, at("10:00"), key=KEY)
    assert desk.count("bookings") == bookings
    assert desk.count("idempotency_keys") == 1


def test_a_sweep_removes_the_keys_older_than_a_day(desk: Desk) -> None:
    service = desk.room_service(capacity=3)
    desk.book(service, at("10:00"), key=KEY)
    desk.now += timedelta(hours=1)
    desk.book(service, at("10:00"), key=OTHER_SCOPE)
    desk.now += timedelta(hours=23)
    assert idempotency.sweep_batch(now=desk.now) == 1
    assert desk.count("idempotency_keys") == 1


def test_a_booking_stored_though_the_answer_was_lost_is_found_by_its_key(desk: Desk) -> None:
    service = desk.room_service()
    Faults(desk.engine).plan = Plan(LOST, is_stored=True)
    booking = desk.book(service, at("10:00"), key=KEY)
    assert desk.replayed
    assert desk.book(service, at("10:00"), key=KEY) == booking
    assert desk.count("bookings") == 1


def test_a_booking_lost_in_commit_is_made_by_the_retry(desk: Desk) -> None:
    service = desk.room_service()
    Faults(desk.engine).plan = Plan(LOST)
    with pytest.raises(OutcomeUnknown):
        desk.book(service, at("10:00"), key=KEY)
    assert desk.count("bookings") == 0
    desk.book(service, at("10:00"), key=KEY)
    assert (desk.replayed, desk.count("bookings")) == (False, 1)


def test_a_customer_without_a_key_hears_that_the_outcome_is_unknown(desk: Desk) -> None:
    service = desk.room_service()
    Faults(desk.engine).plan = Plan(LOST, is_stored=True)
    with pytest.raises(OutcomeUnknown):
        desk.book(service, at("10:00"))
    assert desk.count("bookings") == 1
