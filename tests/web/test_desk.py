"""The desk over HTTP: what the venue's people find, see and decide, each in their part of the house."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.domain.actors import Scope
from app.persistence import session, tables
from tests.conftest import Queries
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue
from tests.web.conftest import GUEST, Hall, at, day
from tests.web.people import Person, make_person

BOOKINGS = "/api/v1/admin/bookings"


@pytest.fixture
def admin(app: Flask) -> Person:
    del app
    return make_person("admin")


@pytest.fixture
def other(app: Flask) -> Hall:
    """Return a hall of another venue."""
    engine = session.engine()
    venue = make_venue(engine, timezone="UTC")
    room = make_resource(engine, venue, daily_hours=AROUND_THE_CLOCK)
    return Hall(app.test_client(), venue, room, make_service(engine, venue, [[room]]))


def ask(app: Flask, who: Person, path: str = "", **query: Any) -> TestResponse:
    query = {name.removesuffix("_"): value for name, value in query.items()}
    return who.ask(app, "GET", f"{BOOKINGS}{path}", query_string=query)


def refs(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [item["ref"] for item in answer.json["items"]]


def decide(app: Flask, who: Person, ref: str, verb: str, body: Any = None, **more: Any) -> TestResponse:
    return who.ask(app, "POST", f"{BOOKINGS}/{ref}/{verb}", json={} if body is None else body, **more)


def requesting(hall: Hall) -> None:
    with session.engine().connect() as connection:
        connection.execute(
            update(tables.services).where(tables.services.c.id == hall.service_id).values(requires_approval=True)
        )


def resize(hall: Hall, capacity: int) -> None:
    with session.engine().connect() as connection:
        values = {"capacity": capacity}
        connection.execute(update(tables.resources).where(tables.resources.c.id == hall.resource_id).values(**values))


def begun(ref: str, *, hours: int = 1) -> None:
    """Let a booking have begun some hours ago."""
    then = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=hours)
    values = {"starts_at": then, "ends_at": then + timedelta(hours=1)}
    with session.engine().connect() as connection:
        connection.execute(update(tables.bookings).where(tables.bookings.c.ref == ref).values(**values))


def test_bookings_are_listed_by_their_start_page_by_page(app: Flask, hall: Hall, admin: Person) -> None:
    made = [hall.book(hour).json["ref"] for hour in (12, 9, 15, 10)]
    ordered = [made[1], made[3], made[0], made[2]]
    first = ask(app, admin, limit=3)
    assert refs(first) == ordered[:3]
    assert refs(ask(app, admin, limit=3, cursor=first.json["next_cursor"])) == ordered[3:]
    newest = ask(app, admin, limit=3, newest=1)
    assert refs(newest) == ordered[:0:-1]
    assert refs(ask(app, admin, limit=3, newest=1, cursor=newest.json["next_cursor"])) == ordered[:1]


def test_filters_are_all_asked_for_at_once(app: Flask, hall: Hall, other: Hall, admin: Person) -> None:
    early, late = hall.book(9).json["ref"], hall.book(15).json["ref"]
    elsewhere = other.book(9).json["ref"]
    assert decide(app, admin, late, "decline").status_code == 409  # it is no request
    assert refs(ask(app, admin, venue_id=hall.venue_id)) == [early, late]
    assert refs(ask(app, admin, resource_id=other.resource_id)) == [elsewhere]
    assert refs(ask(app, admin, service_id=hall.service_id, from_=at(12))) == [late]
    assert refs(ask(app, admin, to=at(12), venue_id=hall.venue_id)) == [early]
    assert refs(ask(app, admin, status="cancelled")) == []
    assert set(refs(ask(app, admin, status="confirmed"))) == {early, late, elsewhere}


@pytest.mark.parametrize(
    "q", ["müll", "Muller", "FRIEDA", "frieda@exa", "frieda müller", "49301234", "030 1234", "30 12 34"]
)
def test_a_customer_is_found_by_what_people_type(app: Flask, hall: Hall, admin: Person, q: str) -> None:
    who = {"name": "Frieda Müller", "email": "frieda@example.org", "phone": "+49 30 123456"}
    wanted = hall.book(9, customer=who).json["ref"]
    hall.book(10)
    assert refs(ask(app, admin, q=q)) == [wanted]


def test_a_reference_is_found_by_its_beginning(app: Flask, hall: Hall, admin: Person) -> None:
    wanted, _ = (hall.book(hour).json["ref"] for hour in (9, 10))
    assert refs(ask(app, admin, q=wanted[:6].lower())) == [wanted]
    assert refs(ask(app, admin, q=f"{wanted[:5]}-{wanted[5:]}")) == [wanted]


@pytest.mark.parametrize("q", ["", "ab", "  a ", "%%%", "___", "' OR 1=1 --"])
def test_a_search_that_finds_nobody_or_everybody_is_none(app: Flask, hall: Hall, admin: Person, q: str) -> None:
    hall.book(9)
    answer = ask(app, admin, q=q)
    found = answer.json.get("items", []) if q else []
    assert found == []
    assert answer.status_code in {200, 422}


@pytest.mark.parametrize("cursor", ["1_", "x", "999999999999_1", "-999999999999_1", "1_1' OR 1=1"])
def test_a_cursor_that_is_none_is_refused_or_finds_a_page(app: Flask, admin: Person, cursor: str) -> None:
    assert ask(app, admin, cursor=cursor).status_code in {200, 422}


def test_staff_find_only_what_is_in_their_part_of_the_house(app: Flask, hall: Hall, other: Hall) -> None:
    mine, theirs = hall.book(9).json["ref"], other.book(9, customer={**GUEST, "name": "Ada Example"}).json["ref"]
    whole = make_person("staff", scopes=(Scope(hall.venue_id),))
    room = make_person("staff", scopes=(Scope(other.venue_id, other.resource_id),))
    nobody = make_person("staff", scopes=())
    for query in ({}, {"q": "Ada"}, {"status": "confirmed"}, {"newest": 1}, {"q": theirs[:4]}):
        assert theirs not in refs(ask(app, whole, **query))
    assert refs(ask(app, whole)) == [mine]
    assert refs(ask(app, room, venue_id=other.venue_id)) == [theirs]
    assert refs(ask(app, room, venue_id=hall.venue_id)) == []
    assert refs(ask(app, nobody)) == []
    for path in ("", "/history", "/notes", "/rivals"):
        assert ask(app, whole, f"/{theirs}{path}").status_code == 404
    many = whole.ask(app, "POST", "/api/v1/admin/decisions", json={"verb": "cancel", "refs": [mine, theirs]}).json[
        "items"
    ]
    assert [(item["ok"], item["code"]) for item in many] == [(True, None), (False, "not_found")]


@pytest.mark.parametrize(
    "query", [{}, {"venue_id": 1}, {"status": "confirmed"}, {"q": "ada"}, {"q": "CFG"}, {"newest": 1}]
)
def test_a_page_takes_four_queries_at_most(
    app: Flask, hall: Hall, admin: Person, queries: Queries, query: dict[str, Any]
) -> None:
    for hour in range(8, 14):
        hall.book(hour)
    ask(app, admin, **query)
    with queries(most=2 + 4):  # two for who is asking
        assert ask(app, admin, **query).status_code == 200


def test_a_calendar_shows_who_is_open_what_is_closed_and_who_comes(
    app: Flask, hall: Hall, admin: Person, queries: Queries
) -> None:
    ref = hall.book(10).json["ref"]
    closed = {"resource_id": hall.resource_id, "starts_at": at(20), "ends_at": at(21), "reason": "Cleaning"}
    assert admin.ask(app, "POST", "/api/v1/admin/blackouts", json=closed).status_code == 201
    query = {"venue_id": hall.venue_id, "from": day(0), "to": day(7)}
    with queries(most=2 + 3):
        shown = admin.ask(app, "GET", "/api/v1/admin/calendar", query_string=query).json
    assert [booking["ref"] for booking in shown["bookings"]] == [ref]
    assert [item["reason"] for item in shown["closures"]] == ["Cleaning"]
    (resource,) = shown["resources"]
    assert len(resource["open"]) == 7
    assert resource["open"][0] == {"starts_at": f"{day(0)}T00:00:00Z", "ends_at": f"{day(1)}T00:00:00Z"}
    assert shown["is_cut"] is False


def test_the_venue_books_for_somebody_without_asking_itself(app: Flask, hall: Hall, admin: Person) -> None:
    requesting(hall)
    body = {"service_id": hall.service_id, "starts_at": at(10), "customer": GUEST}
    made = admin.ask(app, "POST", BOOKINGS, json=body)
    assert (made.status_code, made.json["status"]) == (201, "confirmed")
    with session.engine().connect() as connection:
        assert connection.scalars(select(tables.customers.c.user_id)).all() == [None]
    assert admin.ask(app, "POST", BOOKINGS, json=body).json["code"] == "slot_taken"


def test_outside_the_rules_only_with_a_reason_that_is_written_down(app: Flask, hall: Hall, admin: Person) -> None:
    closed = {"resource_id": hall.resource_id, "starts_at": at(9), "ends_at": at(12)}
    assert admin.ask(app, "POST", "/api/v1/admin/blackouts", json=closed).status_code == 201
    body = {"service_id": hall.service_id, "starts_at": at(10), "customer": GUEST}
    assert admin.ask(app, "POST", BOOKINGS, json=body).json["code"] == "outside_hours"
    made = admin.ask(app, "POST", BOOKINGS, json={**body, "override": "The painter is late"})
    assert made.status_code == 201
    assert admin.ask(app, "POST", BOOKINGS, json={**body, "override": "Again"}).json["code"] == "slot_taken"
    (change,) = ask(app, admin, f"/{made.json['ref']}/history").json["items"]
    assert (change["action"], change["detail"]["override"]) == ("booking.made", "The painter is late")


def test_a_request_is_approved_or_declined_once(app: Flask, hall: Hall, admin: Person) -> None:
    requesting(hall)
    yes, no = (hall.book(hour).json["ref"] for hour in (9, 10))
    assert decide(app, admin, yes, "approve").json["status"] == "confirmed"
    declined = decide(app, admin, no, "decline", {"reason": "Painting"})
    assert (declined.json["status"], declined.json["status_reason"]) == ("declined", "Painting")
    assert decide(app, admin, yes, "approve").status_code == 409
    assert hall.book(10).status_code == 201


def test_a_request_is_not_approved_where_the_room_has_shrunk_meanwhile(app: Flask, hall: Hall, admin: Person) -> None:
    resize(hall, 2)
    requesting(hall)
    first, second = (hall.book(9).json["ref"] for _ in range(2))
    resize(hall, 1)  # behind the desk's back: the desk itself would have refused
    assert decide(app, admin, first, "approve").json["code"] == "slot_taken"
    assert decide(app, admin, second, "decline").status_code == 200
    assert decide(app, admin, first, "approve").json["status"] == "confirmed"


def test_a_decision_on_an_old_version_is_refused(app: Flask, hall: Hall, admin: Person) -> None:
    requesting(hall)
    ref = hall.book(9).json["ref"]
    answer = decide(app, admin, ref, "approve", headers={"If-Match": 'W/"7"'})
    assert (answer.status_code, answer.json["code"]) == (412, "version_mismatch")


def test_nobody_has_come_or_stayed_away_before_the_time(app: Flask, hall: Hall, admin: Person) -> None:
    ref = hall.book(9).json["ref"]
    for verb in ("check-in", "no-show", "complete"):
        assert decide(app, admin, ref, verb).status_code == 409
    begun(ref)
    assert decide(app, admin, ref, "check-in").json["status"] == "checked_in"
    assert decide(app, admin, ref, "no-show").status_code == 409
    assert decide(app, admin, ref, "complete").json["status"] == "completed"


def test_many_at_once_each_stand_for_themselves(app: Flask, hall: Hall, admin: Person) -> None:
    requesting(hall)
    first, second = (hall.book(hour).json["ref"] for hour in (9, 10))
    decide(app, admin, second, "decline")
    body = {"verb": "approve", "refs": [first, second, "NOSUCHREF", first]}
    items = admin.ask(app, "POST", "/api/v1/admin/decisions", json=body).json["items"]
    assert [(item["ref"], item["ok"], item["code"]) for item in items] == [
        (first, True, None),
        (second, False, "conflict"),
        ("NOSUCHREF", False, "not_found"),
    ]


def test_notes_are_the_venues_own(app: Flask, hall: Hall, admin: Person) -> None:
    made = hall.book(9)
    ref = made.json["ref"]
    note = admin.ask(app, "POST", f"{BOOKINGS}/{ref}/notes", json={"text": "Paid in cash <b>"})
    assert (note.status_code, note.json["text"]) == (201, "Paid in cash <b>")
    assert [item["text"] for item in ask(app, admin, f"/{ref}/notes").json["items"]] == ["Paid in cash <b>"]
    seen = app.test_client().get(made.json["manage_url"].removeprefix("http://localhost")).get_data(as_text=True)
    assert "Paid in cash" not in seen
    assert admin.ask(app, "POST", f"{BOOKINGS}/{ref}/notes", json={"text": "  "}).status_code == 422


def test_rivals_are_on_the_same_resource_at_the_same_time(app: Flask, hall: Hall, admin: Person) -> None:
    resize(hall, 2)
    first, second, _ = (hall.book(hour).json["ref"] for hour in (9, 9, 10))
    assert refs(ask(app, admin, f"/{first}/rivals")) == [second]
