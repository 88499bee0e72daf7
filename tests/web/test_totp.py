"""The second factor over HTTP: enrol, enter, take off; and what a stale sign-in may no longer do."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update

from app.persistence import session
from app.persistence.tables import users
from tests.services.door import ON_SQLITE
from tests.web.accounts import ADA, GOOD, Browser, Clock, Town, code_of, refusal, take_the_clock


@pytest.fixture
def town(app: Flask) -> Town:
    return Town(app)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return take_the_clock(monkeypatch)


def enrol(browser: Browser) -> tuple[str, list[str]]:
    """Enrol an app; return its ``otpauth:`` address and the recovery codes."""
    uri = browser.post("/auth/totp/enrol").json["otpauth_uri"]
    answer = browser.post("/auth/totp/confirm", code=code_of(uri))
    assert answer.status_code == 200, answer.json
    return uri, answer.json["recovery_codes"]


def test_a_member_enrols_an_app_and_from_then_on_it_is_asked_for(town: Town, clock: Clock) -> None:
    mine, other = town.member(), town.browser()
    other.log_in()
    before = mine.cookie
    uri, recovery = enrol(mine)
    assert len(recovery) == 10
    assert mine.cookie != before
    assert (mine.whoami(), other.whoami()) == (ADA, None)
    assert town.subjects(ADA)[-1] == "The second factor of your account was changed"
    assert other.log_in().json["next"] == "totp"
    assert other.whoami() is None
    clock.move(seconds=60)
    answer = other.post("/auth/totp", code=code_of(uri))
    assert (answer.json["next"], answer.json["user"]["has_totp"]) == (None, True)
    assert answer.headers["RateLimit-Limit"] == "10"
    assert other.whoami() == ADA


def test_a_code_is_taken_once_and_no_older_one_after_it(town: Town, clock: Clock) -> None:
    uri = town.make("admin").otpauth_uri or ""
    browser, other = town.browser(), town.browser()
    browser.log_in()
    used, older = code_of(uri), code_of(uri, -1)
    assert browser.post("/auth/totp", code=used).status_code == 200
    other.log_in()
    for code in (used, older):
        assert refusal(other.post("/auth/totp", code=code)) == (401, "invalid_credentials")
    clock.move(seconds=60)
    assert other.post("/auth/totp", code=code_of(uri)).status_code == 200


def test_a_recovery_code_stands_in_for_the_app_once(town: Town) -> None:
    made, browser, other = town.make("admin"), town.browser(), town.browser()
    browser.log_in()
    other.log_in()
    assert browser.post("/auth/totp", recovery_code=made.recovery_codes[0].lower()).status_code == 200
    again = other.post("/auth/totp", recovery_code=made.recovery_codes[0])
    assert refusal(again) == (401, "invalid_credentials")
    assert town.subjects(ADA) == ["A recovery code was used"]


def test_a_code_by_mail_is_followed_by_the_app_where_there_is_one(town: Town, clock: Clock) -> None:
    uri, _ = enrol(town.member())
    clock.move(seconds=61)
    browser = town.browser()
    browser.post("/auth/otp", email=ADA)
    assert browser.post("/auth/otp/verify", email=ADA, code=town.code()).json["next"] == "totp"
    assert browser.whoami() is None
    assert browser.post("/auth/totp", code=code_of(uri)).status_code == 200
    assert browser.whoami() == ADA


@ON_SQLITE
def test_an_admin_without_an_app_enrols_one_before_anything_else(town: Town) -> None:
    member, admin = town.member(), town.admin()
    admin.post(f"/admin/users/{member.get('/me').json['id']}/role", role="admin")
    browser = town.browser()
    assert browser.log_in().json["next"] == "totp_enrol"
    assert refusal(browser.get("/admin/users")) == (401, "sign_in_required")
    assert refusal(browser.post("/auth/totp", code="123456")) == (401, "sign_in_required")
    enrol(browser)
    assert browser.get("/admin/users").status_code == 200


@ON_SQLITE
def test_staff_and_admins_are_sent_no_code_to_sign_in_with(town: Town) -> None:
    town.make("admin")
    town.browser().post("/auth/otp", email=ADA)
    assert town.mails() == []


def test_another_accounts_sealed_secret_is_a_wrong_code_and_no_fault_of_ours(town: Town) -> None:
    made, other = town.make("admin"), town.make("admin", "eve@example.org")
    with session.engine().connect() as connection:
        sealed = connection.execute(users.select().where(users.c.id == other.user.id)).one().totp_sealed
        connection.execute(update(users).values(totp_sealed=sealed).where(users.c.id == made.user.id))
    browser = town.browser()
    browser.log_in()
    answer = browser.post("/auth/totp", code=code_of(other.otpauth_uri or ""))
    assert refusal(answer) == (401, "invalid_credentials")
    assert browser.post("/auth/totp", recovery_code=made.recovery_codes[0]).status_code == 200


@ON_SQLITE
@pytest.mark.parametrize(
    "body", [{}, {"code": "123456", "recovery_code": "x"}, {"code": 123456}, {"recovery_code": "x" * 65}]
)
def test_a_second_factor_is_one_code_of_either_kind(town: Town, body: dict[str, object]) -> None:
    town.make("admin")
    browser = town.browser()
    browser.log_in()
    assert refusal(browser.ask("POST", "/auth/totp", body)) == (422, "invalid")


@ON_SQLITE
@pytest.mark.parametrize("code", ["\uff11\uff12\uff13\uff14\uff15\uff16", "12345", " 123456", "1234567", ""])
def test_what_is_no_code_is_a_wrong_one(town: Town, code: str) -> None:
    town.make("admin")
    browser = town.browser()
    browser.log_in()
    assert refusal(browser.post("/auth/totp", code=code)) == (401, "invalid_credentials")


def test_a_member_takes_the_app_off_and_an_admin_cannot(town: Town) -> None:
    member, admin = town.member(), town.admin()
    assert refusal(member.post("/auth/totp/disable")) == (409, "conflict")
    enrol(member)
    assert member.post("/auth/totp/disable").status_code == 204
    assert town.browser().log_in().json["next"] is None
    assert refusal(admin.post("/auth/totp/disable")) == (403, "forbidden")


@ON_SQLITE
def test_recovery_codes_are_renewed_and_the_old_ones_void(town: Town) -> None:
    member = town.member()
    assert refusal(member.post("/auth/recovery-codes")) == (409, "conflict")
    _, old = enrol(member)
    fresh = member.post("/auth/recovery-codes").json["recovery_codes"]
    assert not set(old) & set(fresh)
    browser = town.browser()
    browser.log_in()
    assert refusal(browser.post("/auth/totp", recovery_code=old[0])) == (401, "invalid_credentials")
    assert browser.post("/auth/totp", recovery_code=fresh[0]).status_code == 200


@ON_SQLITE
@pytest.mark.parametrize(
    "act",
    [("POST", "/auth/totp/enrol"), ("POST", "/auth/totp/confirm"), ("POST", "/auth/totp/disable"),
     ("POST", "/auth/recovery-codes"), ("DELETE", "/me"), ("POST", "/auth/password"), ("PATCH", "/me")],
)  # fmt: skip
def test_what_opens_the_account_is_changed_only_after_a_fresh_sign_in(
    town: Town, clock: Clock, act: tuple[str, str]
) -> None:
    browser = town.member()
    bodies = {
        "/auth/totp/confirm": {"code": "1"},
        "/auth/password": {"password": GOOD},
        "/me": {"email": "new@example.org"},
    }
    method, path = act
    body = bodies.get(path) if method != "DELETE" else None
    clock.move(minutes=10, seconds=2)
    before = town.everything()
    assert refusal(browser.ask(method, path, body)) == (403, "step_up_required")
    assert [line for line in town.everything().splitlines() if line not in before] == session_rows(town)
    browser.log_in()
    assert browser.ask(method, path, body).status_code in {200, 204, 401, 409}  # asked for, and answered as always


def session_rows(town: Town) -> list[str]:
    """Return the one kind of row that any request touches: that of the session in use."""
    return [str(row) for row in town.rows("sessions")]


@ON_SQLITE
def test_a_second_factor_makes_a_sign_in_fresh_again(town: Town, clock: Clock) -> None:
    browser = town.member()
    uri, _ = enrol(browser)
    clock.move(minutes=11)
    assert refusal(browser.post("/auth/recovery-codes")) == (403, "step_up_required")
    browser.log_in()
    assert browser.post("/auth/totp", code=code_of(uri)).status_code == 200
    assert browser.post("/auth/recovery-codes").status_code == 200
