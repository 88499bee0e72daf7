"""Sessions over HTTP: the cookie, the list, and every way in which one ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from app import create_app
from app.domain.tokens import hash_token
from app.persistence import session
from app.runtime.settings import Settings
from tests.services.door import ON_SQLITE
from tests.web.accounts import ADA, API, BOB, GOOD, OTHER, Browser, Town, refusal, take_the_clock


@pytest.fixture
def town(app: Flask) -> Town:
    return Town(app)


def jars(town: Town, number: int) -> list[Browser]:
    """Return the first browser of a new member, and others in which they have signed in."""
    found = [town.member(), *(town.browser() for _ in range(number - 1))]
    for browser in found[1:]:
        assert browser.log_in().status_code == 200
    return found


@ON_SQLITE
def test_the_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts(town: Town) -> None:
    town.make()
    answer = town.browser().log_in()
    (cookie,) = answer.headers.getlist("Set-Cookie")
    name, *attributes = cookie.split("; ")
    assert name.startswith("slotkeeper=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"} <= set(attributes)
    assert not [each for each in attributes if each.startswith("Domain")]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Cookie" in answer.headers.getlist("Vary")


@ON_SQLITE
def test_over_https_the_cookie_is_secure_and_bound_to_its_host(settings: Settings, app: Flask) -> None:
    del app
    secure = create_app(replace(settings, base_url="https://book.example.org", allowed_hosts=("book.example.org",)))
    town = Town(secure)
    town.make()
    client = secure.test_client()
    body = {"email": ADA, "password": GOOD}
    answer = client.post(f"{API}/auth/login", json=body, base_url="https://book.example.org")
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-slotkeeper=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    plain = cookie.partition(";")[0].removeprefix("__Host-")
    found = secure.test_client(use_cookies=False).get(
        f"{API}/auth/session", base_url="https://book.example.org", headers={"Cookie": plain}
    )
    assert found.json["user"] is None  # a neighbour on another name below the domain could have set that one
    session.engine().dispose()


def test_a_sign_in_gives_a_fresh_token_and_the_one_before_opens_nothing(town: Town) -> None:
    browser = town.member()
    before = browser.cookie
    browser.log_in()
    assert browser.cookie != before
    assert [row.token_hash for row in town.rows("sessions")] == [hash_token(browser.cookie)]
    thief = town.browser(Cookie=f"slotkeeper={before}")
    thief.client = town.app.test_client(use_cookies=False)
    assert thief.whoami() is None


@ON_SQLITE
def test_a_token_that_somebody_planted_is_not_the_one_that_is_signed_in(town: Town) -> None:
    town.make()
    planted = "a" * 43
    victim = town.browser()
    victim.client.set_cookie("slotkeeper", planted)
    victim.log_in()
    assert victim.whoami() == ADA
    thief = town.browser()
    thief.client.set_cookie("slotkeeper", planted)
    assert thief.whoami() is None


@ON_SQLITE
@pytest.mark.parametrize(
    "value", ["", "x", "a" * 42, "a" * 44, "../" * 14 + "a", "%00" * 14 + "a", '"' + "a" * 42, "é" * 43]
)
def test_a_cookie_that_is_no_token_counts_as_none(town: Town, value: str) -> None:
    client = town.app.test_client(use_cookies=False)
    answer = client.get(f"{API}/auth/session", headers={"Cookie": f"slotkeeper={value}"})
    assert (answer.status_code, answer.json["user"], answer.json["csrf_token"]) == (200, None, None)


def test_sessions_are_listed_with_this_one_marked(town: Town) -> None:
    first, second = jars(town, 2)
    town.member(BOB)
    items = second.get("/auth/sessions").json["items"]
    assert [item["is_current"] for item in items] == [True, False]
    assert [item["is_current"] for item in first.get("/auth/sessions").json["items"]] == [False, True]
    assert {item["address"] for item in items} == {"127.0.0.1"}
    assert first.cookie not in str(items)


def test_one_session_is_ended_from_another(town: Town) -> None:
    first, second = jars(town, 2)
    old = next(item["id"] for item in second.get("/auth/sessions").json["items"] if not item["is_current"])
    assert second.delete(f"/auth/sessions/{old}").status_code == 204
    assert first.whoami() is None
    assert refusal(first.get("/me")) == (401, "sign_in_required")
    assert second.whoami() == ADA
    assert refusal(second.delete(f"/auth/sessions/{old}")) == (404, "not_found")


def test_somebody_elses_session_answers_like_a_missing_one(town: Town) -> None:
    ada, bob = town.member(), town.member(BOB)
    hers = ada.get("/auth/sessions").json["items"][0]["id"]
    foreign, missing = bob.delete(f"/auth/sessions/{hers}"), bob.delete("/auth/sessions/999999")
    assert refusal(foreign) == refusal(missing) == (404, "not_found")
    assert foreign.json["detail"] == missing.json["detail"]
    assert ada.whoami() == ADA


@ON_SQLITE
def test_ending_ones_own_session_by_its_number_takes_the_cookie_too(town: Town) -> None:
    browser = town.member()
    own = browser.get("/auth/sessions").json["items"][0]["id"]
    browser.delete(f"/auth/sessions/{own}")
    assert (browser.cookie, browser.whoami()) == ("", None)


def test_the_others_are_ended_or_every_one(town: Town) -> None:
    first, second, third = jars(town, 3)
    bob = town.member(BOB)
    assert second.delete("/auth/sessions").status_code == 204
    assert [each.whoami() for each in (first, second, third)] == [None, ADA, None]
    first.log_in()
    assert second.post("/auth/logout-all").status_code == 204
    assert [each.whoami() for each in (first, second, third, bob)] == [None, None, None, BOB]


@ON_SQLITE
def test_signing_out_ends_the_session_and_not_only_the_cookie(town: Town) -> None:
    browser = town.member()
    token = browser.cookie
    assert browser.post("/auth/logout").status_code == 204
    assert browser.cookie == ""
    browser.client.set_cookie("slotkeeper", token)
    assert browser.whoami() is None
    assert town.rows("sessions") == []


@ON_SQLITE
def test_a_stranger_may_sign_out(town: Town) -> None:
    assert town.browser().post("/auth/logout").status_code == 204


def test_an_admin_keeps_somebody_out_from_the_next_request_on(town: Town) -> None:
    admin, sessions = town.admin(), jars(town, 3)
    user = sessions[0].get("/me").json["id"]
    assert admin.post(f"/admin/users/{user}/disable").status_code == 200
    for browser in sessions:
        assert refusal(browser.get("/me")) == (401, "sign_in_required")
        assert refusal(browser.log_in()) == (401, "invalid_credentials")
    assert admin.post(f"/admin/users/{user}/enable").status_code == 200
    assert refusal(sessions[0].get("/me")) == (401, "sign_in_required")
    assert sessions[0].log_in().status_code == 200


def test_another_password_gives_a_fresh_token_and_ends_the_others(town: Town) -> None:
    mine, other = jars(town, 2)
    before = mine.cookie
    assert mine.post("/auth/password", password=OTHER).status_code == 200
    assert mine.cookie != before
    assert (mine.whoami(), other.whoami()) == (ADA, None)
    assert len(town.rows("sessions")) == 1
    assert mine.post("/auth/logout").status_code == 204  # the new CSRF token came with the answer


def test_another_role_ends_what_was_opened_for_the_one_before(town: Town) -> None:
    admin, browser = town.admin(), town.member()
    user = browser.get("/me").json["id"]
    assert admin.post(f"/admin/users/{user}/role", role="admin").status_code == 200
    assert browser.whoami() is None
    assert browser.log_in().json["next"] == "totp_enrol"


@ON_SQLITE
@pytest.mark.parametrize(
    ("who", "idle", "absolute"), [("customer", {"hours": 12}, {"days": 30}), ("admin", {"minutes": 30}, {"hours": 12})]
)
def test_a_session_ends_unused_and_at_last_in_any_case(
    town: Town, monkeypatch: pytest.MonkeyPatch, who: str, idle: dict[str, float], absolute: dict[str, float]
) -> None:
    clock = take_the_clock(monkeypatch)
    browser = town.admin() if who == "admin" else town.member()
    start = clock.offset
    clock.move(**idle)
    assert browser.whoami() is None
    clock.offset = start
    clock.move(**absolute)
    assert browser.whoami() is None
    clock.offset = start
    clock.move(minutes=29)
    assert browser.whoami() is not None


@ON_SQLITE
def test_a_clock_set_back_opens_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = take_the_clock(monkeypatch)
    browser = town.member()
    clock.move(days=-1)
    assert browser.whoami() is None


@ON_SQLITE
def test_a_remember_cookie_is_neither_set_nor_looked_at(town: Town) -> None:
    browser = town.member()
    names = {cookie.key for cookie in browser.client._cookies.values()}
    assert names == {"slotkeeper"}
    stranger = town.browser()
    for name in ("remember_token", "session"):
        stranger.client.set_cookie(name, f"{town.rows('users')[0].id}|forged")
    assert stranger.whoami() is None


@ON_SQLITE
def test_a_half_way_sign_in_opens_nothing_but_its_second_step(town: Town) -> None:
    town.make("admin")
    browser = town.browser()
    session_view = browser.log_in().json
    assert (session_view["user"], session_view["next"]) == (None, "totp")
    for path in ("/me", "/auth/sessions", "/me/bookings", "/me/export", "/admin/users"):
        assert refusal(browser.get(path)) == (401, "sign_in_required")
    for path in ("/auth/totp/enrol", "/auth/recovery-codes", "/auth/logout-all"):
        assert refusal(browser.post(path)) == (401, "sign_in_required")
