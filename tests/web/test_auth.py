"""Register and sign in over HTTP: what the answers say, and what they do not tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.domain.actors import Scope
from app.persistence import session
from app.services import passwords, users
from app.web import afterwards, context
from tests.conftest import Queries
from tests.services.door import ON_SQLITE
from tests.services.factories import make_venue
from tests.web.accounts import ADA, API, BOB, GOOD, OPERATOR, OTHER, Town, other_than, refusal, take_the_clock

PHONE = "+4930123456"
SENT = {"expires_in_seconds": 300, "resend_in_seconds": 60}


@pytest.fixture
def town(app: Flask) -> Town:
    return Town(app)


def test_somebody_registers_by_mail_and_is_signed_in_by_the_code(town: Town) -> None:
    browser = town.browser()
    answer = browser.post("/auth/register", name="Ada", email="Ada@Example.org", password=GOOD)
    assert (answer.status_code, answer.json) == (202, SENT)
    assert town.rows("users") == []
    assert browser.whoami() is None
    answer = browser.post("/auth/otp/verify", email=ADA, code=town.code())
    assert (answer.status_code, answer.json["next"], answer.json["user"]["email"]) == (200, None, ADA)
    assert browser.whoami() == ADA


def test_somebody_registers_by_telephone(town: Town) -> None:
    browser = town.browser()
    assert browser.post("/auth/register", name="Ada", phone="+49 30 123456").status_code == 202
    assert browser.post("/auth/otp/verify", phone=PHONE, code=town.texted_code()).json["user"]["phone"] == PHONE
    assert [(row.email, row.phone, row.contact_phone) for row in town.rows("users")] == [(None, PHONE, "")]


@ON_SQLITE
def test_a_telephone_given_beside_the_mail_address_is_kept_and_opens_nothing(town: Town) -> None:
    browser = town.browser()
    browser.post("/auth/register", name="Ada", email=ADA, phone=PHONE, password=GOOD)
    user = browser.post("/auth/otp/verify", email=ADA, code=town.code()).json["user"]
    assert (user["phone"], user["contact_phone"]) == ("", PHONE)
    assert refusal(town.browser().post("/auth/login", phone=PHONE, password=GOOD)) == (401, "invalid_credentials")


@ON_SQLITE
def test_a_code_opens_in_the_browser_that_asked_and_in_no_other(town: Town) -> None:
    mine, other = town.browser(), town.browser()
    mine.post("/auth/register", name="Ada", email=ADA)
    assert refusal(other.post("/auth/otp/verify", email=ADA, code=town.code())) == (401, "invalid_credentials")
    assert mine.post("/auth/otp/verify", email=ADA, code=town.code()).status_code == 200


def test_of_two_browsers_that_register_one_address_the_password_counts_of_whose_code_came_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = take_the_clock(monkeypatch)
    hers, his = town.browser(), town.browser()
    hers.post("/auth/register", name="Ada", email=ADA, password=GOOD)
    code = town.code()
    clock.move(seconds=61)
    his.post("/auth/register", name="Eve", email=ADA, password=OTHER)
    assert hers.post("/auth/otp/verify", email=ADA, code=code).status_code == 200
    assert town.browser().log_in(password=GOOD).status_code == 200
    assert refusal(town.browser().log_in(password=OTHER)) == (401, "invalid_credentials")
    assert [row.name for row in town.rows("users")] == ["Ada"]


@ON_SQLITE
def test_a_known_address_gets_another_mail_and_its_asker_the_same_answer(town: Town) -> None:
    town.make()
    answer = town.browser().post("/auth/register", name="Eve", email=ADA, password=OTHER)
    assert (answer.status_code, answer.json) == (202, SENT)
    assert town.subjects(ADA) == ["You have an account already"]
    assert refusal(town.browser().log_in(password=OTHER)) == (401, "invalid_credentials")


def test_a_member_signs_in_by_code_and_by_password(town: Town) -> None:
    town.make()
    browser = town.browser()
    answer = browser.post("/auth/otp", email=ADA)
    assert (answer.status_code, answer.json) == (202, SENT)
    assert browser.post("/auth/otp/verify", email=ADA, code=town.code()).status_code == 200
    assert browser.whoami() == ADA
    other = town.browser()
    answer = other.log_in()
    assert (answer.status_code, answer.json["next"]) == (200, None)
    assert (answer.headers["RateLimit-Limit"], answer.headers["RateLimit-Remaining"]) == ("20", "19")
    assert other.whoami() == ADA


@ON_SQLITE
def test_a_forgotten_password_is_set_anew_by_a_code(town: Town) -> None:
    old = town.member()
    browser = town.browser()
    assert browser.post("/auth/password/forgot", email=ADA).status_code == 202
    weak = browser.post("/auth/password/reset", email=ADA, code=town.code(), password="password1")
    assert refusal(weak) == (422, "invalid")
    done = browser.post("/auth/password/reset", email=ADA, code=town.code(), password=OTHER)
    assert (done.status_code, done.data) == (204, b"")
    assert old.whoami() is None
    assert browser.whoami() is None  # signing in is as usual, with the second factor where there is one
    assert browser.log_in(password=OTHER).status_code == 200
    assert town.subjects(ADA)[-1] == "Your password was changed"


@ON_SQLITE
def test_too_many_guesses_are_refused_with_the_time_to_wait(town: Town) -> None:
    browser = town.browser()
    browser.post("/auth/register", name="Ada", email=ADA)
    for _ in range(5):
        wrong = browser.post("/auth/otp/verify", email=ADA, code=other_than(town.code()))
        assert refusal(wrong) == (401, "invalid_credentials")
    answer = browser.post("/auth/otp/verify", email=ADA, code=town.code())
    assert refusal(answer) == (429, "rate_limited")
    assert answer.headers["Retry-After"] == "3600"


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/auth/register", {"name": "Ada", "email": ADA, "role": "admin"}, "role"),
        ("/auth/register", {"name": "Ada", "email": ADA, "active": True}, "active"),
        ("/auth/register", {"name": "Ada"}, "email"),
        ("/auth/register", {"name": "", "email": ADA}, "name"),
        ("/auth/register", {"name": "Ada", "email": "ada"}, "email"),
        ("/auth/register", {"name": "Ada", "email": ADA, "password": "short"}, "password"),
        ("/auth/register", {"name": "Ada", "email": ADA, "password": 12345678}, "password"),
        ("/auth/register", {"name": "Ada", "email": ADA, "phone": "abc"}, "phone"),
        ("/auth/otp", {"email": ADA, "phone": PHONE}, "email"),
        ("/auth/otp", {}, "email"),
        ("/auth/otp/verify", {"email": ADA, "code": 123456}, "code"),
        ("/auth/otp/verify", {"email": ADA, "code": "1" * 65}, "code"),
        ("/auth/otp/verify", {"email": ADA}, "code"),
        ("/auth/login", {"email": ADA}, "password"),
        ("/auth/login", {"email": ADA, "password": "x" * 2001}, "password"),
        ("/auth/password/reset", {"email": ADA, "code": "123456"}, "password"),
        ("/auth/password/reset", {"email": ADA, "code": "123456", "password": "password1"}, "password"),
    ],
)
def test_a_body_that_does_not_fit_names_its_field_and_changes_nothing(
    town: Town, path: str, body: dict[str, Any], field: str
) -> None:
    answer = town.browser().ask("POST", path, body)
    assert refusal(answer) == (422, "invalid")
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert [town.rows(name) for name in ("users", "one_time_codes", "outbox", "sessions")] == [[], [], [], []]


class Work:
    """What a request did: its statements, and how many passwords it hashed or verified."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: list[str] = []
        self.hashes = 0
        run = passwords._run

        def count(function: Callable[..., Any], *args: object) -> Any:
            self.hashes += 1
            return run(function, *args)

        def note(*call: Any) -> None:
            self.statements.append(re.sub(r"\s+", " ", str(call[2])))

        monkeypatch.setattr(passwords, "_run", count)
        event.listen(session.engine(), "before_cursor_execute", note)

    def take(self) -> tuple[list[str], int]:
        found = (self.statements[:], self.hashes)
        self.statements.clear()
        self.hashes = 0
        return found


ADDRESSES = (
    "unknown@example.org",
    "known@example.org",
    "disabled@example.org",
    "staff@example.org",
    "unverified@example.org",
)


def settle(town: Town) -> None:
    town.make(email="known@example.org")
    gone = town.make(email="disabled@example.org")
    users.set_active(gone.user.id, active=False, by=OPERATOR, now=context.now())
    venue = make_venue(session.engine())
    town.make("staff", "staff@example.org", scopes=(Scope(venue),))
    town.browser().post("/auth/register", name="Una", email="unverified@example.org", password=GOOD)


def shape(answer: TestResponse) -> tuple[Any, ...]:
    """Return all of an answer but what differs between any two: the request's name, the cookie's value, the date."""
    headers = sorted(
        (name, value) for name, value in answer.headers if name not in {"X-Request-Id", "Date", "Set-Cookie"}
    )
    cookies = [re.sub(r"=[^;]*", "", value, count=1) for value in answer.headers.getlist("Set-Cookie")]
    cookies = [re.sub(r"Expires=[^;]*", "", value) for value in cookies]
    body = {name: value for name, value in (answer.json or {}).items() if name != "request_id"}
    return answer.status_code, headers, cookies, body


REQUESTS = {
    "/auth/register": {"name": "Eve", "password": OTHER},
    "/auth/otp": {},
    "/auth/password/forgot": {},
    "/auth/login": {"password": OTHER},
    "/auth/otp/verify": {"code": "000000"},
    "/auth/password/reset": {"code": "000000", "password": OTHER},
}


@pytest.mark.parametrize("path", REQUESTS)
def test_nothing_tells_which_addresses_have_an_account(town: Town, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    clock = take_the_clock(monkeypatch)
    settle(town)
    clock.move(minutes=2)  # past the cooldown of the address that was asked for already
    fixed = clock.now(context.timezone.utc).replace(microsecond=0)
    monkeypatch.setattr(clock, "now", lambda _zone: fixed)
    work, seen = Work(monkeypatch), {}
    for number, email in enumerate(("warm@example.org", *ADDRESSES)):
        client = town.app.test_client()
        body = {"email": email, **REQUESTS[path]}
        answer = client.post(API + path, json=body, environ_base={"REMOTE_ADDR": f"198.51.100.{number}"})
        seen[email] = (shape(answer), *work.take())  # before what follows the answer: nobody waits for that
        answer.close()
        work.take()
    seen.pop("warm@example.org")
    first, *others = seen.values()
    assert first[2] == {"/auth/register": 1, "/auth/login": 1}.get(path, 0)
    assert len(first[1]) >= 4
    for email, other in zip(ADDRESSES[1:], others, strict=True):
        assert other == first, email


@pytest.mark.parametrize("path", ["/auth/otp/verify", "/auth/password/reset"])
def test_a_wrong_code_does_not_tell_whether_the_right_one_was_sent(
    town: Town, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    take_the_clock(monkeypatch)
    settle(town)
    purpose, body = ("/auth/otp", {}) if path == "/auth/otp/verify" else ("/auth/password/forgot", {"password": OTHER})
    work, seen = Work(monkeypatch), []
    for number, email in enumerate(("warm@example.org", *ADDRESSES[:4])):
        browser, address = town.app.test_client(), {"REMOTE_ADDR": f"198.51.100.{number}"}
        browser.post(API + purpose, json={"email": email}, environ_base=address).close()
        work.take()
        answer = browser.post(API + path, json={"email": email, "code": "ABCDEF", **body}, environ_base=address)
        seen.append((shape(answer), *work.take()))
        answer.close()
    assert seen[1][0][0] == 401
    assert all(each == seen[1] for each in seen[2:])


def test_signing_in_takes_a_handful_of_statements(
    town: Town, queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.member()
    browser = town.browser()
    browser.post("/auth/otp", email=BOB)
    with queries(most=9):
        browser.log_in()
    other, drain, settings = town.browser(), afterwards.drain, town.settings
    monkeypatch.setattr(afterwards, "drain", lambda _: None)
    with queries(most=9):
        other.post("/auth/register", name="Bob", email="carl@example.org", password=GOOD)
    with queries(most=10):  # the mail behind it: found, claimed, counted, worded, sent, noted, and nothing else found
        drain(settings)
    with queries(most=14):
        other.post("/auth/otp/verify", email="carl@example.org", code=town.code("carl@example.org"))


def test_who_is_signed_in_is_read_in_two_statements(town: Town, queries: Queries) -> None:
    browser, admin = town.member(), town.admin()
    for each in (browser, admin):
        with queries(most=2):
            each.get("/auth/session")
    with queries(most=0):
        town.browser().get("/auth/session")


@ON_SQLITE
def test_the_mail_goes_out_behind_the_answer(town: Town) -> None:
    client = town.app.test_client()
    answer = client.post(f"{API}/auth/register", json={"name": "Ada", "email": ADA})
    assert answer.json == SENT
    assert town.mails() == []
    answer.close()
    assert len(town.mails(ADA)) == 1


@ON_SQLITE
def test_no_secret_is_logged_or_stored_on_the_way_in(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    browser = town.member()
    said = town.everything() + "".join(str(vars(record)) for record in caplog.records)
    for secret in (town.code(), GOOD, browser.cookie, browser.csrf or "?"):
        assert secret not in said


@ON_SQLITE
def test_each_step_leaves_a_row_that_says_who_what_when_and_from_where(town: Town) -> None:
    browser = town.browser(User_Agent="a test")
    answers = [
        browser.post("/auth/register", name="Ada", email=ADA, password=GOOD),
        browser.post("/auth/otp/verify", email=ADA, code=other_than(town.code())),
        browser.post("/auth/otp/verify", email=ADA, code=town.code()),
        browser.log_in(password=OTHER),
        browser.log_in(),
        browser.post("/auth/logout"),
    ]
    rows = town.rows("audit_log")
    user = f"user:{town.rows('users')[0].id}"
    assert [(row.action, row.object) for row in rows][2:] == [
        ("user.registered", user), ("sign_in.failed", user), ("sign_in.password", user), ("sign_out", user),
    ]  # fmt: skip
    assert [row.action for row in rows][:2] == ["code.asked", "code.wrong"]
    assert [row.request_id for row in rows] == [answer.headers["X-Request-Id"] for answer in answers]
    assert {row.address for row in rows} == {"127.0.0.1"}
    assert [row.actor for row in rows] == ["guest"] * 3 + [f"customer:{user[5:]}"] * 3
