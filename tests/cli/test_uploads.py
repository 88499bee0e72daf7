"""``flask uploads``, as an operator and cron type it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app.cli import uploads as commands
from app.domain.times import rfc3339
from app.persistence import session
from app.runtime.settings import load
from tests.services.counter import Counter, png
from tests.services.desk import NOW, Desk

Shell = Callable[..., Result]


@pytest.fixture
def counter(shell: Shell, shell_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counter:
    del shell
    settings = load({"INSTANCE_DIR": str(tmp_path / "instance")})
    shell_app.extensions["settings"] = settings
    found = Counter(Desk(session.engine()), settings)
    monkeypatch.setattr(commands, "clock", lambda: found.now)
    return found


def test_a_sweep_says_what_it_has_removed(counter: Counter, shell: Shell) -> None:
    kept = counter.attach(png(1))
    for number in (2, 3):
        counter.go_on(counter.begin(len(png(number))), 0, png(number))
    counter.pass_hours(25)
    result = shell("uploads", "sweep")
    assert result.exit_code == 0
    assert result.output == "removed 2 uploads, 0 drafts, 0 files given up, 0 stray files\n"
    assert [path.name for path in counter.lying()] == [kept.sha256]
    assert shell("uploads", "sweep").output.startswith("removed 0 uploads, 0 drafts")


def test_a_list_shows_what_is_on_its_way_and_no_secret(counter: Counter, shell: Shell) -> None:
    upload = counter.begin(1000, name="plan.pdf")
    counter.go_on(upload, 0, png())
    text = shell("uploads", "list").output
    heads, row = text.splitlines()
    assert heads.split() == ["id", "use", "file", "received", "length", "state", "booking", "user", "expires"]
    assert row.split()[1:6] == ["attachment", "plan.pdf", str(len(png())), "1000", "open"]
    (listed,) = json.loads(shell("uploads", "list", "--json").output)
    assert (listed["file"], listed["booking"]) == ("plan.pdf", counter.booking.id)
    assert listed["expires"] == rfc3339(NOW + timedelta(hours=24))
    assert upload.name not in text + json.dumps(listed)


def test_a_list_tells_that_there_are_more(counter: Counter, shell: Shell) -> None:
    for _ in range(3):
        counter.begin(10)
    result = shell("uploads", "list", "--limit", "2")
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr == "there are more than these 2: raise --limit\n"


def test_a_sweep_says_what_is_wrong_in_one_line(
    counter: Counter, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    del counter
    monkeypatch.setattr(session.engine().dialect, "do_execute", _away)
    result = shell("uploads", "sweep")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def _away(*_: object, **__: object) -> None:
    raise sqlite3.OperationalError("database is locked")
