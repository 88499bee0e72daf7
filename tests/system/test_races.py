"""Never double-booked: requests that arrive together, over real sockets, at a real server with 1, 2, 4 and 20 workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from app.domain.actors import Actor
from app.domain.bookings import Booking
from app.persistence import session
from app.services import bookings
from app.services.bookings import Access
from tests.system.halls import Hall, booking, hall, hold, overbooked, tally
from tests.system.racing import Shot, race

CROWD = 50


@contextmanager
def sound_hall(url: str, folder: Path, workers: int) -> Iterator[Hall]:
    with hall(url, folder, workers) as found:
        yield found
        found.nobody_died()


@pytest.fixture
def four(database_url: str, tmp_path: Path) -> Iterator[Hall]:
    with sound_hall(database_url, tmp_path, 4) as found:
        yield found


@pytest.mark.parametrize(("workers", "rounds"), [(1, 5), (2, 5), (4, 20), (20, 5)])
def test_fifty_requests_for_one_slot_make_one_booking(
    database_url: str, tmp_path: Path, workers: int, rounds: int
) -> None:
    with sound_hall(database_url, tmp_path, workers) as found:
        service = found.service([found.room()])
        for _ in range(rounds):
            answers = found.race([booking(service, found.day() + timedelta(hours=10))] * CROWD)
            assert tally(answers) == {201: 1, 409: CROWD - 1}
            refused = [answer.document for answer in answers if answer.status == 409]
            assert {document["code"] for document in refused} == {"slot_taken"}
            assert all(document["alternatives"] for document in refused)


def test_without_the_guard_the_same_race_books_twice(database_url: str, tmp_path: Path) -> None:
    options = ["tests.system.unguarded:application"]
    with hall(database_url, tmp_path, 2, options) as found:
        service = found.service([found.room()])
        won = []
        for _ in range(5):
            answers = race(found.server.url, [booking(service, found.day() + timedelta(hours=10))] * CROWD)
            won.append(tally(answers)[201])
        assert max(won) > 1
        assert overbooked(found.engine) != []


def test_overlapping_and_nested_intervals_exclude_each_other(four: Hall) -> None:
    service = four.service([four.room()], min_minutes=30, max_minutes=240, step_minutes=30, buffer_after_minutes=15)
    for _ in range(10):
        noon = four.day() + timedelta(hours=12)
        spans = [(-120, 240), (-90, 120), (-60, 90), (-30, 60), (0, 30)]
        shots = [
            booking(service, noon + timedelta(minutes=start), duration_minutes=minutes) for start, minutes in spans
        ]
        answers = four.race(shots * 8)
        # Every one of them holds noon: one alone can have it.
        assert tally(answers) == {201: 1, 409: len(shots) * 8 - 1}


def test_intervals_whose_buffers_touch_all_fit(four: Hall) -> None:
    service = four.service([four.room()], minutes=30, buffer_before_minutes=10, buffer_after_minutes=20)
    for _ in range(10):
        midnight = four.day()
        answers = four.race([booking(service, midnight + timedelta(hours=hour)) for hour in range(24)] * 2)
        assert tally(answers) == {201: 24, 409: 24}


def test_a_class_is_filled_to_its_last_place_and_no_further(four: Hall) -> None:
    service = four.service([four.room(capacity=18)], units_per_party_member=1)
    for _ in range(5):
        answers = four.race([booking(service, four.day() + timedelta(hours=10), party_size=1)] * CROWD)
        assert tally(answers) == {201: 18, 409: CROWD - 18}
    for _ in range(5):
        start = four.day() + timedelta(hours=10)
        shots = [booking(service, start, party_size=1 + number % 5) for number in range(CROWD)]
        answers = four.race(shots)
        taken = sum(a.document["party_size"] for a in answers if a.status == 201)
        assert 14 <= taken <= 18  # no party of five that was refused would have fitted


def test_a_room_with_two_teachers_is_given_once(four: Hall) -> None:
    teachers, room = [four.room(), four.room()], four.room()
    lesson, practice = four.service(teachers, [room]), four.service([room])
    for _ in range(10):
        start = four.day() + timedelta(hours=10)
        answers = four.race([booking(lesson, start), booking(practice, start)] * 25)
        assert tally(answers) == {201: 1, 409: 49}


def test_any_of_three_rooms_is_given_three_times(four: Hall) -> None:
    service = four.service([four.room(), four.room(), four.room()])
    for _ in range(10):
        answers = four.race([booking(service, four.day() + timedelta(hours=10))] * CROWD)
        assert tally(answers) == {201: 3, 409: CROWD - 3}


def test_holds_and_bookings_exclude_each_other(four: Hall) -> None:
    service = four.service([four.room()])
    for _ in range(10):
        start = four.day() + timedelta(hours=10)
        assert tally(four.race([hold(service, start), booking(service, start)] * 25)) == {201: 1, 409: 49}


def test_a_hold_is_made_good_once_and_against_everybody_else(four: Hall) -> None:
    service = four.service([four.room()])
    for _ in range(10):
        start = four.day() + timedelta(hours=10)
        token = four.post(hold(service, start)).document["token"]
        answers = four.race([booking(service, start, hold_token=token), booking(service, start)] * 25)
        won = [number for number, answer in enumerate(answers) if answer.status == 201]
        assert len(won) == 1
        assert won[0] % 2 == 0


def test_moves_and_bookings_exclude_each_other(four: Hall) -> None:
    service = four.service([four.room()])
    for _ in range(10):
        midnight = four.day()
        target = midnight + timedelta(hours=12)
        made = [four.post(booking(service, midnight + timedelta(hours=h))).document for h in range(4)]
        moves = [_move(document, target) for document in made]
        answers = four.race([*moves, *[booking(service, target)] * 30])
        assert tally(answers) in ({200: 1, 409: 33}, {201: 1, 409: 33})


def _move(document: dict[str, Any], target: datetime) -> Shot:
    token = str(document["manage_url"]).partition("?token=")[2]
    path = f"/api/v1/bookings/{document['ref']}/reschedule"
    return Shot(path, {"starts_at": target.isoformat()}, (("X-Manage-Token", token),))


def test_what_awaits_approval_has_its_time_and_keeps_it(four: Hall) -> None:
    room = four.room()
    asking, direct = four.service([room], requires_approval=True), four.service([room])
    for _ in range(10):
        start = four.day() + timedelta(hours=10)
        answers = four.race([booking(asking, start)] * 25)
        assert tally(answers) == {201: 1, 409: 24}
        ref = next(answer.document["ref"] for answer in answers if answer.status == 201)
        with _meanwhile(bookings.approve, ref) as settled:
            assert tally(four.race([booking(direct, start)] * 25)) == {409: 25}
        assert settled == ["confirmed"]


def test_a_time_that_is_declined_is_given_once(four: Hall) -> None:
    room = four.room()
    asking, direct = four.service([room], requires_approval=True), four.service([room])
    for _ in range(10):
        start = four.day() + timedelta(hours=10)
        ref = four.post(booking(asking, start)).document["ref"]
        with _meanwhile(bookings.decline, ref, reason="full") as settled:
            won = tally(four.race([booking(direct, start)] * 25)).get(201, 0)
        assert settled == ["declined"]
        assert won + tally(four.race([booking(direct, start)] * 5)).get(201, 0) == 1


@contextmanager
def _meanwhile(settle: Callable[..., Booking], ref: str, **details: Any) -> Iterator[list[str]]:
    """Settle a booking beside the block, as an operator does at the command line; the list has its state afterwards."""
    states: list[str] = []

    def run() -> None:
        states.append(settle(ref, access=Access(Actor("operator")), now=datetime.now(timezone.utc), **details).status)
        session.remove()

    thread = Thread(target=run)
    thread.start()
    try:
        yield states
    finally:
        thread.join()


def test_one_key_makes_one_booking_however_often_it_comes(four: Hall) -> None:
    service = four.service([four.room(capacity=CROWD)])
    for number in range(10):
        start = four.day() + timedelta(hours=10)
        answers = four.race([booking(service, start, ("Idempotency-Key", f"key-{number}"))] * CROWD)
        assert tally(answers) == {201: CROWD}
        assert len({answer.document["ref"] for answer in answers}) == 1
        assert len({answer.document["manage_url"] for answer in answers}) == 1
        assert sum(answer.headers.get("Idempotency-Replayed") == "true" for answer in answers) == CROWD - 1
