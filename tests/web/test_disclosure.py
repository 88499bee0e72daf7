"""What an answer tells and what a body may set: nothing of other people, no secret, no field that is not the sender's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any, get_type_hints

import msgspec
import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.persistence import session, tables
from app.web import openapi
from app.web.routes import TABLE, Route
from tests.web import people
from tests.web.people import Person, make_person, make_server, sign_in
from tests.web.test_access import EXPECTED
from tests.web.untouched import contents
from tests.web.walking import CALLERS, House, Things, forget_throttles, make_house, prepare, request_of

pytestmark = [pytest.mark.system, pytest.mark.walk]

ROUTES = [(prefix, route) for _, prefix, rows in TABLE for route in rows]
BY_ITS_ADDRESS = {"calendars_read_feed"}  # whoever knows the address of a feed may read it: the address is the secret
READS = [row for row in ROUTES if row[1].method == "GET" and row[1].endpoint not in BY_ITS_ADDRESS]
NOT_THE_SENDERS = (
    "role", "roles", "is_admin", "price", "total_minor", "deposit_minor", "status", "owner", "owner_id", "user_id", "customer_id",
    "active", "version", "id", "ref", "venue_id", "created_at", "updated_at", "password_hash", "totp_sealed", "stage",
    "email_verified", "scopes", "created_by", "timezone",
)  # fmt: skip
MAY_SET = {  # by those who may call these routes at all: admins
    "users_create": {"role", "scopes"},
    "users_change_role": {"role", "scopes"},
    "api_keys_create": {"scopes", "venue_id"},
    "webhooks_add": {"venue_id"},
    "webhooks_change": {"active"},
    "catalogue_desk_create_venue": {"active", "timezone"},
    "catalogue_desk_change_venue": {"active", "timezone"},
    "catalogue_desk_create_resource": {"active", "venue_id"},
    "catalogue_desk_change_resource": {"active"},
    "catalogue_desk_create_service": {"active", "price", "venue_id"},
    "catalogue_desk_change_service": {"active", "price"},
    "blackouts_close": {"venue_id"},  # which is looked at against the caller's part of the house
}
HELD_BY_A_LINK = {
    "ref", "status", "status_reason", "service_id", "resources", "starts_at", "ends_at", "timezone", "party_size", "price",
    "version", "created_at", "updated_at",
}  # fmt: skip
# Columns that hold a secret, or what a secret could be found from; what is sealed stays inside all the same.
LIKE_A_SECRET = re.compile(r"hash|sealed|_mac$|pending|^payload$")
SECRETS = {
    (table.name, column.name)
    for table in tables.metadata.tables.values()
    for column in table.columns
    if LIKE_A_SECRET.search(column.name)
}
LEAST_SECRET = 12  # characters: below are None and an empty payload


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url  # what is told is decided above the database


@pytest.fixture
def house(app: Flask) -> House:
    return make_house(app)


def body_of(route: Route) -> type[msgspec.Struct] | None:
    module, _, name = route.view.partition(".")
    found: type[msgspec.Struct] | None = get_type_hints(getattr(import_module(f"app.web.{module}"), name)).get("body")
    return found


def admitted(route: Route, things: Things) -> Person:
    """Return somebody whom the table of access lets in."""
    heading = next(who for who, word in EXPECTED[route.endpoint].items() if word not in {"in", "no", "up", "gone"})
    return CALLERS[heading][0](things)


VARIABLE = re.compile(r"<(\w+):\w+>")
MISSING = {"id": str(10**17), "word": "CFGHJKMN23", "topic": "nothing.at_all"}  # well-formed, and nothing's
NAMING = [(prefix, route) for prefix, route in ROUTES if VARIABLE.search(route.rule)]
WITH_BODY = [(prefix, route) for prefix, route in ROUTES if body_of(route)]
# What takes files is no JSON, and has tests of its own.
WRITES = [(prefix, route) for prefix, route in ROUTES if route.method != "GET" and not getattr(route, "takes", ())]


def structs(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """Yield a body's Struct and every Struct inside it."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from structs(field.type)
    for part in getattr(kind, "__args__", ()):
        yield from structs(part)


@pytest.mark.parametrize(("prefix", "route"), WITH_BODY, ids=[route.endpoint for _, route in WITH_BODY])
def test_every_struct_of_a_body_refuses_what_it_does_not_name_and_names_only_the_senders_own(
    prefix: str, route: Route
) -> None:
    del prefix
    for struct in structs(body_of(route)):
        assert struct.__struct_config__.forbid_unknown_fields, struct
    named = {field.encode_name for field in msgspec.structs.fields(body_of(route))}
    assert named & set(NOT_THE_SENDERS) == MAY_SET.get(route.endpoint, set())


@pytest.mark.parametrize(("prefix", "route"), WRITES, ids=[route.endpoint for _, route in WRITES])
def test_a_body_cannot_set_what_is_not_the_senders(house: House, prefix: str, route: Route) -> None:
    things = Things(house)
    prepare(route, things)
    person, what = admitted(route, things), request_of(prefix, route, things)
    before = contents(session.engine())
    for name in (*NOT_THE_SENDERS, "__proto__", "constructor"):
        if name in MAY_SET.get(route.endpoint, ()):
            continue
        forget_throttles()
        for value in ("admin", 1, True, None, {}):
            answer = person.ask(house.app, **{**what, "json": {**what.get("json", {}), name: value}})
            assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "unknown"), (name, answer.json)
    assert contents(session.engine()) == before


def test_a_guest_who_is_named_cannot_be_somebody_elses_account(house: House) -> None:
    things = Things(house)
    route = next(row for row in ROUTES if row[1].endpoint == "bookings_book")
    what = request_of(*route, things)
    for name in ("id", "user_id", "role", "version"):
        what["json"]["customer"][name] = things.owner
        answer = people.stranger().ask(house.app, **what)
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, f"customer.{name}")
        del what["json"]["customer"][name]


@pytest.mark.parametrize("verb", ["", "/cancel", "/reschedule"])
def test_a_manage_link_shows_what_is_on_the_list_and_nothing_else(house: House, verb: str) -> None:
    things = Things(house)
    link, path = people.holder(things.manage_token), f"/api/v1/bookings/{things.ref}{verb}"
    later = things.starts_at.replace(hour=(things.starts_at.hour + 1) % 24).isoformat()
    body = {"": None, "/cancel": {}, "/reschedule": {"starts_at": later}}[verb]
    answer = link.ask(house.app, "POST" if verb else "GET", path, json=body)
    assert set(answer.json) == HELD_BY_A_LINK
    assert not [word for word in private_words(things) if word in answer.text]
    if not verb:
        owner = sign_in(things.owner).ask(house.app, "GET", path)
        assert set(owner.json) == {*HELD_BY_A_LINK, "customer", "answers", "notes", "language"}


def private_words(things: Things) -> list[str]:
    customer = things.booking.customer
    return [customer.name, customer.email, customer.phone, things.booking.notes]


def everything_read(house: House, person: Person, things: Things) -> str:
    """Return all that somebody gets to read, asking for the very things of somebody else."""
    read = []
    for prefix, route in READS:
        with person.ask(
            house.app, **request_of(prefix, route, things)
        ) as answer:  # a stream has its place until it is over
            assert answer.status_code < 500, (route.endpoint, answer.get_data(as_text=True))
            read.append(f"{answer.headers}{answer.get_data().decode(errors='replace')}")
    return "\n".join(read)


@pytest.mark.parametrize("who", ["anon", "othr", "half", "enrl", "away", "wkey", "ekey"])
def test_of_other_people_nobody_reads_anything(house: House, who: str) -> None:
    things = Things(house)
    words = [*private_words(things), things.ref, "Ada Owner"]
    for make in CALLERS[who]:
        aimed = Things(house)
        aimed.__dict__ |= {"booking": things.booking, "owner": things.owner, "session_id": things.session_id}
        read = everything_read(house, make(Things(house)), aimed)
        assert [word for word in words if word in read] == []
    owner = everything_read(house, sign_in(things.owner), things)
    assert [word for word in words if word not in owner] == [], "what its owner does not read either proves nothing"


def comparable(answer: TestResponse) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return all of an answer but what names its request."""
    body = {name: value for name, value in answer.json.items() if name != "request_id"}
    return answer.status_code, body, {k: v for k, v in answer.headers.items() if k != "X-Request-Id"}


@pytest.mark.parametrize(("prefix", "route"), NAMING, ids=[route.endpoint for _, route in NAMING])
def test_what_is_somebody_elses_answers_like_what_there_is_not(house: House, prefix: str, route: Route) -> None:
    for heading, word in EXPECTED[route.endpoint].items():
        for make in CALLERS[heading] if word == "gone" else ():
            things = Things(house)
            person, foreign = make(things), request_of(prefix, route, things)
            missing = {**foreign, "path": VARIABLE.sub(lambda found: MISSING[found[1]], prefix + route.rule)}
            assert foreign["path"] != missing["path"]
            seen, unseen = (person.ask(house.app, **what) for what in (foreign, missing))
            assert comparable(seen) == comparable(unseen), heading
            assert len(seen.data) == len(unseen.data)


def test_no_answer_is_described_as_telling_a_secret() -> None:
    secret = {column for _, column in SECRETS}
    described: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            described.update(node.get("properties", {}))
        for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(value)

    walk(json.loads(openapi.FILE.read_text(encoding="utf-8")))
    assert {"ref", "csrf_token", "recovery_codes"} <= described, "nothing is described"
    assert described & secret == set()
    assert not [name for name in described if LIKE_A_SECRET.search(name)]


def test_what_is_like_a_secret_is_found_in_the_tables() -> None:
    known = {("users", "password_hash"), ("users", "totp_sealed"), ("sessions", "token_hash"), ("api_keys", "key_hash")}
    assert {*known, ("one_time_codes", "code_mac"), ("bookings", "manage_token_hash"), ("outbox", "sealed")} <= SECRETS


def stored_secrets() -> set[str]:
    with session.engine().connect() as connection:
        return {
            str(value)
            for table, column in SECRETS
            for value in connection.scalars(select(tables.metadata.tables[table].c[column]))
            if len(str(value)) >= LEAST_SECRET
        }


def test_no_answer_tells_what_is_kept_secret(house: House) -> None:
    things = Things(house)
    sealed = {
        "password_hash": "$argon2id$v=19$secret",
        "totp_sealed": "sealed-secret",
        "totp_pending": "pending-secret",
    }
    admin, server = make_person("admin", values=sealed), make_server("users:read", "bookings:read")
    owner = sign_in(things.owner)
    admin.ask(house.app, "POST", "/api/v1/auth/otp", json={"email": "ada.secret@example.org"})
    read = "".join(everything_read(house, who, things) for who in (admin, server, owner, people.stranger()))
    kept = stored_secrets()
    assert len(kept) > 10
    assert [secret for secret in kept if secret in read] == []
