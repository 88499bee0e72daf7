"""What other sites' pages can make a browser send: nothing that changes anything, and nothing that they could read."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.persistence import session
from app.runtime.settings import Settings
from app.web.routes import TABLE, Route
from tests.web import people
from tests.web.people import Person, make_person, sign_in
from tests.web.test_access import EXPECTED
from tests.web.untouched import contents
from tests.web.walking import House, Things, forget_throttles, make_house, request_of

pytestmark = [pytest.mark.system, pytest.mark.walk]

SITE, OWN, EVIL = "https://www.example.org", "http://localhost", "https://evil.example"
ROUTES = [(prefix, route) for _, prefix, rows in TABLE for route in rows]
WRITES = [(prefix, route) for prefix, route in ROUTES if route.method != "GET"]


def expected(route: Route, heading: str) -> str:
    return EXPECTED.get(route.endpoint, {}).get(heading, "")


# What a member is let in to, so that the token alone stands between the request and the change.
AS_MEMBER = {"yes", "odd", "bad", "gone"}
BY_MEMBERS = [row for row in WRITES if expected(row[1], "own") in AS_MEMBER]
BY_ADMINS = [row for row in WRITES if row not in BY_MEMBERS and expected(row[1], "adm") in AS_MEMBER]
LOGIN = {"path": "/api/v1/auth/login", "json": {"email": "ada@example.org", "password": "correct horse battery"}}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url  # what is refused here is refused before a database is asked for more than the session


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of an installation whose frontend has an origin of its own."""
    return dataclasses.replace(settings, cors_origins=(SITE,))


@pytest.fixture
def house(app: Flask) -> House:
    return make_house(app)


def ids(rows: list[tuple[str, Route]]) -> dict[str, Any]:
    return {"argvalues": rows, "ids": [route.endpoint for _, route in rows]}


def wrong_tokens(own: str) -> Iterator[str]:
    """Yield what is not the session's CSRF token: of another session, of the cookie itself, parts, and nothing."""
    yield from ("", " ", "null", people.csrf_of(secrets.token_urlsafe(32)), own)
    csrf = people.csrf_of(own)
    yield from (csrf[:-1], csrf + "A", csrf.swapcase(), f"{csrf},{csrf}", "\xff" * 22)


def refuses_without_its_token(house: House, prefix: str, route: Route, role: str) -> None:
    things = Things(house)
    person = sign_in(things.owner) if role == "customer" else make_person(role)
    what = request_of(prefix, route, things)
    before = contents(session.engine())
    requests = [person.without("X-CSRF-Token").ask(house.app, **what)]
    wrong = [person.having("X-CSRF-Token", token) for token in wrong_tokens(person.token)]
    requests += [almost.ask(house.app, **what) for almost in wrong]
    for answer in requests:
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
        assert "X-CSRF-Token" in answer.json["detail"]
        assert "Set-Cookie" not in answer.headers
    assert contents(session.engine()) == before
    forget_throttles()
    assert person.ask(house.app, **what).status_code != 403, "with its token it is let in: the token was what counted"


@pytest.mark.parametrize(("prefix", "route"), **ids(BY_MEMBERS))
def test_what_a_member_changes_takes_the_sessions_token(house: House, prefix: str, route: Route) -> None:
    refuses_without_its_token(house, prefix, route, "customer")


@pytest.mark.parametrize(("prefix", "route"), **ids(BY_ADMINS))
def test_what_an_admin_changes_takes_the_sessions_token(house: House, prefix: str, route: Route) -> None:
    refuses_without_its_token(house, prefix, route, "admin")


def test_every_route_that_changes_something_is_among_them_but_the_step_before_a_session() -> None:
    walked = {route.endpoint for _, route in (*BY_MEMBERS, *BY_ADMINS)}
    assert {route.endpoint for _, route in WRITES} - walked == {"totp_enter"}


FROM = [  # Origin, Sec-Fetch-Site, whether the request may change something
    (None, None, True),  # no browser of this century: a server, a shell
    (OWN, None, True),
    (OWN, "same-origin", True),
    (SITE, None, True),
    (SITE, "cross-site", True),
    (None, "same-origin", True),
    (None, "none", True),  # typed into the address bar
    (EVIL, None, False),
    (EVIL, "cross-site", False),
    (None, "cross-site", False),
    ("null", None, False),
    ("null", "cross-site", False),
    (None, "garbage", False),
    (None, "", False),
    (None, "Same-Origin", False),
    ("", None, False),
    ("garbage", None, False),
    (SITE + ".evil.example", None, False),
    (SITE.replace("https", "http"), None, False),
    (SITE + ":444", "cross-site", False),
    (SITE + "/", None, False),
    (f"{SITE}, {EVIL}", None, False),
    ("https://localhost", None, False),
    ("\xff", None, False),
]


@pytest.mark.parametrize("who", ["nobody", "a member"])
@pytest.mark.parametrize(("origin", "site", "may"), FROM)
def test_only_pages_that_are_listed_send_what_changes_something(
    house: House, who: str, origin: str | None, site: str | None, *, may: bool
) -> None:
    things = Things(house)
    person = sign_in(things.owner) if who == "a member" else people.stranger()
    sent = {"Origin": origin, "Sec-Fetch-Site": site}
    headers = {name: value for name, value in sent.items() if value is not None}
    what = request_of("/api/v1", next(row for _, row in ROUTES if row.endpoint == "holds_make"), things)
    before = contents(session.engine())
    answer = person.ask(house.app, **what, headers=headers)
    assert answer.status_code == (201 if may else 403)
    assert (contents(session.engine()) == before) is not may


def test_another_site_cannot_sign_a_visitor_in_as_somebody_it_knows(house: House) -> None:
    for headers in ({"Origin": EVIL}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        for path in ("/api/v1/auth/login", "/api/v1/auth/otp", "/api/v1/auth/otp/verify", "/api/v1/auth/totp"):
            answer = people.stranger().ask(house.app, "POST", path, json=LOGIN["json"], headers=headers)
            assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
            assert "Set-Cookie" not in answer.headers


def test_whoever_has_a_key_is_no_browser_and_is_not_asked_where_from(house: House) -> None:
    things = Things(house)
    server = people.make_server("bookings:write")
    what = request_of("/api/v1", next(row for _, row in ROUTES if row.endpoint == "bookings_cancel"), things)
    assert server.ask(house.app, **what, headers={"Origin": EVIL}).status_code == 200


def test_a_cookie_beside_a_key_lends_it_nothing(house: House) -> None:
    admin, server = make_person("admin"), people.make_server("bookings:read")
    both = Person({**admin.headers, **server.headers})
    assert admin.ask(house.app, "GET", "/api/v1/admin/users").status_code == 200
    assert both.ask(house.app, "GET", "/api/v1/admin/users").status_code == 403
    broken = Person({**admin.headers, "Authorization": "Bearer sk_x"})
    assert broken.ask(house.app, "GET", "/api/v1/admin/users").status_code == 401


PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, x-csrf-token"}


@pytest.mark.parametrize(("prefix", "route"), **ids(WRITES))
def test_a_listed_frontend_may_ask_with_its_token_and_its_cookie(house: House, prefix: str, route: Route) -> None:
    path = request_of(prefix, route, Things(house))["path"]
    asked = {**PREFLIGHT, "Origin": SITE, "Access-Control-Request-Method": route.method}
    answer = people.stranger().ask(house.app, "OPTIONS", path, headers=asked)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert route.method in answer.headers["Access-Control-Allow-Methods"]
    assert "X-CSRF-Token" in answer.headers["Access-Control-Allow-Headers"]
    assert "Authorization" not in answer.headers["Access-Control-Allow-Headers"], (
        "a key in a browser is a key given away"
    )
    elsewhere = people.stranger().ask(house.app, "OPTIONS", path, headers={**asked, "Origin": EVIL})
    assert [name for name, _ in elsewhere.headers if name.startswith("Access-Control")] == []
    assert "Origin" in answer.headers["Vary"]
    assert "Origin" in elsewhere.headers["Vary"]


def test_a_listed_frontend_reads_how_often_it_may_ask(house: House) -> None:
    answer = people.stranger().ask(house.app, "POST", **LOGIN, headers={"Origin": SITE})
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "ETag"} <= exposed


def test_another_sites_page_reads_no_answer_to_a_member(house: House) -> None:
    member = make_person()
    for origin in (EVIL, "null", SITE + ".evil.example"):
        answer = member.ask(house.app, "GET", "/api/v1/auth/session", headers={"Origin": origin})
        assert answer.status_code == 200
        assert [name for name, _ in answer.headers if name.startswith("Access-Control")] == []


@pytest.mark.parametrize(("prefix", "route"), **ids(ROUTES))
def test_head_and_options_change_nothing_and_tell_no_more_than_get(house: House, prefix: str, route: Route) -> None:
    things = Things(house)
    what = request_of(prefix, route, things)
    people_here = (people.stranger(), sign_in(things.owner), make_person("admin"))
    before = contents(session.engine())
    for person in people_here:
        for method in ("HEAD", "OPTIONS"):
            asked = {name: value for name, value in what.items() if name != "json"} | {"method": method}
            answer = person.ask(house.app, **asked)
            assert answer.data == b""
            assert answer.status_code < 500
            assert "Set-Cookie" not in answer.headers
        got = person.ask(house.app, **{**asked, "method": "GET"})
        headed = person.ask(house.app, **{**asked, "method": "HEAD"})
        if route.endpoint != "uploads_read":  # tus asks with HEAD, and wants its version
            assert headed.status_code == got.status_code
    assert contents(session.engine()) == before


def test_an_installation_without_a_list_shares_nothing(settings: Settings) -> None:
    app = create_app(dataclasses.replace(settings, cors_origins=()))
    answer = people.stranger().ask(app, "OPTIONS", "/api/v1/holds", headers={**PREFLIGHT, "Origin": SITE})
    assert [name for name, _ in answer.headers if name.startswith("Access-Control")] == []
    refused = people.stranger().ask(app, "POST", "/api/v1/holds", json={}, headers={"Origin": SITE})
    assert refused.status_code == 403
