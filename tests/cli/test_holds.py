"""``flask holds`` and ``flask idempotency``: what cron calls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import Result
from sqlalchemy import text

from app.domain.actors import Actor
from app.domain.wishes import Wish
from app.persistence import session
from app.services import holds
from app.services.idempotency import make_key

Shell = Callable[..., Result]
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=timezone.utc)


def _hold(hour: int, *, minutes: int = 10) -> None:
    starts_at = datetime(2026, 12, 2, hour, tzinfo=timezone.utc)
    key = make_key("guest:hold", str(hour), b"")
    holds.hold(Wish(1, starts_at), hold_minutes=minutes, secret_key="k" * 32, by=Actor("guest"), now=NOW, key=key)
    session.remove()


def _count(table: str) -> int:
    with session.engine().connect() as connection:
        return int(connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one())  # noqa: S608


def _set_clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    for module in ("holds", "idempotency"):
        monkeypatch.setattr(f"app.cli.{module}.clock", lambda: now)


def test_a_sweep_deletes_what_is_over_and_nothing_else(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("demo", "load")
    _hold(10)
    _hold(12, minutes=30)
    _set_clock(monkeypatch, NOW + timedelta(minutes=10))
    assert shell("holds", "sweep").stdout == "deleted 1 hold that was over\n"
    assert (_count("holds"), _count("occupancies")) == (1, 1)
    assert shell("holds", "sweep").stdout == "deleted 0 holds that were over\n"


def test_a_sweep_goes_on_until_nothing_is_left(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("demo", "load")
    for hour in range(8, 13):
        _hold(hour)
    for module in ("app.services.holds", "app.cli.holds"):
        monkeypatch.setattr(f"{module}.SWEEP_SIZE", 2)
    _set_clock(monkeypatch, NOW + timedelta(hours=1))
    assert shell("holds", "sweep").stdout == "deleted 5 holds that were over\n"
    assert (_count("holds"), _count("occupancies")) == (0, 0)


def test_answers_older_than_a_day_are_deleted(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("demo", "load")
    _hold(10)
    _set_clock(monkeypatch, NOW + timedelta(hours=23))
    assert shell("idempotency", "sweep").stdout == "deleted 0 answers older than a day\n"
    _set_clock(monkeypatch, NOW + timedelta(hours=24))
    assert shell("idempotency", "sweep").stdout == "deleted 1 answer older than a day\n"
    assert _count("idempotency_keys") == 0


def test_a_sweep_before_the_first_upgrade_says_what_to_do(bare_shell: Shell) -> None:
    for group in ("holds", "idempotency"):
        result = bare_shell(group, "sweep")
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert "db upgrade" in result.stderr
