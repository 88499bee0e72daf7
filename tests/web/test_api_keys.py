"""API keys over HTTP: made by an admin, told once, and over at once."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.persistence import session
from tests.services.door import ON_SQLITE
from tests.services.factories import make_venue
from tests.web.accounts import API, Browser, Town, refusal
from tests.web.conftest import Hall, at


@pytest.fixture
def town(app: Flask) -> Town:
    return Town(app)


def server(town: Town, key: str) -> Browser:
    found = town.browser(Authorization=f"Bearer {key}")
    found.client = town.app.test_client(use_cookies=False)
    return found


def make(admin: Browser, *scopes: str, **values: object) -> TestResponse:
    return admin.ask("POST", "/admin/api-keys", {"name": "till", "scopes": list(scopes), **values})


def test_a_key_is_told_once_and_opens_what_its_scopes_say(town: Town) -> None:
    admin = town.admin()
    made = make(admin, "users:read")
    key = made.json["key"]
    listed = admin.get("/admin/api-keys")
    assert key not in listed.get_data(as_text=True)
    assert [item["prefix"] for item in listed.json["items"]] == [key[:10]]
    caller = server(town, key)
    assert caller.get("/admin/users").status_code == 200
    assert refusal(caller.get("/admin/api-keys")) == (403, "forbidden")
    assert refusal(caller.get("/me")) == (403, "forbidden")
    assert refusal(caller.post("/auth/logout-all")) == (403, "forbidden")
    assert key not in town.everything()


def test_a_revoked_key_opens_nothing_from_the_next_request_on(town: Town) -> None:
    admin = town.admin()
    made = make(admin, "users:read").json
    caller = server(town, made["key"])
    assert caller.get("/admin/users").status_code == 200
    assert admin.delete(f"/admin/api-keys/{made['entry']['id']}").status_code == 204
    assert refusal(caller.get("/admin/users")) == (401, "sign_in_required")
    assert refusal(admin.delete(f"/admin/api-keys/{made['entry']['id']}")) == (404, "not_found")
    assert admin.get("/admin/api-keys").json["items"][0]["revoked_at"] is not None


def test_a_key_of_one_venue_books_there_and_reads_nothing_of_another(town: Town, hall: Hall) -> None:
    admin = town.admin()
    other = make_venue(session.engine())
    here, there = (
        make(admin, "bookings:read", "bookings:write", venue_id=venue).json["key"] for venue in (hall.venue_id, other)
    )
    body = {"service_id": hall.service_id, "starts_at": at(10), "customer": {"name": "Ada", "email": "ada@example.org"}}
    booked = server(town, here).ask("POST", "/bookings", body)
    assert booked.status_code == 201
    ref = booked.json["ref"]
    assert server(town, here).get(f"/bookings/{ref}").json["customer"]["name"] == "Ada"
    assert refusal(server(town, there).get(f"/bookings/{ref}")) == (404, "not_found")
    assert refusal(server(town, there).post(f"/bookings/{ref}/cancel")) == (404, "not_found")
    row = next(row for row in town.rows("audit_log") if row.object == f"booking:{ref}")
    assert row.actor.startswith("key:")


@ON_SQLITE
@pytest.mark.parametrize(
    "header",
    ["Bearer sk_" + "a" * 43, "Bearer ", "Bearer", "Basic YTpi", "sk_" + "a" * 43, "Bearer sk_" + "a" * 5000, "Bearer sk_\xe9" + "a" * 42,
     "Bearer " + "a" * 43, ""],
)  # fmt: skip
def test_what_is_no_key_is_refused_even_where_nobody_need_sign_in(town: Town, header: str) -> None:
    client = town.app.test_client()
    answer = client.get(f"{API}/venues", headers={"Authorization": header})
    assert refusal(answer) == (401, "sign_in_required")


@ON_SQLITE
def test_a_key_comes_before_a_cookie_and_needs_no_csrf_token(town: Town, hall: Hall) -> None:
    admin = town.admin()
    key = make(admin, "bookings:write").json["key"]
    body = {"service_id": hall.service_id, "starts_at": at(10), "customer": {"name": "Ada", "email": "ada@example.org"}}
    answer = admin.client.post(f"{API}/bookings", json=body, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 201
    answer = admin.client.post(f"{API}/admin/api-keys", json={}, headers={"Authorization": f"Bearer {key}"})
    assert refusal(answer) == (403, "forbidden")


@ON_SQLITE
@pytest.mark.parametrize(
    "body",
    [{"name": "till", "scopes": []}, {"name": "till", "scopes": ["admin"]}, {"scopes": ["users:read"]},
     {"name": "till", "scopes": ["users:read"], "expires_at": "2020-01-01T00:00:00Z"},
     {"name": "till", "scopes": ["users:read"], "expires_at": "2099-01-01T00:00:00"},
     {"name": "till", "scopes": ["users:read"], "key": "sk_mine"}],
)  # fmt: skip
def test_a_key_that_cannot_be_is_not_made(town: Town, body: dict[str, object]) -> None:
    assert refusal(town.admin().ask("POST", "/admin/api-keys", body)) == (422, "invalid")
    assert town.rows("api_keys") == []
