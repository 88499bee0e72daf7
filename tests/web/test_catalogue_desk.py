"""The catalogue over HTTP, for whoever runs it: made, changed, put out of use, and never from under a booking's feet."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.domain.actors import Scope
from tests.conftest import Queries
from tests.web.conftest import Hall, day
from tests.web.people import Person, make_person

ADMIN = "/api/v1/admin"
WEEK = {name: ["09:00-17:00"] for name in ("mon", "tue", "wed", "thu", "fri")}


@pytest.fixture
def admin(app: Flask) -> Person:
    del app
    return make_person("admin")


def send(app: Flask, who: Person, method: str, path: str, body: Any = None, **more: Any) -> TestResponse:
    return who.ask(app, method, f"{ADMIN}/{path}", json=body, **more)


def test_a_house_is_made_piece_by_piece_and_can_be_booked(app: Flask, admin: Person) -> None:
    venue = send(app, admin, "POST", "venues", {"name": "Café Müller", "timezone": "Europe/Berlin", "currency": "EUR"})
    assert (venue.status_code, venue.json["slug"], venue.headers["ETag"]) == (201, "cafe-muller", 'W/"1"')
    room = {"venue_id": venue.json["id"], "name": "Back room", "opening_hours": {"mon": ["09:00-26:00"]}}
    resource = send(app, admin, "POST", "resources", room)
    assert resource.json["opening_hours"]["mon"] == ["09:00-26:00"]
    service = send(
        app,
        admin,
        "POST",
        "services",
        {
            "venue_id": venue.json["id"],
            "name": "Table",
            "resource_groups": [[resource.json["id"]]],
            "duration_minutes": 90,
            "price": {"flat_minor": 500},
            "reminders": [60, 1440],
        },
    )
    assert service.status_code == 201, service.json
    assert service.json["reminders"] == [1440, 60]
    public = app.test_client().get(f"/api/v1/services/{service.json['id']}").json
    assert (public["duration_minutes"], public["price"]["flat_minor"]) == (90, 500)


def test_a_change_names_only_what_changes(app: Flask, hall: Hall, admin: Person) -> None:
    path = f"services/{hall.service_id}"
    before = send(app, admin, "GET", path)
    after = send(
        app,
        admin,
        "PATCH",
        path,
        {"name": "Other", "duration": {"min_minutes": 30, "max_minutes": 90, "step_minutes": 30}},
    )
    assert after.status_code == 200, after.json
    assert after.json["version"] == before.json["version"] + 1
    changed = {key for key in before.json if before.json[key] != after.json[key]}
    assert changed == {"name", "duration", "version"}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("venues", {"timezone": "Mars/Olympus"}, "timezone"),
        ("venues", {"slug": "another"}, "slug"),
        ("venues", {"colour": "red"}, "colour"),
        ("venues", {"quiet_hours": "late"}, "quiet_hours"),
        ("resources", {"opening_hours": {"mon": ["17:00-09:00"]}}, "opening_hours.mon[0]"),
        ("resources", {"special_hours": {"2027-02-30": []}}, "special_hours.2027-02-30"),
        ("services", {"resource_groups": [[999_999]]}, "resource_groups[0][0]"),
        ("services", {"duration_minutes": 30, "duration": {"min_minutes": 1, "max_minutes": 2, "step_minutes": 1}}, ""),
        ("services", {"reminders": [1]}, "reminders[0]"),
    ],
)
def test_what_is_wrong_is_told_by_its_place(
    app: Flask, hall: Hall, admin: Person, path: str, body: dict[str, Any], field: str
) -> None:
    key = {"venues": hall.venue_id, "resources": hall.resource_id, "services": hall.service_id}[path]
    answer = send(app, admin, "PATCH", f"{path}/{key}", body)
    assert answer.status_code == 422, answer.json
    assert field in [error["field"] for error in answer.json["errors"]]


def test_an_old_version_is_refused(app: Flask, hall: Hall, admin: Person) -> None:
    path = f"venues/{hall.venue_id}"
    assert send(app, admin, "PATCH", path, {"name": "New"}, headers={"If-Match": 'W/"1"'}).status_code == 200
    answer = send(app, admin, "PATCH", path, {"name": "Newer"}, headers={"If-Match": 'W/"1"'})
    assert (answer.status_code, answer.json["code"]) == (412, "version_mismatch")
    assert send(app, admin, "GET", path).json["name"] == "New"


def test_of_changes_at_once_on_the_same_version_one_is_made(app: Flask, hall: Hall, admin: Person) -> None:
    statuses: list[int] = []

    def change(number: int) -> None:
        headers = {"If-Match": 'W/"1"'}
        path = f"venues/{hall.venue_id}"
        statuses.append(send(app, admin, "PATCH", path, {"name": f"Name {number}"}, headers=headers).status_code)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 412, 412, 412]
    assert send(app, admin, "GET", f"venues/{hall.venue_id}").json["version"] == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("resources", {"opening_hours": {}}),
        ("resources", {"special_hours": {day(0): ["14:00-15:00"]}}),
        ("resources", {"active": False}),
        ("services", {"active": False}),
        ("venues", {"active": False}),
        ("venues", {"timezone": "Asia/Tokyo"}),
    ],
)
def test_bookings_to_come_do_not_lose_their_place_unless_it_is_forced(
    app: Flask, hall: Hall, admin: Person, path: str, body: dict[str, Any]
) -> None:
    ref = hall.book(10).json["ref"]
    key = {"venues": hall.venue_id, "resources": hall.resource_id, "services": hall.service_id}[path]
    refused = send(app, admin, "PATCH", f"{path}/{key}", body)
    assert (refused.status_code, refused.json["code"], refused.json["count"]) == (409, "would_strand", 1)
    assert [item["ref"] for item in refused.json["bookings"]] == [ref]
    assert send(app, admin, "PATCH", f"{path}/{key}?force=1", body).status_code == 200


def test_what_strands_nobody_needs_no_force(app: Flask, hall: Hall, admin: Person) -> None:
    hall.book(10)
    path = f"resources/{hall.resource_id}"
    assert send(app, admin, "PATCH", path, {"special_hours": {day(0): ["10:00-11:00"]}}).status_code == 200
    assert send(app, admin, "PATCH", path, {"name": "Same hours"}).status_code == 200


def test_a_booking_that_stood_outside_the_hours_before_is_no_reason(app: Flask, hall: Hall, admin: Person) -> None:
    hall.book(10)
    path = f"resources/{hall.resource_id}"
    assert send(app, admin, "PATCH", f"{path}?force=1", {"opening_hours": {}}).status_code == 200
    assert send(app, admin, "PATCH", path, {"opening_hours": {"mon": ["01:00-02:00"]}}).status_code == 200


def test_a_capacity_below_what_is_taken_cannot_even_be_forced(app: Flask, hall: Hall, admin: Person) -> None:
    path = f"resources/{hall.resource_id}"
    assert send(app, admin, "PATCH", path, {"capacity": 2}).status_code == 200
    assert [hall.book(10).status_code for _ in range(2)] == [201, 201]
    assert send(app, admin, "PATCH", f"{path}?force=1", {"capacity": 1}).status_code == 409


@pytest.mark.parametrize("path", ["venues", "resources", "services"])
def test_what_is_archived_is_offered_no_more_and_can_come_back(
    app: Flask, hall: Hall, admin: Person, path: str
) -> None:
    key = {"venues": hall.venue_id, "resources": hall.resource_id, "services": hall.service_id}[path]
    assert send(app, admin, "DELETE", f"{path}/{key}").status_code == 204
    assert hall.slots().status_code in {200, 404}
    assert hall.book(10).status_code in {404, 409, 422}
    listed = app.test_client().get(f"/api/v1/{path}").json["items"]
    assert key not in [item["id"] for item in listed]
    assert send(app, admin, "GET", f"{path}/{key}").json["active"] is False
    assert send(app, admin, "PATCH", f"{path}/{key}", {"active": True}).status_code == 200
    assert hall.book(10).status_code == 201


def test_staff_read_their_part_of_the_house_and_change_none(app: Flask, hall: Hall, admin: Person) -> None:
    other = send(app, admin, "POST", "resources", {"venue_id": hall.venue_id, "name": "Other"}).json
    whole = make_person("staff", scopes=(Scope(hall.venue_id),))
    one = make_person("staff", scopes=(Scope(hall.venue_id, other["id"]),))
    nobody = make_person("staff", scopes=())
    assert [item["id"] for item in send(app, whole, "GET", "resources").json["items"]] == [
        hall.resource_id,
        other["id"],
    ]
    assert [item["id"] for item in send(app, one, "GET", "resources").json["items"]] == [other["id"]]
    assert [item["id"] for item in send(app, one, "GET", "venues").json["items"]] == [hall.venue_id]
    assert send(app, one, "GET", "services").json["items"] == []
    assert send(app, one, "GET", f"resources/{hall.resource_id}").status_code == 404
    assert send(app, nobody, "GET", f"venues/{hall.venue_id}").status_code == 404
    assert send(app, whole, "PATCH", f"resources/{other['id']}", {"name": "Mine"}).status_code == 403


def test_a_slug_is_taken_once(app: Flask, hall: Hall, admin: Person) -> None:
    body = {"venue_id": hall.venue_id, "name": "Twice"}
    assert send(app, admin, "POST", "resources", body).status_code == 201
    answer = send(app, admin, "POST", "resources", body)
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "taken")


@pytest.mark.parametrize("path", ["venues", "resources", "services"])
def test_a_page_takes_four_queries_at_most(app: Flask, hall: Hall, admin: Person, queries: Queries, path: str) -> None:
    for number in range(5):
        send(app, admin, "POST", "resources", {"venue_id": hall.venue_id, "name": f"Room {number}"})
    assert send(app, admin, "GET", path).status_code == 200
    with queries(most=2 + 4):  # two for who is asking
        assert send(app, admin, "GET", path).json["items"]
