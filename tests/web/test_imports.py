"""Files of bookings over HTTP: counted, bounded, tried without trace, and for admins alone."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.persistence import session, tables
from app.web import imports
from tests.conftest import Queries
from tests.web.conftest import Hall, at
from tests.web.people import Person, make_person

BOOKINGS, CUSTOMERS = "/api/v1/admin/imports/bookings", "/api/v1/admin/imports/customers"
HEADS = "ref,service,starts_at,customer,email\n"


@pytest.fixture
def admin(hall: Hall) -> Person:
    del hall
    return make_person("admin")


def send(
    app: Flask, who: Person, text: str, path: str = BOOKINGS, kind: str = "text/csv", **query: Any
) -> TestResponse:
    return who.ask(app, "POST", path, data=text.encode(), headers={"Content-Type": kind}, query_string=query)


def row(hall: Hall, hour: int, ref: str = "") -> str:
    return f"{ref},{service_of(hall)},{at(hour)},Ada,ada@example.org\n"


def service_of(hall: Hall) -> str:
    table = tables.services
    with session.engine().connect() as connection:
        return str(
            connection.scalar(table.select().with_only_columns(table.c.slug).where(table.c.id == hall.service_id))
        )


def test_rows_become_bookings_and_the_others_are_told(app: Flask, hall: Hall, admin: Person) -> None:
    assert hall.book(10).status_code == 201
    text = HEADS + row(hall, 10) + row(hall, 11)
    said = send(app, admin, text).json
    assert (said["created"], said["skipped"], said["failed"]) == (1, 0, 1)
    assert (said["errors"][0]["line"], said["errors"][0]["field"]) == (2, "starts_at")
    assert hall.book(11).json["code"] == "slot_taken"
    again = send(app, admin, text).json
    assert (again["created"], again["skipped"], again["failed"]) == (0, 1, 1)


def test_a_dry_run_takes_no_time(app: Flask, hall: Hall, admin: Person) -> None:
    assert send(app, admin, HEADS + row(hall, 10), dry_run=1).json["created"] == 1
    assert hall.book(10).status_code == 201


def test_a_venue_may_be_named_for_all_rows(app: Flask, hall: Hall, admin: Person) -> None:
    assert send(app, admin, HEADS + row(hall, 10), venue_id=hall.venue_id).json["created"] == 1
    assert send(app, admin, HEADS, venue_id=10**9).status_code == 404


def test_no_more_rows_are_taken_than_a_request_may_bring(
    app: Flask, hall: Hall, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MOST_ROWS", 2)
    refused = send(app, admin, HEADS + "".join(row(hall, hour) for hour in (10, 11, 12)))
    assert refused.status_code == 422
    assert "the first 2 are done" in refused.json["detail"]
    assert [hall.book(hour).status_code for hour in (10, 11, 12)] == [409, 409, 201]


@pytest.mark.parametrize(
    ("text", "said"), [("", "body:1: the column service is missing"), ("a,b\n", "body:1: there is no column 'a'")]
)
def test_a_file_that_is_none_is_refused_with_its_line(
    app: Flask, hall: Hall, admin: Person, text: str, said: str
) -> None:
    del hall
    refused = send(app, admin, text)
    assert refused.status_code == 422
    assert refused.json["detail"].startswith(said)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", ""])
def test_only_the_file_itself_is_taken(app: Flask, hall: Hall, admin: Person, kind: str) -> None:
    del hall
    assert send(app, admin, HEADS, kind=kind).status_code == 415


def test_customers_are_added_once(app: Flask, hall: Hall, admin: Person) -> None:
    del hall
    text = "name,email\nAda,ada@example.org\nAda,ada@example.org\n"
    assert send(app, admin, text, CUSTOMERS).json == {"created": 1, "skipped": 1, "failed": 0, "errors": []}


def test_calendars_are_listed_page_by_page_by_one_query(
    app: Flask, hall: Hall, admin: Person, queries: Queries
) -> None:
    path = "/api/v1/admin/busy-calendars"
    for name in ("a", "b", "c"):
        body = {"resource_id": hall.resource_id, "url": f"https://calendar.example.org/{name}.ics?key=x", "name": name}
        made = admin.ask(app, "POST", path, json=body)
        assert made.status_code == 201
        assert made.json["host"] == "calendar.example.org"
        assert "key" not in made.get_data(as_text=True)
    with queries(most=4):
        page = admin.ask(app, "GET", path, query_string={"limit": 2}).json
    assert [item["name"] for item in page["items"]] == ["a", "b"]
    rest = admin.ask(app, "GET", path, query_string={"cursor": page["next_cursor"]}).json
    assert ([item["name"] for item in rest["items"]], rest["next_cursor"]) == (["c"], None)


@pytest.mark.parametrize("url", ["http://calendar.example.org/a.ics", "https://127.0.0.1/a.ics", "file:///etc/passwd"])
def test_an_address_inside_is_refused_when_it_is_entered(app: Flask, hall: Hall, admin: Person, url: str) -> None:
    refused = admin.ask(app, "POST", "/api/v1/admin/busy-calendars", json={"resource_id": hall.resource_id, "url": url})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == "url"
