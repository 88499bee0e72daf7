"""Customers over HTTP: who the venue's people find, what they see and put right, each in their part of the house."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime, timezone
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update
from werkzeug.test import TestResponse

from app.domain.actors import Scope
from app.persistence import customer_desk, session, tables
from tests.conftest import Queries
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue
from tests.web.conftest import Hall
from tests.web.people import Person, make_person, make_server, make_user

CUSTOMERS = "/api/v1/admin/customers"
FRIEDA = {"name": "Frieda Müller", "email": "frieda@example.org", "phone": "+49 30 123456"}


@pytest.fixture
def admin(app: Flask) -> Person:
    del app
    return make_person("admin")


@pytest.fixture
def other(app: Flask) -> Hall:
    """Return a hall of another venue."""
    engine = session.engine()
    venue = make_venue(engine, timezone="UTC", currency="INR")
    room = make_resource(engine, venue, daily_hours=AROUND_THE_CLOCK)
    return Hall(app.test_client(), venue, room, make_service(engine, venue, [[room]]))


@pytest.fixture
def staff(hall: Hall) -> Person:
    return make_person("staff", scopes=[Scope(hall.venue_id)])


def ask(app: Flask, who: Person, path: str = "", **query: Any) -> TestResponse:
    return who.ask(app, "GET", f"{CUSTOMERS}{path}", query_string=query)


def send(app: Flask, who: Person, method: str, path: str, body: Any, **more: Any) -> TestResponse:
    return who.ask(app, method, f"{CUSTOMERS}{path}", json=body, **more)


def guest(number: int) -> dict[str, str]:
    return {"name": f"Guest {number}", "email": f"guest{number}@example.org"}


def book(hall: Hall, hour: int, customer: dict[str, str]) -> int:
    """Book for a guest and return the customer's key."""
    made = hall.book(hour, customer=customer)
    assert made.status_code == 201, made.json
    return customer_of(made.json["ref"])


def customer_of(ref: str) -> int:
    with session.engine().connect() as connection:
        found = connection.scalar(select(tables.bookings.c.customer_id).where(tables.bookings.c.ref == ref))
    return int(found or 0)


def ids(answer: TestResponse) -> list[int]:
    assert answer.status_code == 200, answer.json
    return [item["id"] for item in answer.json["items"]]


def give_account(customer_id: int, user_id: int) -> None:
    with session.engine().connect() as connection:
        whose = tables.customers.c.id == customer_id
        connection.execute(update(tables.customers).where(whose).values(user_id=user_id))


def test_customers_are_listed_the_newest_first_page_by_page(app: Flask, hall: Hall, admin: Person) -> None:
    made = [book(hall, 8 + number, guest(number)) for number in range(5)]
    first = ask(app, admin, limit=3)
    assert ids(first) == made[:1:-1]
    assert ids(ask(app, admin, limit=3, cursor=first.json["next_cursor"])) == made[1::-1]


def test_a_customer_who_comes_again_is_listed_once(app: Flask, hall: Hall, admin: Person) -> None:
    assert len({book(hall, hour, FRIEDA) for hour in (8, 9, 10)}) == 1
    assert len(ids(ask(app, admin))) == 1


@pytest.mark.parametrize("q", ["mül", "muller fri", "frieda@", "030 1234", "EXAMPLE.ORG frieda"])
def test_a_customer_is_found_by_what_people_type(app: Flask, hall: Hall, admin: Person, q: str) -> None:
    wanted = book(hall, 8, FRIEDA)
    book(hall, 9, guest(1))
    assert ids(ask(app, admin, q=q)) == [wanted]


@pytest.mark.parametrize("q", ["ab", "  a ", "%%%"])
def test_a_search_of_too_few_letters_is_refused(app: Flask, admin: Person, q: str) -> None:
    answer = ask(app, admin, q=q)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "q")


def test_staff_find_only_those_who_have_booked_in_their_part_of_the_house(
    app: Flask, hall: Hall, other: Hall, staff: Person
) -> None:
    ours, both = book(hall, 8, guest(1)), book(hall, 9, FRIEDA)
    theirs = book(other, 8, guest(2))
    book(other, 9, FRIEDA)
    assert ids(ask(app, staff)) == [both, ours]
    assert ids(ask(app, staff, q="guest")) == [ours]
    assert ids(ask(app, staff, q="example")) == [both, ours]
    room = make_person("staff", scopes=[Scope(other.venue_id, other.resource_id)])
    assert ids(ask(app, room)) == [theirs, both]
    assert ids(ask(app, make_person("staff"))) == []
    missing = ask(app, staff, f"/{theirs + 999}")
    for path in (f"/{theirs}", f"/{theirs}/bookings"):
        hidden = ask(app, staff, path)
        assert (hidden.status_code, hidden.json["detail"]) == (404, missing.json["detail"])


def test_a_part_of_the_house_with_many_bookings_lists_the_same(
    app: Flask, hall: Hall, other: Hall, staff: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [book(hall, 8 + number, guest(number)) for number in range(4)]
    book(other, 8, guest(9))
    few = ids(ask(app, staff))
    monkeypatch.setattr(customer_desk, "FEW", 1)
    assert ids(ask(app, staff)) == few == made[::-1]


def test_a_profile_counts_what_the_caller_may_see(
    app: Flask, hall: Hall, other: Hall, admin: Person, staff: Person
) -> None:
    key = book(hall, 8, FRIEDA)
    late = hall.book(12, customer=FRIEDA).json
    book(other, 10, FRIEDA)
    hall.client.post(f"/api/v1/bookings/{late['ref']}/cancel", json={}, headers=token(late))
    ours, all_ = ask(app, staff, f"/{key}").json, ask(app, admin, f"/{key}").json
    assert ours["bookings"] == {"confirmed": 1, "cancelled": 1}
    assert all_["bookings"] == {"confirmed": 2, "cancelled": 1}
    assert [one["currency"] for one in ours["quoted"]] == ["EUR"]
    assert [one["currency"] for one in all_["quoted"]] == ["EUR", "INR"]
    assert ours["quoted"][0]["total_minor"] == late["price"]["total_minor"]
    assert (ours["name"], ours["email"], ours["phone"]) == ("Frieda Müller", "frieda@example.org", "+4930123456")
    assert ours["account_id"] is None
    assert ours["last_booking_at"] == late["starts_at"]
    assert ours["first_booking_at"] < ours["last_booking_at"]


def token(made: dict[str, Any]) -> dict[str, str]:
    return {"X-Manage-Token": made["manage_url"].partition("token=")[2]}


def test_a_history_is_of_one_customer_the_latest_first(app: Flask, hall: Hall, admin: Person) -> None:
    key = book(hall, 8, FRIEDA)
    refs = [hall.book(hour, customer=FRIEDA).json["ref"] for hour in (9, 10)]
    book(hall, 11, guest(1))
    first = ask(app, admin, f"/{key}/bookings", limit=2)
    assert [item["ref"] for item in first.json["items"]] == refs[::-1]
    rest = ask(app, admin, f"/{key}/bookings", limit=2, cursor=first.json["next_cursor"])
    assert (len(rest.json["items"]), rest.json["next_cursor"]) == (1, None)


def test_a_guest_is_put_right_and_found_by_the_new_words_alone(app: Flask, hall: Hall, staff: Person) -> None:
    key = book(hall, 8, FRIEDA)
    seen = ask(app, staff, f"/{key}").headers["ETag"]
    changed = send(app, staff, "PATCH", f"/{key}", {"name": "Frieda Schmidt", "phone": ""}, headers={"If-Match": seen})
    assert (changed.status_code, changed.json["name"], changed.json["phone"]) == (200, "Frieda Schmidt", "")
    assert changed.json["email"] == FRIEDA["email"]
    assert (ids(ask(app, staff, q="müller")), ids(ask(app, staff, q="schmidt"))) == ([], [key])
    assert ids(ask(app, staff, q="030123456")) == []
    again = send(app, staff, "PATCH", f"/{key}", {"name": "X"}, headers={"If-Match": seen})
    assert (again.status_code, again.json["code"]) == (412, "version_mismatch")


def test_a_change_is_in_the_log_without_what_it_says(app: Flask, hall: Hall, staff: Person) -> None:
    key = book(hall, 8, FRIEDA)
    send(app, staff, "PATCH", f"/{key}", {"name": "Frieda Schmidt"})
    with session.engine().connect() as connection:
        whose = tables.audit_log.c.object == f"customer:{key}"
        rows = connection.execute(select(tables.audit_log.c.action, tables.audit_log.c.detail).where(whose)).all()
    assert [(row.action, json.loads(row.detail)) for row in rows] == [("customer.changed", {"fields": ["name"]})]


@pytest.mark.parametrize(("body", "field"), [({"email": "", "phone": ""}, "email"), ({"name": " "}, "name")])
def test_a_customer_stays_somebody_who_can_be_reached(
    app: Flask, hall: Hall, staff: Person, body: dict[str, str], field: str
) -> None:
    refused = send(app, staff, "PATCH", f"/{book(hall, 8, FRIEDA)}", body)
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, field)


def test_whoever_has_an_account_is_changed_by_nobody_else(app: Flask, hall: Hall, admin: Person) -> None:
    key = book(hall, 8, FRIEDA)
    give_account(key, make_user())
    assert send(app, admin, "PATCH", f"/{key}", {"name": "X"}).status_code == 409


def test_staff_do_not_redirect_what_is_sent_about_bookings_elsewhere(
    app: Flask, hall: Hall, other: Hall, staff: Person, admin: Person
) -> None:
    key = book(hall, 8, FRIEDA)
    book(other, 8, FRIEDA)
    assert send(app, staff, "PATCH", f"/{key}", {"email": "mine@example.org"}).status_code == 403
    assert send(app, admin, "PATCH", f"/{key}", {"email": "mine@example.org"}).status_code == 200


@pytest.mark.parametrize("word", ["into", "from"])
def test_two_become_one_with_the_bookings_of_both(app: Flask, hall: Hall, admin: Person, word: str) -> None:
    keeps = book(hall, 8, {"name": "Frieda M", "email": "f@example.org"})
    gone = book(hall, 9, {"name": "F. Müller", "phone": "+4930123456"})
    path, body = (gone, {"into": keeps}) if word == "into" else (keeps, {"from": gone})
    merged = send(app, admin, "POST", f"/{path}/merge", body)
    assert (merged.status_code, merged.json["id"]) == (200, keeps)
    assert (merged.json["name"], merged.json["email"], merged.json["phone"]) == (
        "Frieda M",
        "f@example.org",
        "+4930123456",
    )
    assert ids(ask(app, admin)) == [keeps]
    for q in ("frieda", "müller", "030123456", "f@example.org"):
        assert ids(ask(app, admin, q=q)) == [keeps]
    assert ask(app, admin, f"/{gone}").json["id"] == keeps
    assert ask(app, admin, f"/{keeps}").json["bookings"] == {"confirmed": 2}
    assert len(ask(app, admin, f"/{gone}/bookings").json["items"]) == 2


def test_a_merge_of_a_merge_leads_to_the_last(app: Flask, hall: Hall, admin: Person) -> None:
    one, two, three = (book(hall, 8 + number, guest(number)) for number in range(3))
    assert send(app, admin, "POST", f"/{one}/merge", {"into": two}).status_code == 200
    assert send(app, admin, "POST", f"/{two}/merge", {"into": three}).status_code == 200
    assert ask(app, admin, f"/{one}").json["id"] == three
    again = send(app, admin, "POST", f"/{one}/merge", {"into": three})
    assert (again.status_code, str(two) in again.json["detail"]) == (409, True)


def test_two_accounts_stay_two_and_one_goes_to_the_survivor(app: Flask, hall: Hall, admin: Person) -> None:
    one, two, three = (book(hall, 8 + number, guest(number)) for number in range(3))
    user = make_user()
    give_account(one, user)
    give_account(two, make_user())
    assert send(app, admin, "POST", f"/{one}/merge", {"into": two}).status_code == 409
    assert send(app, admin, "POST", f"/{one}/merge", {"into": three}).json["account_id"] == user


@pytest.mark.parametrize("body", [{}, {"into": 1, "from": 2}])
def test_a_merge_names_one_other(app: Flask, hall: Hall, admin: Person, body: dict[str, int]) -> None:
    assert send(app, admin, "POST", f"/{book(hall, 8, FRIEDA)}/merge", body).status_code == 422


def test_a_merge_with_oneself_nobody_or_an_old_version_is_refused(app: Flask, hall: Hall, admin: Person) -> None:
    one, two = book(hall, 8, guest(1)), book(hall, 9, guest(2))
    assert send(app, admin, "POST", f"/{one}/merge", {"into": one}).status_code == 422
    assert send(app, admin, "POST", f"/{one}/merge", {"into": 999}).status_code == 404
    old = send(app, admin, "POST", f"/{one}/merge", {"into": two}, headers={"If-Match": 'W/"7"'})
    assert old.status_code == 412


def all_duplicates(app: Flask, admin: Person, limit: int) -> list[dict[str, Any]]:
    found, cursor = [], "e0"
    while cursor is not None:
        page = ask(app, admin, "/duplicates", limit=limit, cursor=cursor).json
        found += page["items"]
        cursor = page["next_cursor"]
    return found


@pytest.mark.parametrize(("limit", "window"), [(20, 10_000), (1, 10_000), (2, 1), (20, 2)])
def test_those_who_are_there_twice_are_found_by_address_and_number(
    app: Flask, hall: Hall, admin: Person, limit: int, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    edges = {name: (edge.limit(1).offset(window), *rest) for name, (edge, *rest) in customer_desk._TWICE.items()}
    monkeypatch.setattr(customer_desk, "_TWICE", edges)
    a = [book(hall, 8 + n, {"name": f"A{n}", "email": "a@example.org"}) for n in range(3)]
    b = [book(hall, 11 + n, {"name": f"B{n}", "email": "b@example.org", "phone": f"+493012345{n}"}) for n in range(2)]
    c = [book(hall, 13 + n, {"name": f"C{n}", "email": f"c{n}@example.org", "phone": "+4930999999"}) for n in range(2)]
    found = [
        (one["by"], one["address"], one["number"], [row["id"] for row in one["customers"]])
        for one in all_duplicates(app, admin, limit)
    ]
    assert found == [
        ("email", "a@example.org", 3, a[::-1]),
        ("email", "b@example.org", 2, b[::-1]),
        ("phone", "+4930999999", 2, c[::-1]),
    ]


def test_of_very_many_with_one_address_the_newest_are_shown(app: Flask, hall: Hall, admin: Person) -> None:
    first = book(hall, 8, {"name": "A", "email": "a@example.org"})
    with session.engine().connect() as connection:
        row = {
            "name": "A",
            "email": "a@example.org",
            "phone": "",
            "created_at": datetime(2027, 1, 1, tzinfo=timezone.utc),
        }
        connection.execute(insert(tables.customers), [row] * 30)
    (one,) = all_duplicates(app, admin, 20)
    assert (one["number"], len(one["customers"]), one["customers"][0]["id"]) == (31, 20, first + 30)


def test_lists_cost_four_queries_at_most_with_the_caller(
    app: Flask, hall: Hall, admin: Person, staff: Person, queries: Queries
) -> None:
    key, *_ = [book(hall, 8 + n, {"name": f"A{n}", "email": "a@example.org"}) for n in range(3)]
    server = make_server("bookings:read", venue_id=hall.venue_id)
    for who, path, query, most in (
        (admin, "", {}, 1),
        (admin, "", {"q": "exam"}, 2),
        (staff, "", {}, 2),
        (staff, "", {"q": "exam"}, 2),
        (server, "", {"q": "exam"}, 2),
        (admin, "/duplicates", {"cursor": "e0"}, 4),
        (admin, "/duplicates", {"cursor": f"e{key}"}, 4),
        (staff, f"/{key}", {}, 2),
        (staff, f"/{key}/bookings", {}, 4),
    ):
        with queries(most=most + 2):  # the session, and the scopes of staff
            assert ask(app, who, path, **query).status_code == 200


def test_an_erased_customer_is_found_no_more(app: Flask, hall: Hall, admin: Person) -> None:
    key = book(hall, 8, FRIEDA)
    refused = send(app, admin, "POST", f"/{key}/erase", {})
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    assert send(app, admin, "POST", f"/{key}/erase", {"force": True}).status_code == 204
    assert (ids(ask(app, admin)), ids(ask(app, admin, q="frieda"))) == ([], [])
    shown = ask(app, admin, f"/{key}").json
    assert (shown["name"], shown["email"], shown["phone"]) == ("", "", "")
    assert shown["bookings"] == {"confirmed": 1}
    assert send(app, admin, "POST", f"/{key}/erase", {"force": True}).status_code == 409
    assert send(app, admin, "PATCH", f"/{key}", {"name": "Frieda"}).status_code == 409
    assert book(hall, 9, FRIEDA) != key


def test_an_archive_is_a_zip_file(app: Flask, hall: Hall, admin: Person) -> None:
    key = book(hall, 8, FRIEDA)
    answer = ask(app, admin, f"/{key}/archive")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        person = json.loads(archive.read("person.json"))
    assert person["customers"][0]["email"] == FRIEDA["email"]


def test_ones_own_archive_has_ones_bookings_and_nobody_elses(app: Flask, hall: Hall) -> None:
    ada = make_person()
    mine, others = hall.book(8, customer=FRIEDA).json["ref"], hall.book(9, customer=guest(1)).json["ref"]
    give_account(customer_of(mine), ada.user_id or 0)
    answer = ada.ask(app, "GET", "/api/v1/me/archive")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert "notes.json" not in archive.namelist()
        bookings = json.loads(archive.read("bookings.json"))
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert [one["ref"] for one in bookings] == [mine]
    assert others.encode() not in everything
    assert b"manage_token" not in everything
