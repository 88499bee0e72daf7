from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from app.persistence import session
from tests.conftest import Queries
from tests.services.factories import make_resource, make_service, make_venue
from tests.web.conftest import Hall

VENUE = {
    "id", "slug", "name", "timezone", "currency", "address", "email", "phone", "opening_hours", "version",
}  # fmt: skip
SERVICE = {
    "id", "venue_id", "slug", "name", "description", "timezone", "duration_minutes", "min_minutes", "max_minutes",
    "step_minutes", "slot_interval_minutes", "starts", "buffer_before_minutes", "buffer_after_minutes", "min_notice_minutes",
    "horizon_days", "max_party_size", "units_per_party_member", "requires_approval", "guest_bookings", "price",
    "cancellation", "resource_ids", "resource_groups", "custom_fields", "version",
}  # fmt: skip
RESOURCE = {"id", "venue_id", "slug", "name", "kind", "capacity"}


def test_a_venue_is_open_when_any_of_its_resources_is(client: FlaskClient) -> None:
    engine = session.engine()
    venue = make_venue(engine, timezone="UTC", address="1 High Street", email="hall@example.org", phone="+4930123456")
    make_resource(engine, venue, daily_hours=((540, 720), (780, 1020)))
    make_resource(engine, venue, daily_hours=((660, 780), (1080, 1560)))
    shown = client.get(f"/api/v1/venues/{venue}").json
    assert set(shown) == VENUE
    assert shown["opening_hours"]["mon"] == ["09:00-17:00", "18:00-26:00"]
    assert list(shown["opening_hours"]) == ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    assert (shown["address"], shown["email"], shown["phone"]) == ("1 High Street", "hall@example.org", "+4930123456")
    assert client.get("/api/v1/venues").json["items"] == [shown]


def test_a_service_says_under_which_rules_it_is_offered(hall: Hall) -> None:
    engine = session.engine()
    teacher = make_resource(engine, hall.venue_id, kind="staff")
    field = {"key": "level", "label": "Level", "type": "choice", "required": True, "choices": ["a", "b"]}
    service = make_service(
        engine,
        hall.venue_id,
        [[teacher], [hall.resource_id]],
        max_minutes=120,
        cancellation=json.dumps([[24, 100], [2, 50]]),
        custom_fields=[field],
        weekly_starts=[[600, 690]] + [[]] * 6,
        tax_bp=1900,
    )
    shown = hall.client.get(f"/api/v1/services/{service}").json
    assert set(shown) == SERVICE
    assert (shown["duration_minutes"], shown["min_minutes"], shown["max_minutes"]) == (None, 60, 120)
    assert shown["resource_groups"] == [[teacher], [hall.resource_id]]
    assert shown["resource_ids"] == sorted([teacher, hall.resource_id])
    assert shown["cancellation"] == [
        {"hours_before": 24, "refund_percent": 100},
        {"hours_before": 2, "refund_percent": 50},
    ]
    assert shown["price"]["tax_bp"] == 1900
    assert shown["starts"]["mon"] == ["10:00", "11:30"]
    assert shown["starts"]["tue"] == []
    assert shown["custom_fields"] == [field]
    assert hall.client.get(f"/api/v1/services/{hall.service_id}").json["duration_minutes"] == 60


def test_resources_are_found_by_service_and_by_venue(hall: Hall) -> None:
    engine = session.engine()
    other = make_venue(engine)
    desk = make_resource(engine, other, capacity=3, kind="equipment")
    make_service(engine, other, [[desk]])
    by_service = hall.client.get(f"/api/v1/resources?service_id={hall.service_id}").json["items"]
    assert [item["id"] for item in by_service] == [hall.resource_id]
    assert set(by_service[0]) == RESOURCE
    by_venue = hall.client.get(f"/api/v1/resources?venue_id={other}").json["items"]
    assert [(item["id"], item["kind"], item["capacity"]) for item in by_venue] == [(desk, "equipment", 3)]
    both = f"/api/v1/resources?venue_id={other}&service_id={hall.service_id}"
    assert hall.client.get(both).json == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("what", ["venues", "services", "resources"])
def test_pages_show_each_item_once_and_say_when_they_end(hall: Hall, what: str) -> None:
    engine = session.engine()
    for _ in range(4):
        venue = make_venue(engine)
        make_service(engine, venue, [[make_resource(engine, venue)]])
    seen: list[int] = []
    cursor: str | None = "0"
    while cursor is not None:
        page = hall.client.get(f"/api/v1/{what}?limit=2&cursor={cursor}").json
        assert set(page) == {"items", "next_cursor"}
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 5
    assert hall.client.get(f"/api/v1/{what}?limit=5").json["next_cursor"] is None


@pytest.mark.parametrize("what", ["venues", "services", "resources"])
def test_a_list_costs_three_queries_at_the_most_however_long(hall: Hall, queries: Queries, what: str) -> None:
    engine = session.engine()
    for _ in range(20):
        venue = make_venue(engine)
        make_service(engine, venue, [[make_resource(engine, venue)]])
    with queries(most=3):
        assert len(hall.client.get(f"/api/v1/{what}?limit=100").json["items"]) == 21


@pytest.mark.parametrize("what", ["venues", "services"])
def test_what_is_not_in_the_catalogue_is_not_found(client: FlaskClient, what: str) -> None:
    answer = client.get(f"/api/v1/{what}/7")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("what", ["services", "resources"])
def test_what_is_no_longer_offered_is_not_shown(hall: Hall, what: str) -> None:
    with session.engine().connect() as connection:
        connection.exec_driver_sql(f"UPDATE {what} SET active = 0")  # noqa: S608 - our own names
    assert hall.client.get(f"/api/v1/{what}").json["items"] == []
