from __future__ import annotations

from tests.web.conftest import GUEST, Hall, at


def test_a_hold_takes_the_time_and_gives_it_back(hall: Hall) -> None:
    held = hall.hold(10)
    assert held.status_code == 201
    assert {"token", "expires_at", "service_id", "resources", "starts_at", "ends_at"} <= set(held.json)
    assert at(10) not in hall.starts()
    released = hall.client.delete(f"/api/v1/holds/{held.json['token']}")
    assert (released.status_code, released.data) == (204, b"")
    assert at(10) in hall.starts()
    assert hall.client.delete(f"/api/v1/holds/{held.json['token']}").status_code == 404


def test_a_taken_time_comes_back_with_alternatives(hall: Hall) -> None:
    hall.hold(10)
    refused = hall.hold(10)
    assert (refused.status_code, refused.json["code"]) == (409, "slot_taken")
    assert len(refused.json["alternatives"]) == 5
    assert {"starts_at", "ends_at", "resource_ids", "spots_open"} == set(refused.json["alternatives"][0])
    assert all(hall.hold(starts_at=slot["starts_at"]).status_code == 201 for slot in refused.json["alternatives"][:1])


def test_only_the_holder_can_book_what_is_held_and_only_once(hall: Hall) -> None:
    token = hall.hold(10).json["token"]
    assert hall.book(10).status_code == 409
    assert hall.book(10, hold_token=token).status_code == 201
    again = hall.book(10, hold_token=token)
    assert (again.status_code, again.json["code"]) == (409, "hold_expired")


def test_a_hold_is_for_its_own_time_and_service(hall: Hall) -> None:
    token = hall.hold(10).json["token"]
    refused = hall.book(12, hold_token=token)
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "hold_token")
    assert hall.book(10, hold_token=token).status_code == 201


def test_the_same_key_holds_once(hall: Hall) -> None:
    body = {"service_id": hall.service_id, "starts_at": at(10)}
    first, second = (hall.client.post("/api/v1/holds", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.json == second.json
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"


def test_a_key_of_a_hold_is_no_key_of_a_booking(hall: Hall) -> None:
    headers = {"Idempotency-Key": "k"}
    hall.client.post("/api/v1/holds", json={"service_id": hall.service_id, "starts_at": at(10)}, headers=headers)
    assert hall.book(12, headers=headers, customer=GUEST).status_code == 201
