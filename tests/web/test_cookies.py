"""The one cookie: bent, doubled, overlong or forged it opens nothing, and nobody but it says who is there."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator
from hashlib import sha512
from hmac import new as mac

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from app import create_app
from app.persistence import session
from app.runtime.settings import Settings
from app.web.routes import TABLE, Route
from tests.conftest import SECRET_KEY
from tests.web import people
from tests.web.people import COOKIE, Person, make_person, sign_in
from tests.web.untouched import contents
from tests.web.walking import House, Things, make_house, request_of

pytestmark = [pytest.mark.system, pytest.mark.walk]

ROUTES = [(prefix, route) for _, prefix, rows in TABLE for route in rows]
READS = [row for row in ROUTES if row[1].method == "GET"]
ME, SESSION = "/api/v1/me", "/api/v1/auth/session"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url  # a cookie is judged before it is looked up


@pytest.fixture
def house(app: Flask) -> House:
    return make_house(app)


def bent(token: str) -> Iterator[str]:
    """Yield Cookie headers that are almost, or not at all, that of the session."""
    yield from (
        f"{COOKIE}={value}" for value in ("", token[:-1], token[1:], token + "A", token.swapcase(), token + "=")
    )
    yield from (
        f"{COOKIE}={value}" for value in (f"'{token}'", f"%22{token}%22", f"{token} x", f"{token}\\", token * 190)
    )
    yield from (
        f"{COOKIE}={value}" for value in ("\xff" * 43, "\u0100".encode().decode("latin-1") * 22, "A" * 8190, "\x7f")
    )
    yield from (
        f"__Host-{COOKIE}={token}",
        f"{COOKIE.upper()}={token}",
        f"{COOKIE}[]={token}",
        f"x{COOKIE}={token}",
        token,
    )
    yield from (
        f"{COOKIE}=x; {COOKIE}={token[:-1]}",
        f"{COOKIE} {token}",
        f"remember_token={token}",
        f"session={token}",
    )


def forged(user_id: int) -> Iterator[str]:
    """Yield the cookies of Flask and of Flask-Login for an account, signed with the very key of this installation."""
    app = Flask(__name__)
    app.secret_key = SECRET_KEY
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    flask_session = serializer.dumps({"_user_id": str(user_id), "_fresh": True, "_id": "x"})
    for name in (str(user_id), f"session:{user_id}"):
        remembered = f"{name}|{mac(SECRET_KEY.encode(), name.encode(), sha512).hexdigest()}"
        yield f"remember_token={remembered}; session={flask_session}"
        yield f"remember_token={remembered}"
    plain = base64.urlsafe_b64encode(json.dumps({"user_id": user_id, "role": "admin"}).encode()).decode()
    yield from (f"session={flask_session}", f"session={plain}", f"user_id={user_id}; role=admin")


def is_nobody(house: House, cookie: str) -> bool:
    """Tell whether the cookie opens nothing: neither what members read, nor anything by name."""
    person = Person({"Cookie": cookie})
    shown, refused = person.ask(house.app, "GET", SESSION), person.ask(house.app, "GET", ME)
    assert (shown.status_code, refused.status_code) == (200, 401), cookie[:99]
    assert shown.json["user"] is None
    for answer in (shown, refused):
        assert "remember_token" not in str(answer.headers)
        assert "session=" not in str(answer.headers)
    return True


def test_a_cookie_that_is_bent_is_nobodys(house: House) -> None:
    member = make_person("admin")
    assert member.ask(house.app, "GET", ME).status_code == 200
    before = contents(session.engine())
    assert all(is_nobody(house, cookie) for cookie in bent(member.token))
    assert contents(session.engine()) == before


def test_a_cookie_of_flask_or_of_flask_login_is_not_looked_at(house: House) -> None:
    member = make_person("admin")
    assert member.user_id
    assert all(is_nobody(house, cookie) for cookie in forged(member.user_id))


def test_beside_a_forged_cookie_the_true_one_counts_as_ever(house: House) -> None:
    customer, admin = make_person(), make_person("admin")
    assert admin.user_id
    for cookie in forged(admin.user_id):
        both = Person({"Cookie": f"{cookie}; {COOKIE}={customer.token}"})
        assert both.ask(house.app, "GET", ME).json["id"] == customer.user_id


def test_of_two_cookies_one_counts_and_never_a_mixture(house: House) -> None:
    one, other = make_person(), make_person()
    twice = Person(
        {"Cookie": f"{COOKIE}={one.token}; {COOKIE}={other.token}", "X-CSRF-Token": one.headers["X-CSRF-Token"]}
    )
    seen = twice.ask(house.app, "GET", ME).json["id"]
    assert seen == one.user_id, "the CSRF token of the one would go with the session of the other"
    assert twice.ask(house.app, "PATCH", ME, json={"name": "Bo"}).json["user"]["id"] == seen


@pytest.mark.parametrize(("prefix", "route"), ROUTES, ids=[route.endpoint for _, route in ROUTES])
def test_no_route_fails_of_a_bent_cookie_or_sets_another_one(house: House, prefix: str, route: Route) -> None:
    things = Things(house)
    what = request_of(prefix, route, things)
    for cookie in (*bent("x" * 43), *forged(things.owner)):
        answer = Person({"Cookie": cookie}).ask(house.app, **what)
        assert answer.status_code < 500
        names = {line.partition("=")[0] for line in answer.headers.getlist("Set-Cookie")}
        assert names <= {COOKIE}


@pytest.mark.parametrize(("prefix", "route"), READS, ids=[route.endpoint for _, route in READS])
def test_what_depends_on_the_session_is_kept_by_no_cache_and_what_does_not_may_be(
    house: House, prefix: str, route: Route
) -> None:
    things = Things(house)
    what = request_of(prefix, route, things)
    member, visitor = (person.ask(house.app, **what) for person in (sign_in(things.owner), people.stranger()))
    reads_it = bool(route.policy.stages) or route.policy.token or route.endpoint == "sessions_read"
    for answer in (member, visitor):
        vary = [part.strip() for part in ",".join(answer.headers.getlist("Vary")).split(",")]
        assert ("Cookie" in vary) is reads_it
        if reads_it:
            assert answer.headers["Cache-Control"] == "no-store"
    if not reads_it and route.status == member.status_code:
        assert (member.data, member.headers.get("ETag")) == (visitor.data, visitor.headers.get("ETag"))


def test_free_times_stay_cacheable_for_members(house: House) -> None:
    things = Things(house)
    route = next(row for row in READS if row[1].endpoint == "slots_list_slots")
    answer = sign_in(things.owner).ask(house.app, **request_of(*route, things))
    assert (answer.headers["Cache-Control"], bool(answer.headers["ETag"])) == ("no-cache", True)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(settings: Settings, app: Flask) -> None:
    del app
    for base_url, name, secure in (
        ("http://localhost", COOKIE, False),
        ("https://localhost", f"__Host-{COOKIE}", True),
    ):
        program = create_app(dataclasses.replace(settings, base_url=base_url))
        answer = people.stranger().ask(program, "POST", "/api/v1/auth/otp", json={"email": "ada@example.org"})
        (line,) = answer.headers.getlist("Set-Cookie")
        parts = line.split("; ")
        assert parts[0].startswith(f"{name}=")
        assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(parts)
        assert ("Secure" in parts) is secure
        assert "Domain" not in line
        session.remove()
        session.engine().dispose()  # of this program; the fixture knows the first and the last
