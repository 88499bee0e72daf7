from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from app.persistence import session
from app.persistence.tables import bookings
from tests.conftest import Queries
from tests.services.factories import make_resource, make_service, make_venue
from tests.web.conftest import GUEST, Hall, at, day, token_of

FIELDS = {
    "ref", "status", "status_reason", "service_id", "resources", "starts_at", "ends_at", "timezone", "party_size", "price",
    "version", "created_at", "updated_at",
}  # fmt: skip


def count() -> int:
    with session.engine().connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(bookings)))


def test_a_guest_books_and_is_told_everything_once(hall: Hall) -> None:
    booked = hall.book(10, notes="by the\nwindow", party_size=3)
    assert booked.status_code == 201
    assert set(booked.json) == FIELDS | {"customer", "answers", "notes", "language", "manage_url"}
    assert booked.json["status"] == "confirmed"
    assert booked.json["customer"] == {**GUEST, "phone": ""}
    assert booked.json["resources"][0]["id"] == hall.resource_id
    assert (booked.json["starts_at"], booked.json["ends_at"]) == (at(10), at(11))
    assert booked.json["price"]["total_minor"] == sum(line["amount_minor"] for line in booked.json["price"]["lines"])
    assert booked.json["manage_url"].startswith("http://127.0.0.1:8000/")


def test_a_booking_with_a_key_costs_twelve_queries_at_the_most(hall: Hall, queries: Queries) -> None:
    hall.book(8)
    with queries(most=12):
        assert hall.book(10, headers={"Idempotency-Key": "k"}).status_code == 201
    stranger = {"name": "Bo", "phone": "+4930123456"}
    with queries(most=12):
        assert hall.book(11, customer=stranger, headers={"Idempotency-Key": "l"}).status_code == 201


def test_a_holder_sees_no_contact_data_and_no_answers(hall: Hall) -> None:
    booked = hall.book(10, notes="secret")
    url = f"/api/v1/bookings/{booked.json['ref']}"
    by_link = hall.client.get(url, query_string={"token": token_of(booked)})
    by_header = hall.client.get(url, headers={"X-Manage-Token": token_of(booked)})
    assert by_link.json == by_header.json
    assert set(by_link.json) == FIELDS
    assert b"ada" not in by_link.data.lower()
    assert b"secret" not in by_link.data
    assert by_link.headers["ETag"] == 'W/"1"'


def test_a_booking_of_others_looks_like_none(hall: Hall) -> None:
    booked = hall.book(10)
    other = hall.book(12)

    def answer(path: str, **headers: str) -> tuple[int, dict[str, Any]]:
        got = hall.client.get(f"/api/v1/bookings/{path}", headers=headers)
        return got.status_code, {name: value for name, value in got.json.items() if name != "request_id"}

    missing = answer("NOSUCHREF2")
    assert missing[0] == 404
    assert answer(booked.json["ref"]) == missing
    assert answer(f"{booked.json['ref']}?token=wrong") == missing
    assert answer(booked.json["ref"], **{"X-Manage-Token": token_of(other)}) == missing
    assert answer(booked.json["ref"], **{"X-Manage-Token": "é\udcff".encode("utf-8", "replace").decode()}) == missing


@pytest.mark.parametrize("verb", ["cancel", "reschedule"])
def test_nobody_changes_a_booking_without_its_token(hall: Hall, verb: str) -> None:
    ref = hall.book(10).json["ref"]
    body = {"starts_at": at(12)} if verb == "reschedule" else {}
    assert hall.client.post(f"/api/v1/bookings/{ref}/{verb}", json=body).status_code == 404
    assert at(10) not in hall.starts()


def test_cancelling_frees_the_time_at_once_and_only_once(hall: Hall) -> None:
    booked = hall.book(10)
    url, headers = f"/api/v1/bookings/{booked.json['ref']}/cancel", {"X-Manage-Token": token_of(booked)}
    cancelled = hall.client.post(url, json={"reason": "ill"}, headers=headers)
    assert (cancelled.status_code, cancelled.json["status"], cancelled.json["status_reason"]) == (
        200,
        "cancelled",
        "ill",
    )
    assert cancelled.json["version"] == 2
    assert at(10) in hall.starts()
    assert hall.client.post(url, json={}, headers=headers).json["code"] == "conflict"


def test_cancelling_needs_no_body(hall: Hall) -> None:
    booked = hall.book(10)
    url = f"/api/v1/bookings/{booked.json['ref']}/cancel?token={token_of(booked)}"
    assert hall.client.post(url).status_code == 200


def test_moving_takes_the_new_time_and_frees_the_old(hall: Hall) -> None:
    booked = hall.book(10)
    url, headers = f"/api/v1/bookings/{booked.json['ref']}/reschedule", {"X-Manage-Token": token_of(booked)}
    moved = hall.client.post(url, json={"starts_at": at(10, 30)}, headers=headers)
    assert (moved.status_code, moved.json["starts_at"]) == (200, at(10, 30))
    assert at(9, 30) in hall.starts()
    assert at(11) not in hall.starts()
    hall.book(14)
    refused = hall.client.post(url, json={"starts_at": at(14)}, headers=headers)
    assert (refused.status_code, refused.json["code"]) == (409, "slot_taken")
    assert refused.json["alternatives"]


@pytest.mark.parametrize(
    ("if_match", "status"), [('W/"1"', 200), ("*", 200), ('W/"2"', 412), ('"1"', 412), ("1", 412), ("", 412)]
)
def test_a_change_can_insist_on_the_version_it_has_seen(hall: Hall, if_match: str, status: int) -> None:
    booked = hall.book(10)
    headers = {"X-Manage-Token": token_of(booked), "If-Match": if_match}
    answer = hall.client.post(f"/api/v1/bookings/{booked.json['ref']}/cancel", json={}, headers=headers)
    assert answer.status_code == status


def test_a_key_books_once_and_answers_again_whatever_has_happened_since(hall: Hall) -> None:
    headers = {"Idempotency-Key": "one booking, please!"[:11]}
    first = hall.book(10, headers={"Idempotency-Key": "k-1"})
    token = token_of(first)
    hall.client.post(f"/api/v1/bookings/{first.json['ref']}/cancel", json={}, headers={"X-Manage-Token": token})
    again = hall.book(10, headers={"Idempotency-Key": "k-1"})
    assert (again.status_code, again.json, again.headers["Idempotency-Replayed"]) == (201, first.json, "true")
    assert count() == 1
    other = hall.book(12, headers={"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json["code"]) == (422, "idempotency_mismatch")
    assert hall.book(12, headers={"Idempotency-Key": "k-2"}).status_code == 201
    del headers


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "tab\there"])
def test_a_key_is_visible_ascii(hall: Hall, key: str) -> None:
    answer = hall.book(10, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert hall.book(10, headers={"Idempotency-Key": "x" * 255}).status_code == 201


def test_a_refusal_is_not_kept_under_a_key(hall: Hall) -> None:
    blocking = hall.book(10)
    assert hall.book(10, headers={"Idempotency-Key": "k"}).status_code == 409
    url = f"/api/v1/bookings/{blocking.json['ref']}/cancel?token={token_of(blocking)}"
    hall.client.post(url)
    assert hall.book(10, headers={"Idempotency-Key": "k"}).status_code == 201


def test_a_service_without_guests_asks_to_sign_in(hall: Hall) -> None:
    engine = session.engine()
    service = make_service(engine, hall.venue_id, [[hall.resource_id]], guest_bookings=False)
    answer = hall.book(10, service_id=service)
    assert (answer.status_code, answer.json["code"]) == (401, "sign_in_required")
    assert hall.hold(10, service_id=service).status_code == 201


def test_an_approval_service_starts_pending_and_takes_its_time(hall: Hall) -> None:
    service = make_service(session.engine(), hall.venue_id, [[hall.resource_id]], requires_approval=True)
    assert hall.book(10, service_id=service).json["status"] == "pending"
    assert hall.book(10).json["code"] == "slot_taken"


def test_a_lesson_takes_a_teacher_and_the_room(hall: Hall) -> None:
    engine = session.engine()
    teachers = [make_resource(engine, hall.venue_id, daily_hours=((0, 1440),)) for _ in range(2)]
    lesson = make_service(engine, hall.venue_id, [teachers, [hall.resource_id]])
    booked = hall.book(10, service_id=lesson)
    assert {r["id"] for r in booked.json["resources"]} == {teachers[0], hall.resource_id}
    assert hall.book(10, service_id=lesson).json["code"] == "slot_taken"


def test_a_class_takes_as_many_as_it_has_places(hall: Hall) -> None:
    engine = session.engine()
    studio = make_resource(engine, hall.venue_id, capacity=5, daily_hours=((0, 1440),))
    yoga = make_service(engine, hall.venue_id, [[studio]], units_per_party_member=1)
    assert hall.book(10, service_id=yoga, party_size=3).status_code == 201
    assert hall.book(10, service_id=yoga, party_size=3).json["code"] == "slot_taken"
    assert hall.book(10, service_id=yoga, party_size=2).status_code == 201
    assert hall.book(10, service_id=yoga, party_size=6).json["errors"][0]["field"] == "party_size"


def test_the_skipped_hour_cannot_be_booked_and_the_doubled_hour_is_two_hours(hall: Hall) -> None:
    engine = session.engine()
    berlin = make_venue(engine, timezone="Europe/Berlin")
    room = make_resource(engine, berlin, daily_hours=((0, 1440),))
    service = make_service(engine, berlin, [[room]])
    skipped = hall.book(service_id=service, starts_at="2027-03-28T02:30:00+01:00")
    assert (skipped.status_code, skipped.json["errors"][0]["code"]) == (422, "skipped")
    for offset in ("+02:00", "+01:00"):
        assert hall.book(service_id=service, starts_at=f"2027-10-31T02:00:00{offset}").status_code == 201


def test_custom_fields_are_checked_and_all_complaints_come_at_once(hall: Hall) -> None:
    fields = [
        {"key": "level", "label": "Level", "type": "choice", "required": True, "choices": ["a", "b"]},
        {"key": "born", "label": "Born", "type": "date"},
        {"key": "age", "label": "Age", "type": "number"},
        {"key": "first", "label": "First time", "type": "boolean"},
    ]
    service = make_service(session.engine(), hall.venue_id, [[hall.resource_id]], custom_fields=fields)
    bad = hall.book(10, service_id=service, answers={"born": "31.12.2000", "age": True, "shoe": "43"})
    assert bad.status_code == 422
    assert {e["field"] for e in bad.json["errors"]} == {"answers.level", "answers.born", "answers.age", "answers.shoe"}
    good = hall.book(10, service_id=service, answers={"level": "a", "born": "2000-12-31", "age": 7, "first": False})
    assert good.json["answers"] == {"level": "a", "born": "2000-12-31", "age": 7, "first": False}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"starts_at": f"{day(0)}T10:00:00"}, "starts_at"),
        ({"starts_at": f"{day(0)}T10:00:30Z"}, "starts_at"),
        ({"starts_at": f"{day(0)}T10:07:00Z"}, "starts_at"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
        ({"starts_at": "9999-12-31T23:59:00-12:00"}, "starts_at"),
        ({"starts_at": 1}, "starts_at"),
        ({"service_id": "1"}, "service_id"),
        ({"service_id": True}, "service_id"),
        ({"service_id": 10**23}, "service_id"),
        ({"service_id": 1.5}, "service_id"),
        ({"party_size": 0}, "party_size"),
        ({"party_size": 10**23}, "party_size"),
        ({"duration_minutes": 45}, "duration_minutes"),
        ({"resource_id": 10**9}, "resource_id"),
        ({"status": "confirmed"}, "status"),
        ({"price": {"total_minor": 0}}, "price"),
        ({"customer": None}, "customer"),
        ({"customer": {"name": "A", "email": "nowhere"}}, "customer.email"),
        ({"customer": {"name": "A", "email": "a@b.co\r\nBcc: c@d.ef"}}, "customer.email"),
        ({"customer": {"name": "A"}}, "customer.email"),
        ({"customer": {"name": "  ", "email": "a@b.co"}}, "customer.name"),
        ({"customer": {"name": "A\x00", "email": "a@b.co"}}, "customer.name"),
        ({"customer": {"name": "A\u202eB", "email": "a@b.co"}}, "customer.name"),
        ({"customer": {"name": "A" * 201, "email": "a@b.co"}}, "customer.name"),
        ({"customer": {"name": "A", "phone": "call me"}}, "customer.phone"),
        ({"customer": {"name": "A", "email": "a@b.co", "role": "admin"}}, "customer.role"),
        ({"notes": "x" * 2001}, "notes"),
        ({"notes": "bell\x07"}, "notes"),
        ({"hold_token": ""}, "hold_token"),
        ({"hold_token": "../etc"}, "hold_token"),
        ({"answers": {"x": {"y": 1}}}, "answers[...]"),
        ({"answers": {"x": "y"}}, "answers.x"),
        ({"answers": {str(n): "y" for n in range(101)}}, "answers"),
    ],
)
def test_a_body_that_cannot_be_accepted_names_its_field(hall: Hall, fields: dict[str, Any], field: str) -> None:
    answer = hall.book(10, **fields)
    assert answer.status_code == 422, answer.json
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert count() == 0


@pytest.mark.parametrize("code", ["too_soon", "too_far", "outside_hours"])
def test_a_time_that_is_not_offered_says_how(hall: Hall, code: str) -> None:
    engine = session.engine()
    closed = make_resource(engine, hall.venue_id, daily_hours=((600, 720),))
    rules = (
        {"min_notice_minutes": 60 * 24 * 5} if code == "too_soon" else {"horizon_days": 1} if code == "too_far" else {}
    )
    service = make_service(engine, hall.venue_id, [[closed]], **rules)
    answer = hall.book(15 if code == "outside_hours" else 10, service_id=service)
    assert (answer.status_code, answer.json["code"]) == (422, code)
