"""Which duties are due, in which order, and when cron is late."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from app.domain.duties import DUTIES, Duty, LastRun, is_late, last_run_at, list_due

NOW = datetime(2027, 6, 1, 8, 0, tzinfo=timezone.utc)
MESSAGES, HOLDS, OUTBOX = (
    next(duty for duty in DUTIES if duty.name == name) for name in ("messages", "holds", "outbox")
)
DONE_NOW = {duty.name: LastRun(NOW) for duty in DUTIES}


def ago(**span: float) -> LastRun:
    return LastRun(NOW - timedelta(**span))


def due(**last: LastRun) -> list[str]:
    return [duty.name for duty in list_due({**DONE_NOW, **last}, now=NOW)]


def test_what_was_never_done_is_due_in_the_order_of_the_list() -> None:
    assert list_due({}, now=NOW) == list(DUTIES)


def test_what_has_just_been_done_is_not_due() -> None:
    assert due() == []


@pytest.mark.parametrize(("seconds", "names"), [(3599, []), (3600, ["holds"]), (3601, ["holds"])])
def test_a_duty_is_due_from_the_second_its_time_has_come(seconds: int, names: list[str]) -> None:
    assert due(holds=ago(seconds=seconds)) == names


def test_a_cron_of_every_minute_that_comes_a_second_early_finds_messages_due() -> None:
    assert due(messages=ago(seconds=59)) == ["messages"]


def test_the_longest_overdue_comes_first_whatever_its_period() -> None:
    last = {"messages": ago(minutes=10), "holds": ago(hours=3), "outbox": ago(hours=25)}
    assert due(**last) == ["holds", "outbox", "messages"]
    assert due(**last, uploads=LastRun()) == ["uploads", "holds", "outbox", "messages"]


def test_a_failure_is_tried_again_after_half_a_minute() -> None:
    def failed(seconds: int) -> LastRun:
        return LastRun(NOW - timedelta(days=1), NOW - timedelta(seconds=seconds), "the disk is full")

    assert due(holds=failed(29)) == []
    assert due(holds=failed(30)) == ["holds"]


def test_times_of_a_clock_that_was_ahead_keep_no_duty_from_being_done() -> None:
    ahead = NOW + timedelta(days=400)
    assert due(holds=LastRun(ahead), codes=LastRun(NOW - timedelta(days=1), ahead, "?")) == ["holds", "codes"]
    assert due(holds=LastRun(NOW + timedelta(seconds=5))) == []  # of another node's clock


@pytest.mark.parametrize(
    ("duty", "last", "late"),
    [
        (HOLDS, ago(minutes=119), False),
        (HOLDS, ago(minutes=120), True),
        (MESSAGES, ago(minutes=60), False),
        (MESSAGES, ago(minutes=61), True),
        (OUTBOX, ago(hours=24), False),
        (OUTBOX, ago(hours=25), True),
        (OUTBOX, LastRun(), True),
    ],
)
def test_a_duty_is_late_an_hour_after_its_time(duty: Duty, last: LastRun, late: bool) -> None:  # noqa: FBT001
    assert is_late(duty, last, now=NOW) is late


def test_the_last_run_is_the_latest_of_any_duty_done_or_failed() -> None:
    assert last_run_at({}) is None
    assert last_run_at({"holds": LastRun()}) is None
    assert last_run_at({"holds": ago(hours=5), "codes": ago(hours=2)}) == NOW - timedelta(hours=2)
    assert last_run_at({"holds": ago(hours=5), "codes": LastRun(None, NOW, "?")}) == NOW


def test_names_are_the_keys_of_rows() -> None:
    assert len({duty.name for duty in DUTIES}) == len(DUTIES)
    assert max(len(duty.name) for duty in DUTIES) <= 32
