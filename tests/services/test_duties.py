"""The duties: each done once whoever runs, all of them whatever one does, and within the time there is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, update

from app.domain.duties import DUTIES
from app.domain.errors import Busy
from app.persistence import tables
from app.persistence.session import transaction
from app.runtime.settings import Settings
from app.services import duties, uploads_sweep
from app.services.duties import Outcome, Shift
from tests.services.desk import Desk, at
from tests.services.door import NOW, ON_SQLITE, Door, at_once, nothing_written

NAMES = [duty.name for duty in DUTIES]
Work = Callable[[Shift], tuple[int, bool]]


class Killed(BaseException):
    """What ends a run like a signal does: nothing after it is done."""


class Stopwatch:
    """Seconds that pass when a test says so."""

    at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def door(database: Engine, settings: Settings) -> Door:
    return Door(database, settings)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Work]:
    """What each duty does, instead of its work: nothing, and that is all there was; a test puts in its own."""
    idle: dict[str, Work] = dict.fromkeys(NAMES, lambda _: (0, True))
    monkeypatch.setattr(duties, "_WORK", idle)
    return idle


def run(door: Door, **options: Any) -> list[Outcome]:
    return duties.run(door.settings, clock=lambda: door.now, **{"budget_seconds": 50, **options})


def states(outcomes: list[Outcome]) -> list[tuple[str, str, int]]:
    return [(outcome.duty.name, outcome.state, outcome.done) for outcome in outcomes]


def done_at(door: Door, name: str) -> datetime | None:
    (row,) = (row for row in door.rows("duties") if row.name == name)
    found: datetime | None = row.succeeded_at
    return found


def test_a_first_run_does_everything_and_notes_when(door: Door) -> None:
    assert states(run(door)) == [(name, "done", 0) for name in NAMES]
    kept = {row.name: (row.claim, row.lease_ends, row.succeeded_at, row.failed_at) for row in door.rows("duties")}
    assert kept == dict.fromkeys(NAMES, (None, 0, door.now, None))


def test_a_run_does_what_is_due_and_touches_nothing_else(door: Door) -> None:
    run(door)
    with nothing_written(door):
        assert run(door) == []
    door.pass_time(minutes=1)
    assert [name for name, *_ in states(run(door))] == ["requests", "reminders", "messages"]
    door.pass_time(hours=1)
    assert [name for name, *_ in states(run(door))][-4:] == ["holds", "codes", "throttles", "sessions"]


def test_every_duty_has_work_to_do() -> None:
    assert set(duties._WORK) == set(NAMES)


def test_what_is_over_goes_and_what_is_owed_is_sent(door: Door) -> None:
    desk = Desk(door.engine)
    desk.now = door.now - timedelta(days=2)
    pending = desk.book(desk.room_service(requires_approval=True), at("09:00", day=1))
    desk.hold(desk.room_service(), at("10:00", day=1))
    door.member()
    door.run(update(tables.sessions).values(expires_at=door.now))
    door.run(update(tables.one_time_codes).values(expires=int(door.now.timestamp()) - 3600))
    door.run(update(tables.throttles).values(ends=int(door.now.timestamp())))
    door.pass_time(minutes=30)
    door.ask(browser="another")  # a live code, live counters, and a letter that is owed
    counting = {row.key_hash: row.ends > door.now.timestamp() for row in door.rows("throttles")}
    desk.now = door.now
    door.run(update(tables.bookings).values(starts_at=door.now))
    done = {name: number for name, state, number in states(run(door)) if state == "done"}
    assert (done["requests"], done["holds"], done["sessions"], done["codes"]) == (1, 1, 1, 1)
    assert done["messages"] >= 1
    assert done["throttles"] >= 1
    assert [row.status for row in door.rows("bookings") if row.ref == pending.ref] == ["expired"]
    assert door.rows("holds") == door.rows("sessions") == []
    assert len(door.rows("one_time_codes")) == 1
    kept = {row.key_hash for row in door.rows("throttles")} & set(counting)  # sending counts, too
    assert kept == {key for key, is_live in counting.items() if is_live}
    assert len(counting) - len(kept) == done["throttles"]
    assert all(row.ends > door.now.timestamp() for row in door.rows("throttles"))
    assert {row.status for row in door.rows("outbox")} <= {"sent", "expired", "void"}


@pytest.mark.long
def test_more_than_a_batch_goes_in_one_run(door: Door) -> None:
    ends = int(door.now.timestamp())
    rows = [{"key_hash": f"{number}", "count": 1, "ends": ends} for number in range(duties.BATCH * 2 + 1)]
    door.run(insert(tables.throttles), rows)  # type: ignore[arg-type]
    assert ("throttles", "done", duties.BATCH * 2 + 1) in states(run(door))
    assert door.rows("throttles") == []


def test_uploads_are_swept_and_counted_together(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    swept = uploads_sweep.Swept(uploads=1, drafts=2, contents=3, strays=4)
    monkeypatch.setattr(uploads_sweep, "sweep", lambda *_call, **_named: swept)
    assert states(run(door))[-1] == ("uploads", "done", 10)


def slowly(seen: list[str], name: str) -> Work:
    """Return work that notes its name, and lets others run while it is at it."""

    def work(_: Shift) -> tuple[int, bool]:
        seen.append(name)
        threading.Event().wait(0.02)
        return 1, True

    return work


def test_two_runs_at_once_do_each_duty_once(door: Door, jobs: dict[str, Work]) -> None:
    seen: list[str] = []
    jobs.update({name: slowly(seen, name) for name in NAMES})
    results = at_once(2, lambda: run(door))
    assert sorted(seen) == sorted(NAMES)
    assert sorted(name for outcomes in results for name, *_ in states(outcomes)) == sorted(NAMES)


def test_without_the_claim_two_runs_at_once_do_them_twice(
    door: Door, jobs: dict[str, Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the test above fails where nobody claims."""
    seen: list[str] = []
    jobs.update({name: slowly(seen, name) for name in NAMES})
    monkeypatch.setattr(duties, "_claim", lambda *_call, **_named: True)
    at_once(2, lambda: run(door))
    assert len(seen) > len(NAMES)


def test_what_a_killed_run_had_is_taken_up_when_its_lease_ends(door: Door, jobs: dict[str, Work]) -> None:
    def die(_: Shift) -> tuple[int, bool]:
        raise Killed

    jobs["messages"] = die
    with pytest.raises(Killed):
        run(door, budget_seconds=50, tick=Stopwatch())
    jobs["messages"] = lambda _: (1, True)
    assert "messages" not in [name for name, *_ in states(run(door))]
    door.pass_time(seconds=50 + duties.LEASE_SECONDS - 1)
    assert "messages" not in [name for name, *_ in states(run(door))]
    door.pass_time(seconds=1)
    assert ("messages", "done", 1) in states(run(door))


def test_one_that_fails_is_logged_with_its_name_and_the_others_are_done(
    door: Door, jobs: dict[str, Work], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Shift) -> tuple[int, bool]:
        raise OSError("the store\nis away")

    jobs["requests"] = fail
    with caplog.at_level(logging.ERROR, "slotkeeper"):
        outcomes = run(door)
    assert states(outcomes) == [("requests", "failed", 0), *((name, "done", 0) for name in NAMES[1:])]
    assert outcomes[0].error == "OSError: the store is away"
    (record,) = caplog.records
    assert (record.getMessage(), record.fields, record.exc_info is not None) == (  # type: ignore[attr-defined]
        "duty_failed",
        {"duty": "requests"},
        True,
    )
    (row,) = (row for row in door.rows("duties") if row.name == "requests")
    assert (row.succeeded_at, row.failed_at, row.last_error) == (None, door.now, "OSError: the store is away")
    assert (row.claim, row.lease_ends) == (None, 0)


def test_one_that_failed_is_tried_again_by_the_next_run_of_a_minute(door: Door, jobs: dict[str, Work]) -> None:
    jobs["uploads"] = lambda _: (1 // 0, True)
    run(door)
    jobs["uploads"] = lambda _: (3, True)
    assert run(door) == []
    door.pass_time(minutes=1)
    assert ("uploads", "done", 3) in states(run(door))
    assert done_at(door, "uploads") == door.now


def test_a_refusal_of_the_database_is_noted_without_the_values_of_the_statement(
    door: Door, jobs: dict[str, Work]
) -> None:
    def fail(_: Shift) -> tuple[int, bool]:
        with transaction() as opened:
            opened.execute(insert(tables.throttles), {"key_hash": "hunter2", "count": None, "ends": 1})
        return 0, True

    jobs["requests"] = fail
    error = run(door)[0].error
    assert error.startswith("IntegrityError: ")
    assert "count" in error
    assert "hunter2" not in error


def test_a_long_reason_is_cut(door: Door, jobs: dict[str, Work]) -> None:
    def fail(_: Shift) -> tuple[int, bool]:
        raise OSError("x" * 1000)

    jobs["requests"] = fail
    assert len(run(door)[0].error) == 300
    assert max(len(row.last_error) for row in door.rows("duties")) == 300


def test_a_database_that_is_away_ends_the_run(
    door: Door, jobs: dict[str, Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_call: Any, **_named: Any) -> bool:
        raise Busy("The database cannot take this now.")

    del jobs
    monkeypatch.setattr(duties, "_claim", refuse)
    with pytest.raises(Busy):
        run(door)


def lasting(watch: Stopwatch, seconds: float, shifts: list[float]) -> Work:
    """Return work that takes its time, as told by the watch, and notes how much it was given."""

    def work(shift: Shift) -> tuple[int, bool]:
        shifts.append(shift.seconds_left)
        watch.at += seconds
        return 1, True

    return work


@ON_SQLITE
def test_nothing_is_begun_after_the_time_is_up(door: Door, jobs: dict[str, Work]) -> None:
    watch = Stopwatch()
    jobs.update({name: lasting(watch, 5, []) for name in NAMES})
    assert [name for name, *_ in states(run(door, budget_seconds=15, tick=watch))] == NAMES[:3]
    assert [name for name, *_ in states(run(door, budget_seconds=15, tick=watch))] == NAMES[3:6]  # the next goes on


@ON_SQLITE
def test_each_has_an_equal_part_of_what_is_left_and_leaves_the_rest_to_the_others(
    door: Door, jobs: dict[str, Work]
) -> None:
    watch, shifts = Stopwatch(), list[float]()
    jobs.update({name: lasting(watch, 0, shifts) for name in NAMES})
    jobs[NAMES[0]] = lasting(watch, 10, shifts)
    run(door, budget_seconds=10 * len(NAMES), tick=watch)
    rest = len(NAMES) - 1
    assert shifts == pytest.approx([10, *(10 * rest / left for left in range(rest, 0, -1))])


@ON_SQLITE
def test_a_batch_is_the_last_once_the_part_is_over_and_the_next_run_goes_on(
    door: Door, jobs: dict[str, Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duties, "BATCH", 2)
    ends = int(door.now.timestamp())
    rows = [{"key_hash": f"{number}", "count": 1, "ends": ends} for number in range(10)]
    door.run(insert(tables.throttles), rows)  # type: ignore[arg-type]
    watch = Stopwatch()

    def purge(session: Any, now: datetime) -> int:
        watch.at += 4
        return duties.throttles.delete_over(session, now_seconds=int(now.timestamp()), limit=2)

    jobs["throttles"] = duties._purge(purge)
    budget = 10 * (
        len(NAMES) - NAMES.index("throttles")
    )  # ten seconds for each that is left: the third batch ends at twelve
    outcomes = {name: (state, number) for name, state, number in states(run(door, budget_seconds=budget, tick=watch))}
    assert outcomes["throttles"] == ("unfinished", 6)
    assert done_at(door, "throttles") is None
    again = {name: (state, number) for name, state, number in states(run(door, budget_seconds=45, tick=watch))}
    assert again == {"throttles": ("done", 4)}
    assert done_at(door, "throttles") == door.now


@ON_SQLITE
def test_a_run_that_lasts_is_noted_by_its_beginning_so_that_the_next_minute_finds_it_due(
    door: Door, jobs: dict[str, Work]
) -> None:
    def take_a_minute(_: Shift) -> tuple[int, bool]:
        door.pass_time(seconds=45)
        return 1, True

    jobs["messages"] = take_a_minute
    run(door)
    assert done_at(door, "messages") == NOW


@ON_SQLITE
def test_messages_that_are_still_owed_when_the_time_is_up_are_no_success(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Stopwatch()

    def drain(*_call: Any, budget_seconds: float, **_named: Any) -> int:
        watch.at += budget_seconds
        return 7

    monkeypatch.setattr(duties.outbox, "drain", drain)
    assert ("messages", "unfinished", 7) in states(run(door, tick=watch))
