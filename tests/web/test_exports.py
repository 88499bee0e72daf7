"""Exports and reports over HTTP: who gets which rows, and how one can tell that they are all there."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.domain.actors import Scope
from app.domain.bookings import STATES
from app.persistence import booking_rows, long_reads, session
from app.services import booking_exports
from app.web.exports import Status
from tests.documents import reading
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue
from tests.web.conftest import Hall, day
from tests.web.people import Person, make_person, make_server

CSV, JSON_LINES, PDF = (f"/api/v1/admin/bookings/export.{kind}" for kind in ("csv", "jsonl", "pdf"))


@pytest.fixture
def other(app: Flask) -> Hall:
    """Return a hall of another venue."""
    engine = session.engine()
    venue = make_venue(engine, timezone="UTC")
    room = make_resource(engine, venue, daily_hours=AROUND_THE_CLOCK)
    return Hall(app.test_client(), venue, room, make_service(engine, venue, [[room]]))


def ask(app: Flask, path: str, who: Person | None = None, **query: Any) -> TestResponse:
    query = {"from": day(0), "to": day(1), **query}
    return (who or make_person("admin")).ask(app, "GET", path, query_string=query)


def rows_of(answer: TestResponse) -> list[dict[str, str]]:
    """Return the rows of a CSV, whose last line must count them."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    *lines, last = answer.get_data(as_text=True).splitlines(keepends=True)
    rows = list(csv.DictReader(io.StringIO("".join(lines), newline="")))
    assert last == f"#rows={len(rows)}\r\n"
    return rows


def test_a_booking_is_a_row_with_names_and_instants(app: Flask, hall: Hall) -> None:
    made = hall.book(10, notes="=HYPERLINK(1)").json
    (row,) = rows_of(ask(app, CSV))
    assert row["ref"] == made["ref"]
    assert row["starts_at"] == f"{day(0)}T10:00:00Z"
    assert row["resources"] == made["resources"][0]["name"]
    assert (row["customer"], row["email"]) == ("Ada Example", "ada@example.org")
    assert (row["total_minor"], row["currency"]) == ("4000", "EUR")
    assert row["notes"] == "'=HYPERLINK(1)"


def test_json_lines_say_the_same_and_count_too(app: Flask, hall: Hall) -> None:
    made = [hall.book(hour).json for hour in (10, 12)]
    answer = ask(app, JSON_LINES)
    lines = [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]
    assert [line["ref"] for line in lines[:-1]] == [one["ref"] for one in made]
    assert lines[0]["resources"] == made[0]["resources"]
    assert lines[0]["total_minor"] == 4000
    assert lines[-1] == {"rows": 2}
    assert answer.mimetype == "application/jsonl"


def test_a_mark_and_a_name_are_given(app: Flask, hall: Hall) -> None:
    del hall
    answer = ask(app, CSV, bom="1")
    assert answer.data.startswith(b"\xef\xbb\xbfref,")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="bookings-{day(0)}-{day(1)}.csv"'


def test_filters_narrow_the_rows(app: Flask, hall: Hall, other: Hall) -> None:
    kept, cancelled = (hall.book(hour).json["ref"] for hour in (10, 12))
    elsewhere = other.book(10).json["ref"]
    admin = make_person("admin")
    admin.ask(app, "POST", f"/api/v1/bookings/{cancelled}/cancel", json={})

    def found(**query: Any) -> set[str]:
        return {row["ref"] for row in rows_of(ask(app, CSV, admin, **query))}

    assert found() == {kept, cancelled, elsewhere}
    assert found(venue_id=hall.venue_id) == {kept, cancelled}
    assert found(status="cancelled") == {cancelled}
    assert found(**{"from": day(1), "to": day(2)}) == set()


def test_staff_get_the_rows_of_their_part_of_the_house(app: Flask, hall: Hall, other: Hall) -> None:
    engine = session.engine()
    spare = make_resource(engine, hall.venue_id, daily_hours=AROUND_THE_CLOCK)
    in_spare = Hall(app.test_client(), hall.venue_id, spare, make_service(engine, hall.venue_id, [[spare]]))
    here, next_door, elsewhere = (one.book(10).json["ref"] for one in (hall, in_spare, other))

    def found(who: Person) -> set[str]:
        return {row["ref"] for row in rows_of(ask(app, CSV, who))}

    assert found(make_person("staff", scopes=[Scope(hall.venue_id)])) == {here, next_door}
    assert found(make_person("staff", scopes=[Scope(hall.venue_id, spare)])) == {next_door}
    assert found(make_person("staff")) == set()
    assert found(make_server("bookings:read", venue_id=other.venue_id)) == {elsewhere}
    assert found(make_server("bookings:read")) == {here, next_door, elsewhere}


@pytest.mark.parametrize("path", [CSV, JSON_LINES, PDF])
@pytest.mark.parametrize(
    "query",
    [
        {"from": "2027-02-30"},
        {"to": "0001-01-01"},
        {"from": "0001-01-01"},
        {"to": "9999-12-31"},
        {"from": "2027-01-02", "to": "2027-01-02"},
        {"from": "2027-01-01", "to": "2047-01-01"},
        {"status": "lost"},
        {"venue_id": "0"},
        {"bom": "2"},
        {"limit": "5"},
    ],
    ids=str,
)
def test_a_range_that_is_none_is_refused_before_the_first_byte(app: Flask, path: str, query: dict[str, str]) -> None:
    answer = ask(app, path, **query)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"


def test_the_statuses_asked_for_are_those_there_are() -> None:
    assert set(Status.__args__) == STATES  # type: ignore[attr-defined]


def test_pages_meet_without_a_gap_or_an_overlap(app: Flask, hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_reads, "PAGE", 2)
    monkeypatch.setattr(booking_rows, "_BY_START", booking_rows._BY_START.limit(2))
    made = [hall.book(hour).json["ref"] for hour in (14, 10, 12, 16, 8)]
    in_order = [made[number] for number in (4, 1, 2, 0, 3)]
    assert [row["ref"] for row in rows_of(ask(app, CSV))] == in_order
    text = " ".join(reading.words(ask(app, PDF, venue_id=hall.venue_id).data))
    places = [text.index(ref) for ref in in_order]
    assert places == sorted(places)


def test_no_connection_is_held_between_two_pages(app: Flask, hall: Hall) -> None:
    hall.book(10)
    headers = make_person("admin").headers
    answer = app.test_client(use_cookies=False).get(
        CSV, query_string={"from": day(0), "to": day(1)}, headers=dict(headers), buffered=False
    )
    assert session.engine().pool.checkedout() == 0  # type: ignore[attr-defined]
    answer.close()


@pytest.mark.parametrize("path", [CSV, JSON_LINES])
def test_what_breaks_off_in_the_middle_has_no_last_line(
    app: Flask, hall: Hall, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    hall.book(10)
    pages = booking_exports.iter_pages

    def broken(read: Any) -> Iterator[list[Any]]:
        yield from pages(read)
        raise LookupError

    monkeypatch.setattr(booking_exports, "iter_pages", broken)
    headers, query = dict(make_person("admin").headers), {"from": day(0), "to": day(1)}
    answer = app.test_client(use_cookies=False).get(path, query_string=query, headers=headers, buffered=False)
    got = b""
    with pytest.raises(LookupError):
        for chunk in answer.iter_encoded():
            got += chunk
    assert answer.status_code == 200
    assert b"Ada Example" in got
    assert b"rows" not in got


def test_a_report_is_of_a_venue_in_its_time_and_money(app: Flask, hall: Hall) -> None:
    made = hall.book(10).json
    text = " ".join(reading.words(ask(app, PDF, venue_id=hall.venue_id).data))
    assert made["ref"] in text
    assert "Total 1 €40.00" in text
    assert ask(app, PDF).json["errors"][0]["field"] == "venue_id"


def test_a_day_sheet_has_who_comes_on_that_day_to_that_room(app: Flask, hall: Hall, other: Hall) -> None:
    here, there = hall.book(10).json["ref"], other.book(10).json["ref"]
    path = f"/api/v1/admin/resources/{hall.resource_id}/day-sheet.pdf"
    admin = make_person("admin")
    text = " ".join(reading.words(admin.ask(app, "GET", f"{path}?date={day(0)}").data))
    assert here in text
    assert there not in text
    assert here not in " ".join(reading.words(admin.ask(app, "GET", f"{path}?date={day(1)}").data))
    assert admin.ask(app, "GET", f"/api/v1/admin/resources/999999/day-sheet.pdf?date={day(0)}").status_code == 404


def test_a_booking_over_midnight_is_on_both_days(app: Flask) -> None:
    engine = session.engine()
    venue = make_venue(engine, timezone="UTC")
    room = make_resource(engine, venue, daily_hours=AROUND_THE_CLOCK)
    hall = Hall(app.test_client(), venue, room, make_service(engine, venue, [[room]], minutes=240))
    ref = hall.book(22).json["ref"]
    for number in (0, 1):
        path = f"/api/v1/admin/resources/{room}/day-sheet.pdf?date={day(number)}"
        assert ref in " ".join(reading.words(make_person("admin").ask(app, "GET", path).data))


def test_occupancy_is_booked_hours_of_open_ones(app: Flask, hall: Hall) -> None:
    refs = [hall.book(hour).json["ref"] for hour in (8, 10, 12, 14)]
    admin = make_person("admin")
    admin.ask(app, "POST", f"/api/v1/bookings/{refs[0]}/cancel", json={})
    answer = ask(app, "/api/v1/admin/reports/occupancy.pdf", admin, venue_id=hall.venue_id)
    text = " ".join(reading.words(answer.data))
    assert "12.5 % Occupancy" in text  # 3 of 24 hours
    assert "3 3.0 24.0 12.5 %" in text


@pytest.mark.parametrize(("length", "heading"), [(31, "By day"), (60, "By week"), (366, "By month")])
def test_a_longer_range_has_wider_bars(app: Flask, hall: Hall, length: int, heading: str) -> None:
    first = date.fromisoformat(day(0))
    span = {"from": first.isoformat(), "to": (first + timedelta(days=length)).isoformat()}
    answer = ask(app, "/api/v1/admin/reports/occupancy.pdf", venue_id=hall.venue_id, **span)
    assert heading in " ".join(reading.words(answer.data))


def test_staff_of_one_room_see_how_full_that_room_was(app: Flask, hall: Hall) -> None:
    spare = make_resource(session.engine(), hall.venue_id, name="Spare room")
    staff = make_person("staff", scopes=[Scope(hall.venue_id, spare)])
    hall.book(10)
    answer = ask(app, "/api/v1/admin/reports/occupancy.pdf", staff, venue_id=hall.venue_id)
    text = " ".join(reading.words(answer.data))
    assert "Spare room 0 0.0 8.0 0.0 %" in text
    assert "Altogether" not in text
