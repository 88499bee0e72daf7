"""Accounts of other people over HTTP, for admins."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.persistence import session
from tests.services.door import ON_SQLITE
from tests.services.factories import make_resource, make_venue
from tests.web.accounts import ADA, BOB, GOOD, Clock, Town, code_of, refusal, take_the_clock


@pytest.fixture
def town(app: Flask) -> Town:
    return Town(app)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return take_the_clock(monkeypatch)


def test_an_admin_makes_staff_who_sign_in_with_what_the_answer_tells(town: Town, clock: Clock) -> None:
    venue = make_venue(session.engine())
    admin = town.admin()
    answer = admin.post(
        "/admin/users", role="staff", name="Sam", email=BOB, password=GOOD, scopes=[{"venue_id": venue}]
    )
    assert answer.status_code == 201
    assert (answer.json["account"]["role"], len(answer.json["recovery_codes"])) == ("staff", 10)
    sam = town.browser()
    assert sam.log_in(BOB).json["next"] == "totp"
    clock.move(seconds=31)
    assert sam.post("/auth/totp", code=code_of(answer.json["otpauth_uri"])).status_code == 200
    assert refusal(sam.get("/admin/users")) == (403, "forbidden")
    found = admin.get(f"/admin/users/{answer.json['account']['id']}").json
    assert found["scopes"] == [{"venue_id": venue, "resource_id": None}]
    assert "otpauth" not in str(found)


@ON_SQLITE
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"role": "owner", "name": "X", "email": BOB}, 422),
        ({"role": "admin", "name": "X", "email": BOB}, 422),
        ({"role": "staff", "name": "X", "email": BOB, "password": GOOD}, 422),
        ({"role": "staff", "name": "X", "email": BOB, "password": GOOD, "scopes": [{"venue_id": 999}]}, 404),
        ({"role": "customer", "name": "X", "email": BOB, "scopes": [{"venue_id": 1}]}, 422),
        ({"role": "customer", "name": "X", "email": BOB, "active": False}, 422),
        ({"role": "customer", "name": "X", "email": "root@example.org"}, 409),
        ({"role": "customer", "name": "X"}, 422),
    ],
)
def test_an_account_that_cannot_be_is_not_made(town: Town, body: dict[str, Any], status: int) -> None:
    admin = town.admin()
    assert admin.ask("POST", "/admin/users", body).status_code == status
    assert len(town.rows("users")) == 1


def test_accounts_are_listed_by_role_and_found_by_address(town: Town) -> None:
    admin = town.admin()
    made = [town.make(email=f"person{number}@example.org").user.id for number in range(3)]
    first = admin.get("/admin/users?role=customer&limit=2").json
    second = admin.get(f"/admin/users?role=customer&limit=2&cursor={first['next_cursor']}").json
    assert [item["id"] for item in (*first["items"], *second["items"])] == made
    assert second["next_cursor"] is None
    for spelling in ("person1@example.org", "Person1@Example.ORG"):
        assert [item["id"] for item in admin.get(f"/admin/users?email={spelling}").json["items"]] == [made[1]]
    assert admin.get("/admin/users?email=nobody@example.org").json["items"] == []
    assert "argon2" not in admin.get("/admin/users").get_data(as_text=True)


@ON_SQLITE
def test_an_admin_neither_demotes_nor_disables_themselves(town: Town) -> None:
    admin = town.admin()
    own = admin.get("/me").json["id"]
    assert refusal(admin.post(f"/admin/users/{own}/disable")) == (409, "conflict")
    assert refusal(admin.post(f"/admin/users/{own}/role", role="customer")) == (409, "conflict")


def test_an_admin_ends_the_sessions_of_an_account(town: Town) -> None:
    admin, member = town.admin(), town.member()
    user = member.get("/me").json["id"]
    assert admin.delete(f"/admin/users/{user}/sessions").status_code == 204
    assert member.whoami() is None
    assert refusal(admin.delete("/admin/users/999999/sessions")) == (404, "not_found")
    row = town.rows("audit_log")[-1]
    assert (row.action, row.object) == ("session.ended_all", f"user:{user}")
    assert row.actor.startswith("admin:")


def test_staff_get_their_part_of_the_house_and_lose_it_with_their_role(town: Town) -> None:
    venue = make_venue(session.engine())
    room = make_resource(session.engine(), venue)
    admin, user = town.admin(), town.make().user.id
    scopes = [{"venue_id": venue, "resource_id": room}]
    answer = admin.post(f"/admin/users/{user}/role", role="staff", scopes=scopes)
    assert (answer.status_code, answer.json["role"], answer.json["scopes"]) == (200, "staff", scopes)
    assert refusal(admin.post(f"/admin/users/{user}/role", role="staff")) == (422, "invalid")
    assert admin.post(f"/admin/users/{user}/role", role="customer").json["scopes"] == []


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "body"),
    [("/admin/users", {"role": "customer", "name": "X", "email": BOB}), ("/admin/users/{id}/role", {"role": "admin"}),
     ("/admin/users/{id}/enable", None), ("/admin/api-keys", {"name": "till", "scopes": ["users:read"]})],
)  # fmt: skip
def test_what_opens_the_house_takes_a_fresh_sign_in(town: Town, clock: Clock, path: str, body: Any) -> None:
    admin, user = town.admin(), town.make("customer", ADA).user.id
    clock.move(minutes=11)
    assert refusal(admin.ask("POST", path.format(id=user), body)) == (403, "step_up_required")
    assert admin.post(f"/admin/users/{user}/disable").status_code == 200  # to keep somebody out does not wait


@ON_SQLITE
def test_a_member_sees_none_of_it(town: Town) -> None:
    member = town.member()
    assert refusal(member.get("/admin/users")) == (403, "forbidden")
    assert refusal(member.post("/admin/users", role="admin", name="Eve", email=BOB, password=GOOD)) == (
        403,
        "forbidden",
    )
    assert refusal(town.browser().get("/admin/users")) == (401, "sign_in_required")
