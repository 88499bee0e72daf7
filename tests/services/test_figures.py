"""Reports as figures, on both databases: checked against a slow count of every minute in plain Python."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, insert

from app.domain.actors import Actor, Scope
from app.domain.errors import Invalid, NotFound
from app.domain.figures import EXPECTED, LEAD_HOURS
from app.domain.hours import open_intervals, weekly_from_json
from app.persistence import session as sessions
from app.persistence import tables
from app.persistence.engine import make_engine
from app.persistence.figures import OCCUPYING
from app.services import figure_exports, figures
from app.services.booking_exports import Range
from tests.conftest import Queries
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_special_hours, make_venue

pytestmark = pytest.mark.long

UTC = timezone.utc
ADMIN = Actor("admin")
STATUSES = ("pending", "confirmed", "checked_in", "completed", "declined", "cancelled", "expired", "no_show")
# Ranges in which a clock changes, and one in which it does not; a zone of half hours and one that is far from UTC.
SPANS = [
    ("Europe/Berlin", date(2027, 3, 22), date(2027, 4, 5)),
    ("Europe/Berlin", date(2027, 10, 25), date(2027, 11, 8)),
    ("America/New_York", date(2027, 3, 8), date(2027, 3, 22)),
    ("Asia/Kathmandu", date(2027, 6, 1), date(2027, 6, 15)),
    ("Australia/Lord_Howe", date(2027, 3, 29), date(2027, 4, 12)),
    ("Pacific/Auckland", date(2027, 1, 1), date(2028, 1, 1)),
]


@dataclass(frozen=True)
class Made:
    """A booking as it was put into the database."""

    service_id: int
    status: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    updated_at: datetime
    units: int
    total_minor: int
    resource_ids: tuple[int, ...]

    @property
    def minutes(self) -> Iterator[datetime]:
        at = self.starts_at
        while at < self.ends_at:
            yield at
            at += timedelta(minutes=1)


class House:
    """A venue with two rooms and two services, and bookings at random."""

    def __init__(self, engine: Engine, zone: str, first: date, end: date) -> None:
        self.engine, self.zone, self.range = engine, ZoneInfo(zone), Range(first, end)
        self.venue = make_venue(engine, timezone=zone)
        night = ((20 * 60, 27 * 60),)
        self.rooms = (
            make_resource(engine, self.venue, capacity=4, daily_hours=AROUND_THE_CLOCK),
            make_resource(engine, self.venue, weekly_hours=[((540, 1020),)] * 5 + [night] * 2),
        )
        make_special_hours(engine, self.rooms[1], on=first + timedelta(days=3), windows=((60, 200),))
        self.range = Range(first, end, self.venue)
        self.services = (
            make_service(engine, self.venue, [[self.rooms[0]]], units_per_party_member=1),
            make_service(engine, self.venue, [[self.rooms[0]], [self.rooms[1]]]),
        )
        self.made = [self._make(random.Random(number)) for number in range(120)]

    def _make(self, dice: random.Random) -> Made:
        days = (self.range.end - self.range.first).days
        first = datetime(self.range.first.year, self.range.first.month, self.range.first.day, tzinfo=UTC)
        starts = first + timedelta(minutes=15 * dice.randrange(-96, 96 * (days + 1)))
        which = dice.randrange(2)
        party = dice.randrange(1, 4)
        made = Made(
            self.services[which],
            dice.choice(STATUSES),
            starts,
            starts + timedelta(minutes=dice.choice((15, 60, 90, 600))),
            starts - timedelta(minutes=dice.randrange(0, 60 * 800)),
            starts - timedelta(minutes=dice.randrange(-30, 60 * 100)),
            1 if which else party,
            dice.randrange(10_000),
            self.rooms if which else self.rooms[:1],
        )
        self._store(made, party)
        return made

    def _store(self, made: Made, party: int) -> None:
        with self.engine.begin() as connection:
            who = {"name": "Ada", "email": "", "phone": "", "created_at": made.created_at}
            customer: Any = connection.execute(insert(tables.customers), who)
            values = {
                "ref": f"{random.getrandbits(50):X}",
                "manage_token_hash": "",
                "status": made.status,
                "venue_id": self.venue,
                "service_id": made.service_id,
                "customer_id": customer.inserted_primary_key[0],
                "starts_at": made.starts_at,
                "ends_at": made.ends_at,
                "timezone": str(self.zone),
                "party_size": party,
                "currency": "EUR",
                "total_minor": made.total_minor,
                "deposit_minor": 1,
                "price_lines": "[]",
                "answers": "{}",
                "notes": "",
                "created_at": made.created_at,
                "updated_at": made.updated_at,
            }
            booking: Any = connection.execute(insert(tables.bookings), values)
            rows = [{"booking_id": booking.inserted_primary_key[0], "resource_id": room} for room in made.resource_ids]
            connection.execute(insert(tables.booking_resources), rows)

    @property
    def counted(self) -> list[Made]:
        """Return those that start on the days of the range, by the clock of the venue."""
        return [
            made
            for made in self.made
            if self.range.first <= made.starts_at.astimezone(self.zone).date() < self.range.end
        ]

    def hour_of(self, at: datetime) -> int:
        local = at.astimezone(self.zone)
        return local.weekday() * 24 + local.hour


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    sessions.configure(engine)
    yield engine
    sessions.remove()
    engine.dispose()


@pytest.fixture(params=SPANS, ids=lambda span: f"{span[0]}-{span[1]}")
def house(request: pytest.FixtureRequest, engine: Engine) -> House:
    return House(engine, *request.param)


def test_occupancy_is_what_counting_every_minute_gives(house: House) -> None:
    found = {key: use for key, _, use in figures.occupancy(house.range, by=ADMIN).resources}
    for number, room in enumerate(house.rooms):
        booked: Counter[int] = Counter()
        mine = [made for made in house.counted if made.status in OCCUPYING and room in made.resource_ids]
        for made in mine:
            for at in made.minutes:
                booked[house.hour_of(at)] += made.units
        assert {hour: minutes for hour, minutes in enumerate(found[room].booked_minutes) if minutes} == booked
        assert found[room].bookings == len(mine)
        assert sum(found[room].open_minutes) == sum(_open(house, number).values())
        assert {hour: minutes for hour, minutes in enumerate(found[room].open_minutes) if minutes} == _open(
            house, number
        )


def _open(house: House, number: int) -> Counter[int]:
    """Return the open minutes of a room, counted one by one."""
    office = [[[540, 1020]]] * 5 + [[[1200, 1620]]] * 2
    weekly = weekly_from_json(str([[[0, 1440]]] * 7 if number == 0 else office))
    special = {house.range.first + timedelta(days=3): ((60, 200),)} if number else {}
    days = [house.range.first + timedelta(days=day) for day in range((house.range.end - house.range.first).days)]
    found: Counter[int] = Counter()
    for starts, ends in open_intervals(weekly, special, days, house.zone):
        for minute in range(starts, ends):
            found[house.hour_of(datetime.fromtimestamp(60 * minute, UTC))] += 1 if number else 4
    return found


def test_revenue_and_endings_are_those_of_a_plain_count(house: House) -> None:
    found = figures.tallies(house.range, by=ADMIN)
    numbers: Counter[tuple[date, int, str]] = Counter()
    sums: defaultdict[object, int] = defaultdict(int)
    for made in house.counted:
        key = (made.starts_at.astimezone(house.zone).date(), made.service_id, made.status)
        numbers[key] += 1
        sums[key] += made.total_minor
    assert {(row.day, row.service_id, row.status): row.tally.bookings for row in found.rows} == numbers
    assert {(row.day, row.service_id, row.status): row.tally.total_minor for row in found.rows} == sums
    standing = [made for made in house.counted if made.status in EXPECTED]
    whole = figures.revenue_of(found, lambda _: "all")
    assert whole["all"].bookings == len(standing)
    assert whole["all"].total_minor == sum(made.total_minor for made in standing)


def test_lead_times_are_those_of_a_plain_count(house: House) -> None:
    _, found = figures.lead_times(house.range, by=ADMIN)
    for item in found:
        mine = [made for made in house.counted if made.service_id == item.service_id]
        assert Counter(map(_class, (made.starts_at - made.created_at for made in mine))) == _nonzero(item.made)
        off = (made.starts_at - made.updated_at for made in mine if made.status == "cancelled")
        assert Counter(map(_class, off)) == _nonzero(item.called_off)
        assert item.bookings == len(mine)


def _class(ahead: timedelta) -> int:
    return sum(ahead >= timedelta(hours=hours) for hours in LEAD_HOURS)


def _nonzero(numbers: tuple[int, ...]) -> dict[int, int]:
    return {number: count for number, count in enumerate(numbers) if count}


@pytest.fixture
def one_house(engine: Engine) -> House:
    return House(engine, *SPANS[0])


def test_somebody_who_runs_one_room_counts_what_has_that_room(one_house: House) -> None:
    by = Actor("staff", user_id=1, scopes=(Scope(one_house.venue, one_house.rooms[1]),))
    mine = [made for made in one_house.counted if one_house.rooms[1] in made.resource_ids]
    assert 0 < len(mine) < len(one_house.counted)
    assert [key for key, _, _ in figures.occupancy(one_house.range, by=by).resources] == [one_house.rooms[1]]
    assert sum(row.tally.bookings for row in figures.tallies(one_house.range, by=by).rows) == len(mine)
    assert sum(item.bookings for item in figures.lead_times(one_house.range, by=by)[1]) == len(mine)


@pytest.mark.parametrize("report", [figures.occupancy, figures.tallies, figures.lead_times])
def test_another_venue_is_none(one_house: House, report: Any) -> None:
    with pytest.raises(NotFound):
        report(one_house.range, by=Actor("staff", user_id=1, scopes=(Scope(one_house.venue + 1),)))


@pytest.mark.parametrize("report", [figures.occupancy, figures.tallies, figures.lead_times])
def test_a_report_is_of_one_venue_and_a_year_at_most(one_house: House, report: Any) -> None:
    with pytest.raises(Invalid):
        report(Range(one_house.range.first, one_house.range.end), by=ADMIN)
    with pytest.raises(Invalid):
        report(Range(date(2027, 1, 1), date(2028, 1, 3), one_house.venue), by=ADMIN)


@pytest.mark.parametrize("report", [figures.occupancy, figures.tallies, figures.lead_times])
def test_a_report_takes_three_queries_whatever_there_is(one_house: House, queries: Queries, report: Any) -> None:
    with queries(most=3):
        report(one_house.range, by=ADMIN)


def test_the_csv_of_occupancy_adds_up_to_the_report(one_house: House) -> None:
    found = figures.occupancy(one_house.range, by=ADMIN)
    *lines, last = b"".join(figure_exports.iter_occupancy_csv(found)).decode().splitlines(keepends=True)
    rows = list(csv.DictReader(io.StringIO("".join(lines), newline="")))
    assert last == f"#rows={len(rows)}\r\n"
    assert sum(int(row["booked_minutes"]) for row in rows) == sum(found.all.booked_minutes) > 0
    assert sum(int(row["open_minutes"]) for row in rows) == sum(found.all.open_minutes)
