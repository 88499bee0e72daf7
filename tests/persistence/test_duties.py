"""The claim of a duty: one conditional UPDATE, which only one of many gets, and which ends with its lease."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from app.domain.duties import Duty, LastRun
from app.persistence import duties, session
from app.persistence.engine import make_engine
from app.persistence.session import is_duplicate, reading, transaction, use_case
from tests.services.door import at_once

NOW = datetime(2027, 6, 1, 8, 0, tzinfo=timezone.utc)
SWEEP = Duty("sweep", 3600, "things swept")


@pytest.fixture(autouse=True)
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    session.configure(engine)
    with transaction() as opened:
        duties.add_duty(opened, "sweep")
        duties.add_duty(opened, "other")
    yield engine
    session.remove()
    engine.dispose()


def after(**span: float) -> datetime:
    return NOW + timedelta(**span)


@use_case
def claim(who: str = "a", at: datetime = NOW, lease_seconds: int = 170) -> bool:
    with transaction() as opened:
        return duties.claim(opened, SWEEP, who, now=at, lease_seconds=lease_seconds)


def end(who: str, at: datetime | None = None, error: str = "") -> None:
    with transaction() as opened:
        if error:
            duties.fail(opened, "sweep", who, at=at or NOW, error=error)
        elif at:
            duties.succeed(opened, "sweep", who, at=at)
        else:
            duties.give_back(opened, "sweep", who)


def last() -> LastRun:
    return duties.list_last_runs(reading())["sweep"]


def test_a_duty_is_entered_once() -> None:
    with pytest.raises(IntegrityError) as refused, transaction() as opened:
        duties.add_duty(opened, "sweep")
    assert is_duplicate(refused.value)
    assert duties.list_last_runs(reading()) == {"sweep": LastRun(), "other": LastRun()}


def test_one_of_eight_who_claim_at_once_gets_it() -> None:
    assert sorted(at_once(8, lambda: claim("x"))) == [False] * 7 + [True]


@pytest.mark.parametrize(("seconds", "free"), [(0, False), (169, False), (170, True)])
def test_the_claim_of_a_run_that_was_killed_ends_with_its_lease(seconds: int, free: bool) -> None:  # noqa: FBT001
    assert claim("killed")
    assert claim("next", after(seconds=seconds)) is free


def test_a_run_that_lost_its_claim_writes_nothing() -> None:
    claim("slow")
    claim("next", after(seconds=170))
    end("slow", after(seconds=200))
    end("slow", error="too late")
    end("slow")
    assert last() == LastRun()
    assert not claim("third", after(seconds=171))
    end("next", after(seconds=170))
    assert last() == LastRun(after(seconds=170))


@pytest.mark.parametrize(("seconds", "due"), [(0, False), (3599, False), (3600, True)])
def test_what_has_been_done_cannot_be_claimed_before_its_time(seconds: int, due: bool) -> None:  # noqa: FBT001
    claim("a")
    end("a", NOW)
    assert claim("b", after(seconds=seconds)) is due


@pytest.mark.parametrize(("seconds", "due"), [(0, False), (29, False), (30, True)])
def test_what_has_failed_cannot_be_claimed_for_half_a_minute(seconds: int, due: bool) -> None:  # noqa: FBT001
    claim("a")
    end("a", error="x" * 300)
    assert last() == LastRun(None, NOW, "x" * 300)
    assert claim("b", after(seconds=seconds)) is due


def test_success_takes_the_failure_away() -> None:
    claim("a")
    end("a", error="no")
    claim("b", after(minutes=1))
    end("b", after(minutes=1))
    assert last() == LastRun(after(minutes=1))


def test_what_was_given_back_can_be_claimed_at_once_and_was_not_done() -> None:
    claim("a")
    end("a")
    assert last() == LastRun()
    assert claim("b")


def test_a_claim_is_of_its_duty_alone() -> None:
    claim("a")
    with transaction() as opened:
        assert duties.claim(opened, Duty("other", 60, ""), "b", now=NOW, lease_seconds=170)
        assert not duties.claim(opened, Duty("unknown", 60, ""), "b", now=NOW, lease_seconds=170)


def test_times_of_a_clock_that_was_ahead_bind_nobody() -> None:
    claim("a", after(days=400))
    assert claim("b")  # though the lease ends in a year
    end("b", after(days=400))
    assert claim("c")  # though it was done in a year
    end("c", after(days=400), error="no")
    assert claim("d")
    end("d", after(seconds=5))
    assert not claim("e")  # five seconds are another node's clock
