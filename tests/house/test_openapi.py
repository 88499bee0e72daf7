"""The description of the interface says what the route table promises, and is served as it is, by any Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from app.runtime.settings import load
from app.web import openapi
from app.web.openapi_build import build
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
    assert headers_of(operation) == {name for name, is_promised in promised.items() if is_promised}
    assert {str(row.status), *(str(status) for status in row.problems), "default"} <= set(answers)
    assert ("304" in answers) == row.cached
    assert ("security" in operation) == row.policy.token
    assert "Retry-After" in answers["503"]["headers"]
    good = answers[str(row.status)].get("headers", {})
    assert ("ETag" in good) == (row.cached or row.policy.token)
    assert ("Idempotency-Replayed" in good) == row.idempotent


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.endpoint)
def test_every_refusal_is_a_problem_and_names_its_codes(row: Route) -> None:
    for status, answer in OPERATIONS[row.endpoint]["responses"].items():
        if status == "default" or int(status) >= 400:
            assert list(answer["content"]) == ["application/problem+json"]
            assert status == "default" or "`code` is `" in answer["description"]


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
