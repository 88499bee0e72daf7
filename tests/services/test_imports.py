"""Bookings and customers from files: what is taken, what is refused with its line, and the same file twice."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app.domain.actors import Actor
from app.domain.bookings import Booking
from app.domain.errors import Invalid, SlotTaken
from app.persistence import session
from app.persistence.bookings import list_bookings
from app.persistence.catalogue import list_catalogue
from app.services import booking_exports
from app.services.booking_exports import Range
from app.services.csv_rows import CsvFile
from app.services.import_rows import candidate_ref
from app.services.imports import Problem, Tally, Terms, import_bookings, import_customers
from app.services.input_files import InvalidFile
from tests.conftest import Queries
from tests.services.desk import BERLIN, CUSTOMER, NOW, OPERATOR, SECRET, Desk, at
from tests.services.door import ON_SQLITE, at_once
from tests.services.factories import make_service

HEADS = ("ref", "service", "starts_at", "customer", "email", "resources", "status")


@pytest.fixture
def desk(database: Engine) -> Desk:
    return Desk(database)


class Office:
    """A venue with two rooms, one service over both, and files to import."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.rooms = [desk.resource(slug=f"room-{n}", name=f"Room {n}") for n in (1, 2)]
        self.service = make_service(desk.engine, desk.venue_id, [self.rooms], slug="practice", name="Practice, an hour")
        self.problems: list[Problem] = []

    def send(
        self, text: str | bytes, *, venue: str = "", most: int | None = None, **terms: Any
    ) -> tuple[int, int, int]:
        """Import a file and return how many rows were created, skipped and refused."""
        tally, self.problems = Tally(), []
        wanted = CsvFile(pieces(text), "old.csv")
        with_terms = Terms(SECRET, terms.pop("by", OPERATOR), self.desk.now, **terms)
        import_bookings(wanted, with_terms, tally, venue=venue, tell=self.problems.append, most=most)
        return tally.created, tally.skipped, tally.failed

    def rows(self, *rows: dict[str, Any], **terms: Any) -> tuple[int, int, int]:
        return self.send(table(rows), **terms)

    def said(self) -> list[str]:
        return [problem.text("old.csv") for problem in self.problems]

    def bookings(self) -> list[Booking]:
        after, before = NOW - timedelta(days=400), NOW + timedelta(days=800)
        return list_bookings(session.reading(), after=after, before=before, limit=1000)


@pytest.fixture
def office(desk: Desk) -> Office:
    return Office(desk)


def row(**cells: Any) -> dict[str, Any]:
    """Return a booking of tomorrow morning; every row is Ada's."""
    usual = {"service": "practice", "starts_at": "2027-06-07 10:00", "customer": "Ada", "email": "ada@example.org"}
    return {**usual, **cells}


def table(rows: Iterable[dict[str, Any]]) -> str:
    rows = [*rows]
    heads = list(dict.fromkeys(name for one in rows for name in one))
    text = io.StringIO()
    writer = csv.DictWriter(text, heads, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def pieces(text: str | bytes, size: int = 7) -> Iterable[bytes]:
    content = text.encode() if isinstance(text, str) else text
    return [content[first : first + size] for first in range(0, len(content), size)]


def test_a_row_takes_its_time_as_a_booking_does(office: Office) -> None:
    assert office.rows(row(resources="Room 2", notes="brings a harp", party_size="1")) == (1, 0, 0)
    (booking,) = office.bookings()
    assert (booking.status, booking.starts_at, booking.notes) == ("confirmed", at("10:00"), "brings a harp")
    assert booking.resources == ((office.rooms[1], "Room 2"),)
    assert [taken[0] for taken in office.desk.taken()] == [office.rooms[1]]
    assert office.desk.audit() == [("booking.imported", f"booking:{booking.ref}", "operator:ada")]
    assert office.desk.count("outbox") == 0


def test_a_time_that_is_taken_is_refused_with_its_line_and_the_rest_goes_on(office: Office) -> None:
    office.desk.book(office.service, at("10:00"))
    office.desk.book(office.service, at("10:00"))
    assert office.rows(row(), row(starts_at="2027-06-07 11:00")) == (1, 0, 1)
    assert office.said() == [
        "old.csv:2: starts_at: Somebody else has that time. Give the row another time or resource, or leave it out."
    ]


def test_rows_do_not_take_each_others_time(office: Office) -> None:
    rows = [row(ref=f"EXT-{number}") for number in range(3)]
    assert office.rows(*rows, override=True) == (2, 0, 1)
    assert len(office.desk.taken()) == 2


def test_a_named_resource_that_is_taken_is_not_given_for_another(office: Office) -> None:
    office.desk.book(office.service, at("10:00"), resource_id=office.rooms[0])
    assert office.rows(row(resources="room-1")) == (0, 0, 1)
    assert office.said() == [
        "old.csv:2: resources: are taken then, at least one of them: name others, or leave the cell empty"
    ]


def test_an_import_run_again_skips_what_is_there(office: Office) -> None:
    rows = [row(), row(ref="EXT-7", starts_at="2027-06-07T12:00:00+02:00"), row(status="cancelled", ref="2345678923")]
    assert office.rows(*rows) == (3, 0, 0)
    assert office.rows(*rows) == (0, 3, 0)
    assert office.rows(*rows, row(starts_at="2027-06-08 10:00")) == (1, 3, 0)
    assert "2345678923" in {booking.ref for booking in office.bookings()}


def test_an_import_that_was_cut_off_is_finished_by_the_next(office: Office) -> None:
    rows = [
        row(starts_at=f"2027-06-{8 + number // 7:02} {9 + number % 7:02}:00", ref=f"E{number}") for number in range(70)
    ]
    text = table(rows)
    with pytest.raises(InvalidFile, match="UTF-8"):
        office.send(text.encode() + b"\xff\xfe\n")
    assert office.desk.count("bookings") == 50
    assert office.send(text) == (20, 50, 0)


def test_a_reference_that_is_somebody_elses_by_chance_is_not_taken_for_the_row(office: Office) -> None:
    office.rows(row(ref="EXT-1"))
    (first,) = office.bookings()
    text = table([row(ref="EXT-1")])
    with office.desk.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM audit_log")
    assert office.send(text) == (1, 0, 0)
    refs = {booking.ref for booking in office.bookings()}
    assert len(refs) == 2
    assert first.ref in refs


def test_the_reference_of_a_foreign_row_is_always_the_same() -> None:
    assert candidate_ref("a", 0) == candidate_ref("a", 0) != candidate_ref("a", 1)
    assert len(candidate_ref("a", 0)) == 10


@pytest.mark.parametrize("status", ["cancelled", "completed", "no_show", "declined", "expired"])
def test_what_is_over_is_a_record_that_takes_no_time(office: Office, status: str) -> None:
    assert office.rows(row(status=status)) == (1, 0, 0)
    assert (office.desk.taken(), office.bookings()[0].status) == ([], status)


def test_what_is_past_is_a_record_whatever_its_hours_were(office: Office) -> None:
    rows = [row(starts_at="2026-12-24 03:07", ref=str(number), duration_minutes="17") for number in range(3)]
    assert office.rows(*rows) == (3, 0, 0)
    assert office.desk.taken() == []
    assert {booking.duration_minutes for booking in office.bookings()} == {17}


def test_what_is_under_way_takes_its_time(office: Office) -> None:
    office.desk.now = at("10:30")
    assert office.rows(row(duration_minutes="60")) == (1, 0, 0)
    assert len(office.desk.taken()) == 1


def test_hours_are_kept_unless_they_are_overridden(office: Office) -> None:
    assert office.rows(row(starts_at="2027-06-07 20:00")) == (0, 0, 1)
    assert office.said()[0].endswith("With --override it is taken all the same.")
    assert office.rows(row(starts_at="2027-06-07 20:00"), override=True) == (1, 0, 0)


def test_a_dry_run_says_the_same_and_keeps_nothing(office: Office) -> None:
    rows = [row(ref=f"EXT-{number}") for number in range(3)]
    assert office.rows(*rows, dry_run=True) == (2, 0, 1)
    assert [office.desk.count(name) for name in ("bookings", "customers", "audit_log", "occupancies")] == [0, 0, 0, 0]
    assert office.rows(*rows) == (2, 0, 1)


def test_customers_are_told_only_where_that_is_asked_for(office: Office) -> None:
    office.rows(row(), row(starts_at="2026-12-24 10:00"), notify=True)
    assert office.desk.count("outbox") == 1


def test_a_price_is_kept_as_the_file_has_it(office: Office) -> None:
    office.rows(row(total_minor="1999", deposit_minor="500", currency="EUR"), row(starts_at="2027-06-08 10:00"))
    prices = [(booking.price.total_minor, booking.price.deposit_minor) for booking in office.bookings()]
    assert prices == [(1999, 500), (4000, 0)]


def test_our_own_export_can_be_imported_elsewhere(office: Office) -> None:
    booking = office.desk.book(office.service, at("10:00"), customer=CUSTOMER)
    office.desk.cancel(office.desk.book(office.service, at("12:00")))
    whole = Range(date(2027, 6, 1), date(2027, 7, 1))
    exported = b"".join(booking_exports.iter_csv(whole, by=OPERATOR))
    assert office.send(exported) == (0, 2, 0)
    other = Desk(office.desk.engine)
    rooms = [other.resource(slug=f"room-{n}", name=f"Room {n}") for n in (1, 2)]
    make_service(other.engine, other.venue_id, [rooms], slug="practice", name="Practice, an hour")
    (slug,) = (slug for slug, venue in list_catalogue(session.reading()).items() if venue.id == other.venue_id)
    moved = exported.replace(booking.ref.encode(), b"2222222222")
    assert office.send(moved, venue=slug) == (1, 1, 0)
    (copy,) = (one for one in office.bookings() if one.ref == "2222222222")
    assert (copy.venue_id, copy.starts_at, copy.customer) == (other.venue_id, booking.starts_at, booking.customer)
    assert (copy.price.total_minor, copy.created_at) == (booking.price.total_minor, booking.created_at)


@ON_SQLITE
@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"service": "tennis"}, "service: there is no 'tennis' here: see 'catalogue show'"),
        ({"starts_at": "tomorrow"}, "starts_at: 'tomorrow' is no time"),
        ({"starts_at": "2027-03-28 02:30"}, "starts_at: 2027-03-28 02:30 does not exist in Europe/Berlin"),
        ({"starts_at": "2027-06-07T10:00:30Z"}, "starts_at: '2027-06-07T10:00:30Z' is no time"),
        ({"ends_at": "2027-06-07 09:00"}, "ends_at: must be after starts_at"),
        ({"ends_at": "2027-06-07 11:00", "duration_minutes": "30"}, "duration_minutes: says 30, and ends_at says 60"),
        ({"duration_minutes": "45"}, "duration_minutes: This service lasts 60 minutes."),
        ({"party_size": "many"}, "party_size: 'many' is no whole number from 1 to 10000"),
        ({"party_size": "-1"}, "party_size: '-1' is no whole number"),
        ({"customer": ""}, "customer: Say who the booking is for."),
        ({"email": ""}, "email: Give an e-mail address or a telephone number."),
        ({"email": "ada"}, "email: That is no e-mail address."),
        ({"resources": "Room 9"}, "resources: there is no 'Room 9' here"),
        ({"status": "maybe"}, "status: 'maybe' is no state of a booking"),
        ({"currency": "USD"}, "currency: USD is not the venue's EUR"),
        ({"total_minor": "12.50"}, "total_minor: '12.50' is no whole number"),
        ({"notes": "x" * 9000}, "notes: The text is longer than 2000 characters."),
        ({"customer": "A\x07da"}, "customer: "),
    ],
)
def test_a_cell_that_cannot_be_used_is_named_with_line_and_column(
    office: Office, cells: dict[str, str], said: str
) -> None:
    assert office.rows(row(**cells)) == (0, 0, 1)
    assert office.said()[0].startswith(f"old.csv:2: {said}"), office.said()
    assert office.desk.count("bookings") == 0


@ON_SQLITE
def test_lines_are_counted_as_an_editor_does(office: Office) -> None:
    rows = table([row(notes="one\ntwo\nthree", ref="A"), row(service="x"), row(ref="B", starts_at="2027-06-08 10:00")])
    cut = rows + "too,few\r\n"
    assert office.send(cut) == (2, 0, 2)
    assert [problem.line for problem in office.problems] == [5, 7]


@ON_SQLITE
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "old.csv:1: the column service is missing"),
        ("service;starts_at\n", "old.csv:1: the column customer is missing"),
        ("service,starts_at,customer,colour\n", "old.csv:1: there is no column 'colour'"),
        ("service,starts_at,customer,email,email\n", "old.csv:1: a column is there twice"),
        (b"service,starts_at,customer\n\xff\n", "old.csv:2: the file is not UTF-8"),
        ("service,starts_at,customer\n\0\n", "old.csv:2: the file holds bytes that are no text"),
        ('service,starts_at,customer\n"never closed\n', "old.csv:2: cannot be read"),
        ("service,starts_at,customer\n" + "x" * 600_000, "old.csv:2: the line is too long"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(office: Office, text: str | bytes, said: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        office.send(text)
    (error,) = refused.value.errors
    assert f"{error.field}: {error.message}".startswith(said)


@ON_SQLITE
def test_semicolons_and_a_mark_of_a_spreadsheet_are_understood(office: Office) -> None:
    text = "\ufeffService;Starts_at;Customer;Phone\r\npractice;2027-06-07 10:00;'=Ada;+49 30 1234567\r\n\r\n"
    assert office.send(text) == (1, 0, 0)
    assert office.bookings()[0].customer.name == "=Ada"


@ON_SQLITE
def test_an_export_that_lost_rows_is_told(office: Office) -> None:
    text = table([row()]) + "#rows=2" + "," * 3 + "\r\n"
    assert office.send(text) == (1, 0, 1)
    assert office.said() == ["old.csv:3: says that there are 2 rows, and there are 1"]


@ON_SQLITE
def test_names_with_commas_are_found_as_a_whole(office: Office) -> None:
    office.desk.resource(slug="hall", name="Hall, large")
    other = office.desk.resource(slug="kit", name="Kit")
    hall = office.desk.resource(slug="hall-2", name="Hall, small")
    make_service(office.desk.engine, office.desk.venue_id, [[hall], [other]], slug="concert", name="Concert")
    assert office.rows(row(service="concert", resources="Hall, small, Kit")) == (1, 0, 0)
    assert {name for _, name in office.bookings()[0].resources} == {"Hall, small", "Kit"}


@ON_SQLITE
def test_no_more_rows_are_taken_than_allowed(office: Office) -> None:
    rows = [row(ref=str(number), status="cancelled") for number in range(120)]
    with pytest.raises(Invalid, match="more than 60 rows"):
        office.rows(*rows, most=60)
    assert office.desk.count("bookings") == 60


def test_files_and_visitors_at_once_do_not_take_a_time_twice(office: Office) -> None:
    room = office.desk.resource(slug="attic", name="Attic")
    attic = make_service(office.desk.engine, office.desk.venue_id, [[room]], slug="attic", name="Attic, an hour")
    hours = [f"2027-06-{7 + number // 7:02} {9 + number % 7:02}:00" for number in range(15)]
    turns = iter(range(6))  # three send files of one row, three book the same times

    def act() -> int:
        turn = next(turns)
        if turn % 2:
            return sum(is_booked(office.desk, attic, hour) for hour in hours)
        tally = Tally()
        for hour in hours:
            text = table([row(service="attic", starts_at=hour, ref=f"{turn} {hour}")]).encode()
            import_bookings(CsvFile([text], "old.csv"), Terms(SECRET, OPERATOR, NOW), tally, tell=lambda _: None)
        return tally.created

    assert sum(at_once(6, act)) == len(hours)
    assert len({starts for _, starts, _, _ in office.desk.taken()}) == len(office.desk.taken()) == len(hours)


def test_calendars_are_locked_before_anything_is_looked_at(office: Office, queries: Queries) -> None:
    with queries(most=30) as statements:
        office.rows(row())
    (lock,) = (number for number, statement in enumerate(statements) if statement.startswith("UPDATE resources"))
    looks = [
        number for number, statement in enumerate(statements) if re.search("FROM (bookings|occupancies)", statement)
    ]
    assert looks
    assert lock < min(looks)


def is_booked(desk: Desk, service: int, hour: str) -> bool:
    try:
        desk.book(service, datetime.fromisoformat(hour).replace(tzinfo=BERLIN))
    except SlotTaken:
        return False
    return True


def test_the_same_file_by_two_at_once_is_imported_once(office: Office) -> None:
    rows = [row(ref=f"E{n}", status="completed") for n in range(60)] + [row(ref=f"L{n}") for n in range(2)]
    text = table(rows)

    def send() -> tuple[int, int, int]:
        tally = Tally()
        terms = Terms(SECRET, OPERATOR, NOW)
        import_bookings(CsvFile([text.encode()], "old.csv"), terms, tally, tell=lambda _: None)
        return tally.created, tally.skipped, tally.failed

    results = at_once(2, send)
    assert [sum(numbers) for numbers in results] == [62, 62], results
    assert sum(created for created, _, _ in results) == 62
    assert (office.desk.count("bookings"), len(office.desk.taken())) == (62, 2)


def test_customers_are_found_or_added(office: Office) -> None:
    office.desk.book(office.service, at("10:00"))
    text = table([{"name": n, "email": f"{n}@example.org".lower()} for n in ("Ada", "Bob", "Bob")] + [{"name": "Eve"}])
    tally = Tally()
    problems: list[Problem] = []
    terms = Terms(SECRET, Actor("operator", "ada"), NOW)
    import_customers(CsvFile(pieces(text), "people.csv"), terms, tally, tell=problems.append)
    assert (tally.created, tally.skipped, tally.failed) == (1, 2, 1)
    assert [problem.text("people.csv") for problem in problems] == [
        "people.csv:5: email: Give an e-mail address or a telephone number."
    ]
    assert office.desk.count("customers") == 2


def test_customers_of_a_dry_run_are_not_kept(office: Office) -> None:
    tally = Tally()
    import_customers(
        CsvFile([b"name,email\nAda,ada@example.org\n"], "people.csv"),
        Terms(SECRET, OPERATOR, NOW, dry_run=True),
        tally,
        tell=lambda _: None,
    )
    assert (tally.created, office.desk.count("customers")) == (1, 0)
