"""The description of the interface says what the route table promises, and is served as it is, by any Python."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from app.runtime.settings import load
from app.web import openapi
from app.web.access import POLICIES
from app.web.openapi_build import build
from app.web.openapi_callers import WORDS
from app.web.openapi_files import request_headers
from app.web.routes import TABLE, Route

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT: dict[str, Any] = json.loads(build())
OPERATIONS = {operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()}
ROWS = [row for _, _, rows in TABLE for row in rows]
PROGRAM = """
import json, sys
from app import create_app
answer = create_app().test_client().get("/api/v1/openapi.json")
print(answer.status_code, "app.web.openapi_build" in sys.modules, "app.web.openapi_answers" in sys.modules)
print(answer.get_data(as_text=True), end="")
"""


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference stands for."""
    found = DOCUMENT
    for part in node["$ref"].removeprefix("#/").split("/") if "$ref" in node else ():
        found = found[part]
    return found if "$ref" in node else node


def codes_of(endpoint: str, status: int) -> set[str]:
    """Return the codes that a route's refusal of a status may carry, by its description."""
    described = resolved(OPERATIONS[endpoint]["responses"][str(status)])["description"]
    return set(re.findall(r"`([a-z_]+)`", described)) - {"code"}


def headers_of(operation: dict[str, Any]) -> set[str]:
    return {one["name"] for one in operation["parameters"] if one["in"] == "header"}


def test_every_route_is_described_and_nothing_else() -> None:
    assert set(OPERATIONS) == {row.endpoint for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.endpoint)
def test_a_description_has_the_headers_and_refusals_of_its_row(row: Route) -> None:
    operation = OPERATIONS[row.endpoint]
    answers = operation["responses"]
    assert operation["summary"]
    promised = {
        "Idempotency-Key": row.idempotent,
        "If-Match": row.versioned,
        "If-None-Match": row.cached,
    }
    of_row = {name for name, is_promised in promised.items() if is_promised}
    assert headers_of(operation) == of_row | set(request_headers(row))
    assert {str(row.status), *(str(status) for status in row.problems), "default"} <= set(answers)
    assert ("304" in answers) == row.cached
    assert "Retry-After" in resolved(answers["503"])["headers"]
    good = answers[str(row.status)].get("headers", {})
    assert ("ETag" in good) == (row.cached or row.versioned or row.view == "bookings.read")
    assert ("Idempotency-Replayed" in good) == row.idempotent
    if 429 in row.problems:
        limits = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
        assert {*limits, "Retry-After"} == set(resolved(answers["429"])["headers"])
        assert limits & set(good) in (limits, set())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.endpoint)
def test_every_refusal_is_a_problem_and_names_its_codes(row: Route) -> None:
    for status, described in OPERATIONS[row.endpoint]["responses"].items():
        answer = resolved(described)
        if status == "default" or int(status) >= 400:
            assert list(answer["content"]) == ["application/problem+json"]
            assert status == "default" or "`code` is `" in answer["description"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.endpoint)
def test_a_description_says_who_may_call_and_how_they_show_it(row: Route) -> None:
    ways = OPERATIONS[row.endpoint].get("security", [])
    schemes = {scheme for way in ways for scheme in way}
    assert schemes <= set(DOCUMENT["components"]["securitySchemes"])
    assert ({} in ways or not ways) == (not row.policy.stages and not row.policy.token)
    assert ("manageToken" in schemes) == row.policy.token
    assert [way["apiKey"] for way in ways if "apiKey" in way] == ([[row.scope]] if row.scope else [])
    of_members = [way for way in ways if "session" in way and row.policy.stages]
    assert bool(of_members) == bool(row.policy.stages)
    assert all(way["session"] == sorted(row.policy.roles) for way in of_members)
    if row.policy.stages and "full" in row.policy.stages and row.method != "GET":
        assert any("csrfToken" in way for way in of_members)
    if row.method == "GET":
        assert "csrfToken" not in schemes
    description = OPERATIONS[row.endpoint].get("description", "")
    assert ("ten minutes" in description) >= row.policy.fresh
    assert ("admins" in description) >= bool(row.policy.roles)
    assert not row.scope or f"the scope `{row.scope}`" in description


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.endpoint)
def test_a_description_names_the_refusals_that_follow_from_who_may_call(row: Route) -> None:
    answers = OPERATIONS[row.endpoint]["responses"]
    if row.policy.stages:
        assert "sign_in_required" in codes_of(row.endpoint, 401)
    if row.policy.stages or row.scope:
        assert "WWW-Authenticate" in resolved(answers["401"])["headers"]
    if row.policy.roles or row.scope or row.method != "GET":
        assert "forbidden" in codes_of(row.endpoint, 403)
    if row.policy.fresh:
        assert "step_up_required" in codes_of(row.endpoint, 403)


def test_every_policy_has_its_words() -> None:
    assert {policy.name for policy in POLICIES} <= set(WORDS)


def test_a_refusal_names_the_codes_of_its_own_route() -> None:
    assert codes_of("auth_log_in", 401) == {"invalid_credentials"}
    assert codes_of("me_change_password", 401) == {"invalid_credentials", "sign_in_required"}
    assert codes_of("me_read", 401) == {"sign_in_required"}
    assert codes_of("users_disable", 403) == {"forbidden"}
    assert codes_of("users_create", 409) == {"conflict"}
    assert codes_of("bookings_book", 409) >= {"slot_taken", "hold_expired"}
    assert codes_of("catalogue_list_venues", 422) == {"invalid"}


def test_what_is_shared_is_used_and_the_file_stays_small() -> None:
    text = json.dumps(DOCUMENT)
    for kind in ("responses", "headers", "schemas"):
        unused = {name for name in DOCUMENT["components"][kind] if f'#/components/{kind}/{name}"' not in text}
        assert unused == set()
    assert len(openapi.FILE.read_bytes()) < 2500 * len(ROWS) + 20_000  # a worker that has been asked for it keeps it


def test_what_a_query_may_say_is_there_under_its_own_name() -> None:
    named = {one["name"]: one for one in OPERATIONS["slots_list_slots"]["parameters"]}
    assert named["from"]["required"]
    assert named["from"]["schema"] == {"type": "string", "format": "date"}
    assert not named["party_size"]["required"]
    assert named["party_size"]["schema"]["maximum"] == 10_000
    limits = {one["name"]: one["schema"] for one in OPERATIONS["catalogue_list_venues"]["parameters"]}
    assert (limits["limit"]["default"], limits["limit"]["maximum"]) == (50, 100)


def test_the_file_is_served_by_a_python_without_docstrings(sqlite_url: str, tmp_path: Path) -> None:
    environ = {**os.environ, "INSTANCE_DIR": str(tmp_path), "DATABASE_URL": sqlite_url, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-OO", "-c", PROGRAM], env=environ, capture_output=True, text=True, check=True, cwd=tmp_path
    )
    first, _, served = done.stdout.partition("\n")
    assert first == "200 False False"
    assert served == openapi.FILE.read_text(encoding="utf-8")


def test_the_command_tells_a_stale_file(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = create_app(load({"INSTANCE_DIR": str(tmp_path), "DATABASE_URL": sqlite_url})).test_cli_runner()
    monkeypatch.setattr(openapi, "FILE", tmp_path / "openapi.json")
    assert runner.invoke(args=["openapi", "--check"]).exit_code == 1
    assert runner.invoke(args=["openapi"]).exit_code == 0
    assert runner.invoke(args=["openapi", "--check"]).exit_code == 0
    openapi.FILE.write_text("{}")
    stale = runner.invoke(args=["openapi", "--check"])
    assert stale.exit_code == 1
    assert "flask --app app openapi" in stale.output
