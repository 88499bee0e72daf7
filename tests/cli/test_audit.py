"""``flask audit``, as an operator runs it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import insert

from app.persistence import session, tables
from tests.cli.conftest import Shell

T0 = datetime(2027, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def log(shell: Shell) -> Shell:
    """Return a shell on a database whose log has three entries, a day apart."""
    row = {"object": "user:1", "actor": "admin:1", "address": "", "request_id": "", "detail": "{}"}
    actions = ("sign_in.password", "user.disabled", "sign_in.failed")
    rows = [{**row, "action": action, "at": T0 + timedelta(days=day)} for day, action in enumerate(actions)]
    with session.engine().connect() as connection:
        connection.execute(insert(tables.audit_log), rows)
    return shell


def test_entries_are_listed_the_newest_first(log: Shell) -> None:
    done = log("audit", "list")
    assert done.exit_code == 0, done.output
    assert [line.split()[2] for line in done.stdout.splitlines()] == [
        "action",
        "sign_in.failed",
        "user.disabled",
        "sign_in.password",
    ]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (("--action", "sign_in.*"), [3, 1]),
        (("--actor", "admin:2"), []),
        (("--object", "user:1", "--from", "2027-01-02"), [3, 2]),
        (("--to", "2027-01-02T00:00:00Z"), [1]),
    ],
)
def test_filters_say_who_what_and_when(log: Shell, options: tuple[str, ...], ids: list[int]) -> None:
    assert [entry["id"] for entry in json.loads(log("audit", "list", "--json", *options).stdout)] == ids


def test_a_list_that_is_cut_says_so(log: Shell) -> None:
    done = log("audit", "list", "--limit", "2")
    assert "there are more than these 2" in done.stderr


@pytest.mark.parametrize(("kind", "end"), [("csv", "#rows=2"), ("jsonl", '{"rows":2}')])
def test_an_export_is_there_when_it_is_whole(log: Shell, tmp_path: Path, kind: str, end: str) -> None:
    file = tmp_path / "log"
    done = log("audit", "export", "--format", kind, "--action", "sign_in.*", "--output", str(file))
    assert done.exit_code == 0, done.output
    assert file.read_text(encoding="utf-8").splitlines()[-1] == end
    assert log("audit", "export", "--output", str(file)).exit_code == 1


def test_times_that_end_before_they_begin_are_told_in_one_line(log: Shell) -> None:
    done = log("audit", "list", "--from", "2027-01-02", "--to", "2027-01-01")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
