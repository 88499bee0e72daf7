"""Blackouts over HTTP: the bookings they hit are told before and after, and nothing is booked in them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.domain.actors import Scope
from tests.web.conftest import Hall, at, day
from tests.web.people import Person, make_person

BLACKOUTS = "/api/v1/admin/blackouts"


def close(app: Flask, who: Person, **body: Any) -> TestResponse:
    return who.ask(app, "POST", BLACKOUTS, json={"starts_at": at(9), "ends_at": at(12), **body})


def test_a_dry_run_tells_whom_it_would_hit_and_closes_nothing(app: Flask, hall: Hall) -> None:
    admin, ref = make_person("admin"), hall.book(10).json["ref"]
    told = close(app, admin, resource_id=hall.resource_id, dry_run=True)
    assert (told.status_code, told.json["bookings_inside"]) == (201, 1)
    assert [item["ref"] for item in told.json["bookings"]] == [ref]
    assert hall.book(11).status_code == 201
    assert admin.ask(app, "GET", BLACKOUTS, query_string={"venue_id": hall.venue_id}).json["items"] == []


def test_what_is_closed_cannot_be_booked_until_it_is_open_again(app: Flask, hall: Hall) -> None:
    admin = make_person("admin")
    (made,) = close(app, admin, resource_id=hall.resource_id, reason="Painting").json["items"]
    assert hall.book(10).json["code"] == "outside_hours"
    assert hall.book(12).status_code == 201
    assert admin.ask(app, "DELETE", f"{BLACKOUTS}/{made['id']}").status_code == 204
    assert hall.book(10).status_code == 201


def test_a_series_goes_one_by_one_or_as_a_whole(app: Flask, hall: Hall) -> None:
    admin = make_person("admin")
    repeat = {"every": "day", "until": day(4)}
    made = close(app, admin, venue_id=hall.venue_id, repeat=repeat).json["items"]
    assert len({item["series"] for item in made}) == 1
    assert len(made) == 5
    assert admin.ask(app, "DELETE", f"{BLACKOUTS}/{made[0]['id']}").status_code == 204
    listed = admin.ask(app, "GET", BLACKOUTS, query_string={"venue_id": hall.venue_id, "limit": 3}).json
    assert [item["id"] for item in listed["items"]] == [item["id"] for item in made[1:4]]
    assert admin.ask(app, "DELETE", f"{BLACKOUTS}/{made[1]['id']}?series=1").status_code == 204
    assert admin.ask(app, "GET", BLACKOUTS, query_string={"venue_id": hall.venue_id}).json["items"] == []


def test_somebody_who_runs_one_room_closes_that_room(app: Flask, hall: Hall) -> None:
    staff = make_person("staff", scopes=(Scope(hall.venue_id, hall.resource_id),))
    assert close(app, staff, venue_id=hall.venue_id).status_code == 404
    assert close(app, staff, resource_id=hall.resource_id).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "venue_id"),
        ({"venue_id": 1, "resource_id": 1}, "venue_id"),
        ({"resource_id": 1, "ends_at": at(9)}, "ends_at"),
        ({"resource_id": 1, "ends_at": at(12).replace("00Z", "30Z")}, "ends_at"),
        ({"resource_id": 1, "reason": "x" * 300}, "reason"),
        ({"resource_id": 1, "repeat": {"every": "day", "until": "2999-01-01"}}, "repeat"),
    ],
)
def test_what_makes_no_sense_is_told_by_its_field(app: Flask, hall: Hall, body: dict[str, Any], field: str) -> None:
    body = {**body, **({"resource_id": hall.resource_id} if "resource_id" in body else {})}
    answer = close(app, make_person("admin"), **body)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)
