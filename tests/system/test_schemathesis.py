"""The description against a real server, for each role: whatever it allows and whatever it forbids is answered as it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from flask import Flask
from sqlalchemy import delete

from app.domain.actors import Scope
from app.persistence import tables
from app.runtime.settings import load
from app.web.openapi_build import build
from app.web.routes import TABLE
from tests.conftest import SECRET_KEY
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue
from tests.system import halls, servers
from tests.system.halls import TROUBLE, Hall
from tests.web import people
from tests.web.people import Person
from tests.web.walking import BODIES, QUERIES, House, Things

pytestmark = pytest.mark.long

EXAMPLES = 10  # of each operation, beside some thirty of the coverage phase
PATIENCE_SECONDS = 300
# A precondition that cannot be read is one that does not hold. Whose booking it is, nobody is told: it is not found. And
# what the description allows may still be refused: a time that is taken, a code that is wrong.
CONFIG = """
[checks]
positive_data_acceptance.enabled = false
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 409, 412, 415, 422, 429]
[[operations]]
include-tag = ["bookings"]
checks.ignored_auth.enabled = false
"""
# The operations where it matters who asks, by tag; a stranger asks everything.
ASKED_BY = {
    "stranger": (),
    "customer": ("auth", "bookings", "holds", "me", "sessions", "totp"),
    "staff": ("bookings", "desk", "sessions"),
    "admin": (
        "api_keys",
        "audit",
        "blackouts",
        "busy_calendars",
        "catalogue_desk",
        "customers",
        "desk",
        "message_templates",
        "outbox",
        "system",
        "users",
        "webhooks",
    ),
    "key": ("bookings", "holds", "users"),
}
NOT_SPOKEN = ("uploads_create", "uploads_append")  # the tool writes no pieces of tus
# They end the session that asks, or swap its cookie: what comes after would be a stranger's.
END_THE_SESSION = (
    "auth_log_in", "auth_verify_code", "me_change_password", "me_erase", "sessions_end", "sessions_log_out",
    "sessions_log_out_everywhere", "totp_confirm", "users_end_sessions",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(mortal: servers.MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A real server with two workers on MariaDB."""
    folder = tmp_path_factory.mktemp("described")
    messages = {"MAIL_URL": f"file:{folder}/mail", "SMS_URL": f"file:{folder}/sms"}
    extra = {"SECRET_KEY": SECRET_KEY, "HASH_PROFILE": "cheapest", **messages}
    no_limits = ["--limit-request-line", "0", "--limit-request-field_size", "0"]  # gunicorn's refusals are not of ours
    with halls.hall(mortal.url("slotkeeper"), folder, 2, no_limits, extra) as hall:
        yield hall
        log = hall.server.output()
        assert [word for word in TROUBLE if word in log and word != "[WARNING]"] == [], log[-3000:]


@pytest.fixture
def house(place: Hall, mortal: servers.MariaDB) -> House:
    """A house of one's own: an admin's requests leave none as it was."""
    venue, elsewhere = (make_venue(place.engine, timezone="UTC") for _ in range(2))
    room, spare = (make_resource(place.engine, venue, capacity=9999, daily_hours=AROUND_THE_CLOCK) for _ in range(2))
    stand_in = Flask(__name__)  # the program itself runs in the server; things are made here by the same settings
    environ = {"INSTANCE_DIR": str(place.server.log.parent), "SECRET_KEY": SECRET_KEY, "ENVIRONMENT": "test"}
    stand_in.extensions["settings"] = load({**environ, "DATABASE_URL": mortal.url("slotkeeper")})
    return House(stand_in, venue, room, spare, make_service(place.engine, venue, [[room]]), elsewhere)


def make(role: str, house: House) -> Person:
    """Return somebody of a role."""
    if role == "stranger":
        return people.stranger()
    if role == "key":
        return people.make_server("bookings:read", "bookings:write", "users:read")
    scopes = [Scope(house.venue)] if role == "staff" else []
    return people.make_person(role, scopes=scopes)


def description(house: House, owner: int | None = None) -> dict[str, Any]:
    """Return the description with an example of each request that is in order, and without its ``default`` answers.

    A status that no answer names is a finding then.
    """
    document: dict[str, Any] = json.loads(build())
    document["components"]["securitySchemes"]["session"]["name"] = people.COOKIE  # as it is called without TLS
    for prefix, row in ((prefix, row) for _, prefix, rows in TABLE for row in rows):
        things = Things(house)  # new for each, so that no request finds what another has cancelled
        if owner is not None:
            things.__dict__["owner"] = owner
        path = re.sub(r"<\w+:(\w+)>", r"{\1}", prefix + row.rule)
        operation = document["paths"][path][row.method.lower()]
        del operation["responses"]["default"]
        if row.endpoint in BODIES:
            operation["requestBody"]["content"]["application/json"]["example"] = BODIES[row.endpoint](things)
        query = QUERIES.get(row.endpoint, lambda _: {})(things)
        for parameter in operation["parameters"]:
            if parameter["in"] == "path":
                parameter["example"] = getattr(things, parameter["name"])
            elif parameter["name"] in query:
                parameter["example"] = query[parameter["name"]]
    return document


def signs(person: Person) -> str:
    """Return the settings by which requests carry what somebody signs in with."""
    if "Authorization" in person.headers:
        return f'[auth.openapi.apiKey]\nbearer = "{person.token}"\n'
    if not person.token:
        return ""
    tokens = {"session": person.token, "csrfToken": person.headers["X-CSRF-Token"]}
    return "".join(f'[auth.openapi.{name}]\napi_key = "{value}"\n' for name, value in tokens.items())


def run(
    hall: Hall, folder: Path, document: dict[str, Any], person: Person, *options: str
) -> subprocess.CompletedProcess[str]:
    (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "schemathesis.toml").write_text(CONFIG + signs(person), encoding="utf-8")
    command = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", f"--url={hall.server.url}", "--seed=1"]
    command += ["--phases=examples,coverage,fuzzing", f"--max-examples={EXAMPLES}", "--warnings=off"]
    command += ["--suppress-health-check=all", "--continue-on-failure", "--request-timeout=10"]
    return subprocess.run(
        [*command, *options], capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS, cwd=folder
    )


def findings(done: subprocess.CompletedProcess[str]) -> str:
    """Return what was found; some requests are long."""
    return "\n".join(line[:300] for line in (done.stdout + done.stderr).splitlines())[-10_000:]


def what_to_ask(person: Person, role: str) -> list[str]:
    spared = (*NOT_SPOKEN, *(END_THE_SESSION if "Cookie" in person.headers else ()))
    tags = [f"--include-tag={tag}" for tag in ASKED_BY[role]]
    return [*tags, *(f"--exclude-operation-id={name}" for name in spared)]


@pytest.mark.parametrize("role", ASKED_BY)
def test_every_answer_is_as_the_description_says(place: Hall, house: House, tmp_path: Path, role: str) -> None:
    with place.engine.connect() as connection:
        connection.execute(delete(tables.throttles))
    person = make(role, house)
    owner = person.user_id if role == "customer" else None
    done = run(place, tmp_path, description(house, owner), person, *what_to_ask(person, role))
    assert done.returncode == 0, findings(done)
    if "Cookie" in person.headers:
        assert is_signed_in(place, person), "the session did not last: a part of it was a stranger's run"


def is_signed_in(hall: Hall, person: Person) -> bool:
    asked = Request(f"{hall.server.url}/api/v1/auth/session", headers={"Cookie": person.headers["Cookie"]})  # noqa: S310
    with urlopen(asked, timeout=10) as answer:  # noqa: S310 - of our own server
        return json.load(answer)["user"] is not None


def test_a_promise_that_is_not_kept_is_found(place: Hall, house: House, tmp_path: Path) -> None:
    document = description(house)
    document["components"]["schemas"]["HealthView"]["properties"]["status"] = {"type": "integer"}
    done = run(place, tmp_path, document, people.stranger(), "--include-operation-id=operations_health")
    assert done.returncode == 1
    assert "Response violates schema" in done.stdout
