"""The audit log over HTTP: found, paged, and taken along whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert
from werkzeug.test import TestResponse

from app.persistence import session, tables
from tests.web.people import make_person

Get = Callable[[str], TestResponse]

T0 = datetime(2027, 1, 1, tzinfo=timezone.utc)
URL = "/api/v1/admin/audit"


@pytest.fixture
def get(app: Flask) -> Get:
    """Return a function that asks as an admin."""
    admin = make_person("admin")
    return lambda url: admin.ask(app, "GET", url)


def write(count: int, **columns: Any) -> None:
    """Write so many entries, one each second."""
    row = {"action": "booking.created", "object": "booking:A", "actor": "guest", "address": "", "request_id": "r"}
    rows = [{**row, "detail": json.dumps({"n": n}), "at": T0 + timedelta(seconds=n), **columns} for n in range(count)]
    with session.engine().connect() as connection:
        connection.execute(insert(tables.audit_log), rows)


def test_entries_come_in_pages_the_newest_first(get: Get) -> None:
    write(5)
    first = get(f"{URL}?limit=2&action=booking.*").get_json()
    assert [item["detail"] for item in first["items"]] == [{"n": 4}, {"n": 3}]
    second = get(f"{URL}?limit=3&action=booking.*&cursor={first['next_cursor']}").get_json()
    assert [item["detail"]["n"] for item in second["items"]] == [2, 1, 0]
    assert second["next_cursor"] is None
    assert second["items"][0]["at"] == "2027-01-01T00:00:02Z"


def test_filters_are_for_who_what_which_and_when(get: Get) -> None:
    write(10)
    write(1, actor="customer:7", action="booking.cancelled", object="booking:B")
    for query in ("actor=customer:7", "action=booking.cancelled", "object=booking:B"):
        assert [item["object"] for item in get(f"{URL}?{query}").get_json()["items"]] == ["booking:B"], query
    found = get(f"{URL}?from=2027-01-01T01:00:03%2B01:00&to=2027-01-01T00:00:05Z").get_json()["items"]
    assert [item["detail"]["n"] for item in found] == [4, 3]


@pytest.mark.parametrize(
    "query",
    ["action=Booking", "action=a*b", "from=2027-01-01T00:00:00", "from=2027-01-02T00:00:00Z&to=2027-01-01T00:00:00Z"],
)
def test_what_cannot_be_meant_is_refused(get: Get, query: str) -> None:
    for url in (URL, f"{URL}/export.csv", f"{URL}/export.jsonl"):
        assert get(f"{url}?{query}").status_code == 422, url


def test_a_sign_in_that_fails_and_a_change_are_both_seen(get: Get, client: FlaskClient) -> None:
    client.post("/api/v1/auth/login", json={"email": "nobody@example.org", "password": "wrong password"})
    (failed,) = get(f"{URL}?action=sign_in.failed").get_json()["items"]
    assert failed["actor"] == "guest"
    assert failed["address"] == "127.0.0.1"


def test_exports_are_whole_and_the_oldest_comes_first(get: Get) -> None:
    write(1200)
    csv = get(f"{URL}/export.csv?actor=guest&action=booking.created")
    assert csv.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    head, *rows, end = csv.get_data(as_text=True).splitlines()
    assert head == "id,at,action,object,actor,address,request_id,detail"
    assert (len(rows), end) == (1200, "#rows=1200")
    lines = [json.loads(line) for line in get(f"{URL}/export.jsonl?object=booking:A").get_data().splitlines()]
    assert lines.pop() == {"rows": 1200}
    assert [line["detail"]["n"] for line in lines] == list(range(1200))


def test_a_page_costs_two_queries_and_the_times_two_more(get: Get, queries: Callable[..., Any]) -> None:
    write(100)
    get(URL)
    with queries(most=2):  # the caller's session, and the page
        assert get(URL).status_code == 200
    with queries(most=4):
        assert get(f"{URL}?from=2027-01-01T00:00:03Z&to=2027-01-01T00:00:05Z").status_code == 200
