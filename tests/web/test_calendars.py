"""Calendars over HTTP: a booking to take along, and feeds that are made, renewed, revoked and asked again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.domain.actors import Scope
from app.domain.tokens import hash_token
from app.persistence import session, tables
from tests.conftest import Queries
from tests.documents import reading
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue
from tests.web.conftest import Hall, at, token_of
from tests.web.people import Person, make_person, stranger

OWN = "/api/v1/me/calendar-feed"


def parsed(answer: TestResponse) -> Any:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return reading.module("vobject").readOne(answer.get_data(as_text=True))


def events_of(answer: TestResponse) -> list[Any]:
    return list(parsed(answer).contents.get("vevent", []))


def path_of(answer: TestResponse) -> str:
    """Return the path of a feed that has just been made."""
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return "/api/v1" + str(answer.json["url"]).partition("/api/v1")[2]


def book(app: Flask, who: Person, hall: Hall, hour: int) -> str:
    answer = who.ask(app, "POST", "/api/v1/bookings", json=hall.body(hour))
    return str(answer.json["ref"])


def feed_of(app: Flask, who: Person) -> str:
    return path_of(who.ask(app, "POST", OWN))


@pytest.fixture
def other(app: Flask) -> Hall:
    engine = session.engine()
    venue = make_venue(engine, timezone="Asia/Kolkata")
    room = make_resource(engine, venue, daily_hours=AROUND_THE_CLOCK)
    return Hall(app.test_client(), venue, room, make_service(engine, venue, [[room]]))


def test_a_moved_booking_is_the_same_event_with_a_higher_sequence(app: Flask, hall: Hall) -> None:
    made = hall.book(10)
    path, headers = f"/api/v1/bookings/{made.json['ref']}", {"X-Manage-Token": token_of(made)}

    def event() -> tuple[str, int, str, int]:
        found = parsed(stranger().ask(app, "GET", f"{path}/calendar.ics", headers=headers))
        event = found.vevent
        return event.uid.value, int(event.sequence.value), found.method.value, event.dtstart.value.hour

    before = event()
    app.test_client().post(f"{path}/reschedule", json={"starts_at": at(12)}, headers=headers)
    moved = event()
    app.test_client().post(f"{path}/cancel", json={}, headers=headers)
    off = event()
    assert before[0] == moved[0] == off[0]
    assert before[1] < moved[1] < off[1]
    assert (before[2], moved[2], off[2]) == ("PUBLISH", "PUBLISH", "CANCEL")
    assert (before[3], moved[3]) == (10, 12)


def test_a_booking_file_names_nobody(app: Flask, hall: Hall) -> None:
    made = hall.book(10, notes="a private note")
    answer = app.test_client().get(f"/api/v1/bookings/{made.json['ref']}/calendar.ics?token={token_of(made)}")
    assert b"Ada" not in answer.data
    assert b"private" not in answer.data
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"


def test_a_customers_feed_has_their_bookings_and_nobody_elses(app: Flask, hall: Hall, other: Hall) -> None:
    ada = make_person()
    refs = [book(app, ada, hall, 10), book(app, ada, other, 12)]
    book(app, make_person(), hall, 14)
    events = events_of(stranger().ask(app, "GET", feed_of(app, ada)))
    assert {event.description.value for event in events} == set(refs)


def test_staff_see_who_comes_to_their_part_of_the_house(app: Flask, hall: Hall, other: Hall) -> None:
    hall.book(10)
    other.book(12)
    staff = make_person("staff", scopes=[Scope(hall.venue_id)])
    (event,) = events_of(stranger().ask(app, "GET", feed_of(app, staff)))
    assert event.summary.value.startswith("Ada Example: ")
    assert "ada@example.org" in event.description.value
    assert len(events_of(stranger().ask(app, "GET", feed_of(app, make_person("admin"))))) == 2
    assert events_of(stranger().ask(app, "GET", feed_of(app, make_person("staff")))) == []


def test_a_resources_feed_has_its_bookings(app: Flask, hall: Hall, other: Hall) -> None:
    ref = hall.book(10).json["ref"]
    other.book(12)
    admin = make_person("admin")
    path = path_of(admin.ask(app, "POST", f"/api/v1/admin/resources/{hall.resource_id}/calendar-feed"))
    (event,) = events_of(stranger().ask(app, "GET", path))
    assert event.uid.value == f"booking-{ref}@slotkeeper"


def test_free_or_busy_says_when_and_nothing_else(app: Flask, hall: Hall) -> None:
    ref = hall.book(10, notes="a private note").json["ref"]
    admin = make_person("admin")
    path = feed_of(app, admin)
    answer = stranger().ask(app, "GET", f"{path}?busy=1")
    (event,) = events_of(answer)
    assert event.summary.value == "Busy"
    assert event.dtstart.value.hour == 10
    for word in (ref, "Ada", "private", "Service-", "Venue-", "Resource-"):
        assert word not in answer.get_data(as_text=True)
    german = events_of(stranger().ask(app, "GET", f"{path}?busy=1&lang=de"))
    assert german[0].summary.value == "Belegt"


def test_what_is_cancelled_is_gone_from_a_feed(app: Flask, hall: Hall) -> None:
    ada = make_person()
    ref = book(app, ada, hall, 10)
    path = feed_of(app, ada)
    ada.ask(app, "POST", f"/api/v1/bookings/{ref}/cancel", json={})
    assert events_of(stranger().ask(app, "GET", path)) == []


@pytest.mark.parametrize("role", ["customer", "staff", "admin"])
def test_an_unchanged_feed_is_one_query_and_a_changed_one_is_told(
    app: Flask, hall: Hall, queries: Queries, role: str
) -> None:
    who = make_person(role, scopes=[Scope(hall.venue_id)] if role == "staff" else [])
    ref = book(app, who, hall, 10)
    path = feed_of(app, who)
    seen: list[str] = []

    def ask_again() -> int:
        headers = {"If-None-Match": seen[-1]} if seen else {}
        with queries(most=1 if seen else 9):
            answer = stranger().ask(app, "GET", path, headers=headers)
        return _note(answer, seen)

    assert ask_again() == 200
    assert ask_again() == 304
    who.ask(app, "POST", f"/api/v1/bookings/{ref}/cancel", json={})
    answer = stranger().ask(app, "GET", path, headers={"If-None-Match": seen[-1]})
    assert answer.status_code == 200


def _note(answer: TestResponse, seen: list[str]) -> int:
    seen.append(answer.headers["ETag"])
    answer.close()
    return answer.status_code


def test_a_resources_feed_is_told_to_have_changed_by_its_calendars_clock(app: Flask, hall: Hall) -> None:
    admin = make_person("admin")
    path = path_of(admin.ask(app, "POST", f"/api/v1/admin/resources/{hall.resource_id}/calendar-feed"))
    tag = stranger().ask(app, "GET", path).headers["ETag"]
    assert stranger().ask(app, "GET", path, headers={"If-None-Match": tag}).status_code == 304
    hall.book(10)
    assert stranger().ask(app, "GET", path, headers={"If-None-Match": tag}).status_code == 200


def test_staff_who_move_to_another_part_of_the_house_have_another_feed(app: Flask, hall: Hall, other: Hall) -> None:
    staff = make_person("staff", scopes=[Scope(hall.venue_id)])
    path = feed_of(app, staff)
    tag = stranger().ask(app, "GET", path).headers["ETag"]
    with session.engine().connect() as connection:
        mine = tables.user_scopes.c.user_id == staff.user_id
        connection.execute(update(tables.user_scopes).where(mine).values(venue_id=other.venue_id))
    assert stranger().ask(app, "GET", path, headers={"If-None-Match": tag}).status_code == 200


def test_a_renewed_link_ends_the_one_before(app: Flask) -> None:
    ada = make_person()
    assert ada.ask(app, "GET", OWN).json == {"active": False, "created_at": None}
    first, second = feed_of(app, ada), feed_of(app, ada)
    assert stranger().ask(app, "GET", first).status_code == 404
    assert stranger().ask(app, "GET", second).status_code == 200
    assert ada.ask(app, "GET", OWN).json["active"] is True
    assert ada.ask(app, "DELETE", OWN).status_code == 204
    assert stranger().ask(app, "GET", second).status_code == 404
    assert ada.ask(app, "DELETE", OWN).status_code == 404


def test_a_closed_account_has_no_feed(app: Flask) -> None:
    ada = make_person()
    path = feed_of(app, ada)
    with session.engine().connect() as connection:
        connection.execute(update(tables.users).where(tables.users.c.id == ada.user_id).values(active=False))
    assert stranger().ask(app, "GET", path).status_code == 404


def test_a_link_is_kept_as_a_hash(app: Flask) -> None:
    token = feed_of(app, make_person()).rpartition("/")[2].removesuffix(".ics")
    with session.engine().connect() as connection:
        assert connection.scalars(select(tables.calendar_feeds.c.token_hash)).all() == [hash_token(token)]


def test_a_feed_reaches_a_month_back_and_a_year_ahead(app: Flask, hall: Hall) -> None:
    ada = make_person()
    ref = book(app, ada, hall, 10)
    path = feed_of(app, ada)
    with session.engine().connect() as connection:
        booked = tables.bookings.c.ref == ref
        starts_at = connection.scalar(select(tables.bookings.c.starts_at).where(booked))
        assert starts_at is not None
        for days, shown in ((0, 1), (-40, 0), (390, 1), (420, 0)):
            moved = starts_at + timedelta(days=days)
            times = {"starts_at": moved, "ends_at": moved + timedelta(hours=1)}
            connection.execute(update(tables.bookings).where(booked).values(times))
            assert len(events_of(stranger().ask(app, "GET", path))) == shown
