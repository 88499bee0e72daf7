"""Never double-booked: requests that arrive together, over real sockets, at a real server with 1, 2, 4 and 20 workers."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from app.domain.actors import Actor
from app.persistence import session
from app.persistence.engine import make_engine
from app.persistence.tables import occupancies, resources
from app.services import bookings
from app.services.bookings import Access
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue
from tests.system import servers
from tests.system.racing import Answer, Shot, race

CROWD = 50
GUEST = {"name": "Ada", "email": "ada@example.org"}
TROUBLE = ("WORKER TIMEOUT", "SIGSEGV", "SIGKILL", "Traceback", "unexpected_error", "[ERROR]", "[CRITICAL]")


class Hall:
    """A database with one venue, and a server on it."""

    def __init__(self, engine: Engine, server: servers.Gunicorn) -> None:
        self.engine, self.server = engine, server
        self.venue = make_venue(engine, timezone="UTC")
        self.rounds = 0

    def room(self, capacity: int = 1) -> int:
        return make_resource(self.engine, self.venue, capacity=capacity, daily_hours=AROUND_THE_CLOCK)

    def service(self, *groups: Sequence[int], **rules: Any) -> int:
        return make_service(self.engine, self.venue, groups, **rules)

    def day(self) -> datetime:
        """Return midnight of a day that no race has used."""
        self.rounds += 1
        today = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        return today + timedelta(days=2 + self.rounds)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.server.url + path, json.dumps(body).encode(), headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
            found: dict[str, Any] = json.load(answer)
            return found

    def race(self, shots: Sequence[Shot]) -> list[Answer]:
        answers = race(self.server.url, shots)
        assert not [a for a in answers if a.status >= 500], Counter(a.status for a in answers)
        self.no_calendar_is_over_its_capacity()
        return answers

    def no_calendar_is_over_its_capacity(self) -> None:
        assert overbooked(self.engine) == []

    def nobody_died(self) -> None:
        log = self.server.output()
        assert [word for word in TROUBLE if word in log] == [], log[-3000:]


def overbooked(engine: Engine) -> list[tuple[int, int]]:
    """Return each resource and minute at which more is taken than there is."""
    with engine.connect() as connection:
        capacity = dict(connection.execute(select(resources.c.id, resources.c.capacity)).all())
        taken = connection.execute(
            select(occupancies.c.resource_id, occupancies.c.starts, occupancies.c.ends, occupancies.c.units)
        ).all()
    changes: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for resource_id, starts, ends, units in taken:
        changes[resource_id] += [(starts, units), (ends, -units)]
    over = []
    for resource_id, steps in changes.items():
        level = 0
        for minute, change in sorted(steps):
            level += change
            if level > capacity[resource_id]:
                over.append((resource_id, minute))
    return over


@contextmanager
def hall(url: str, folder: Path, workers: int, options: Sequence[str] = ()) -> Iterator[Hall]:
    engine = make_engine(url)
    session.configure(engine)
    extra = {"PYTHONFAULTHANDLER": "1", "PYTHONPATH": str(servers.ROOT)}
    try:
        with servers.gunicorn(url, folder / "instance", workers=workers, extra_env=extra, options=options) as server:
            found = Hall(engine, server)
            yield found
            found.nobody_died()
    finally:
        session.remove()
        engine.dispose()


@pytest.fixture
def four(database_url: str, tmp_path: Path) -> Iterator[Hall]:
    with hall(database_url, tmp_path, 4) as found:
        yield found


def booking(service: int, starts_at: datetime, *headers: tuple[str, str], **fields: Any) -> Shot:
    body = {"service_id": service, "starts_at": starts_at.isoformat(), "customer": GUEST, **fields}
    return Shot("/api/v1/bookings", body, headers)


def hold(service: int, starts_at: datetime) -> Shot:
    return Shot("/api/v1/holds", {"service_id": service, "starts_at": starts_at.isoformat()})


def tally(answers: Sequence[Answer]) -> dict[int, int]:
    return dict(Counter(answer.status for answer in answers))


@pytest.mark.parametrize(("workers", "rounds"), [(1, 5), (2, 5), (4, 20), (20, 5)])
def test_fifty_requests_for_one_slot_make_one_booking(
    database_url: str, tmp_path: Path, workers: int, rounds: int
) -> None:
    with hall(database_url, tmp_path, workers) as found:
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


def test_touching_intervals_all_fit(four: Hall) -> None:
    service = four.service([four.room()])
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
        token = four.post("/api/v1/holds", hold(service, start).body)["token"]
        answers = four.race([booking(service, start, hold_token=token), booking(service, start)] * 25)
        won = [number for number, answer in enumerate(answers) if answer.status == 201]
        assert len(won) == 1
        assert won[0] % 2 == 0


def test_moves_and_bookings_exclude_each_other(four: Hall) -> None:
    service = four.service([four.room()])
    for _ in range(10):
        midnight = four.day()
        target = midnight + timedelta(hours=12)
        made = [four.post("/api/v1/bookings", booking(service, midnight + timedelta(hours=h)).body) for h in range(4)]
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
    for number in range(10):
        start = four.day() + timedelta(hours=10)
        answers = four.race([booking(asking, start)] * 25)
        assert tally(answers) == {201: 1, 409: 24}
        ref = next(answer.document["ref"] for answer in answers if answer.status == 201)
        settle = bookings.approve if number % 2 else bookings.decline
        arguments = {} if number % 2 else {"reason": "full"}
        settled = settle(ref, access=Access(Actor("operator")), now=datetime.now(timezone.utc), **arguments)  # type: ignore[operator]
        assert settled.status == ("confirmed" if number % 2 else "declined")
        assert tally(four.race([booking(direct, start)] * 25)) == ({409: 25} if number % 2 else {201: 1, 409: 24})


def test_one_key_makes_one_booking_however_often_it_comes(four: Hall) -> None:
    service = four.service([four.room(capacity=CROWD)])
    for number in range(10):
        start = four.day() + timedelta(hours=10)
        answers = four.race([booking(service, start, ("Idempotency-Key", f"key-{number}"))] * CROWD)
        assert tally(answers) == {201: CROWD}
        assert len({answer.document["ref"] for answer in answers}) == 1
        assert len({answer.document["manage_url"] for answer in answers}) == 1
