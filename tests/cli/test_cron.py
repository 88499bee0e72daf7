"""``flask cron``, as cron types it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import insert, select

from app.cli import cron as commands
from app.persistence import session
from app.persistence.tables import throttles
from app.services import duties
from tests.cli.conftest import Clock
from tests.services.door import NOW

Shell = Callable[..., Result]


@pytest.fixture
def shell_app(app: Flask) -> Flask:
    """Return the whole program, with its settings, on a database of each kind."""
    return app


@pytest.fixture
def cron(bare_shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Clock:
    del bare_shell
    stopped = Clock(NOW)
    monkeypatch.setattr(commands, "clock", stopped)
    return stopped


def put_counter(ends: datetime, key: str = "over") -> None:
    with session.engine().connect() as connection:
        connection.execute(insert(throttles), {"key_hash": key, "count": 1, "ends": int(ends.timestamp())})


def test_it_prints_a_line_for_each_duty_that_did_something(bare_shell: Shell, cron: Clock) -> None:
    put_counter(NOW)
    result = bare_shell("cron")
    assert (result.exit_code, result.stdout) == (0, "throttles: 1 counters that were over, deleted\n")
    with session.engine().connect() as connection:
        assert connection.execute(select(throttles)).all() == []
    put_counter(NOW)
    assert bare_shell("cron").output == ""  # it is not due yet
    cron.now += timedelta(hours=1)
    assert bare_shell("cron").stdout.startswith("throttles: 1 ")


def test_one_that_fails_is_a_line_on_stderr_and_exit_1_and_the_others_are_done(
    bare_shell: Shell, cron: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_shift: duties.Shift) -> tuple[int, bool]:
        raise OSError("the store is away")

    assert cron
    monkeypatch.setattr(duties, "_WORK", {**duties._WORK, "requests": fail})
    put_counter(NOW)
    result = bare_shell("cron")
    assert result.exit_code == 1
    assert result.stdout == "throttles: 1 counters that were over, deleted\n"
    assert "error: requests: OSError: the store is away\n" in result.stderr


def test_what_is_left_for_the_next_run_is_told(bare_shell: Shell, cron: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cron
    monkeypatch.setattr(duties, "_WORK", {**duties._WORK, "messages": lambda _: (7, False)})
    result = bare_shell("cron")
    assert (result.exit_code, result.stdout) == (0, "messages: 7 messages sent; there is more, for the next run\n")


def test_the_time_it_has_is_an_option(bare_shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets: list[float] = []

    def run(*_call: Any, budget_seconds: float, **_named: Any) -> list[duties.Outcome]:
        budgets.append(budget_seconds)
        return []

    monkeypatch.setattr(commands, "run", run)
    assert [bare_shell("cron").exit_code, bare_shell("cron", "--seconds", "5").exit_code] == [0, 0]
    assert budgets == [50, 5]
    assert bare_shell("cron", "--seconds", "0").exit_code == 2
