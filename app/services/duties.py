"""Do what is due: each duty by one run at a time, in small transactions, until all is done or the time is up."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.exc import IntegrityError

from app.domain.duties import DUTIES, Duty, list_due
from app.persistence import codes, customer_search, sessions, throttles
from app.persistence import duties as stored
from app.persistence import outbox as messages
from app.persistence.session import Session, is_duplicate, reading, transaction, use_case
from app.runtime import logs
from app.runtime.settings import Settings
from app.services import (
    bookings,
    busy_refresh,
    holds,
    idempotency,
    outbox,
    outbox_marks,
    privacy_retention,
    reminders,
    uploads_sweep,
)

BATCH = 500  # rows a transaction, so that nobody waits long for their locks
# Above what is left of the budget: no batch takes longer. A run that was killed has its duties taken over then.
LEASE_SECONDS = 120
State = Literal["done", "unfinished", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a duty: how many things it did, and whether that was all there was; *error* is for operators."""

    duty: Duty
    done: int
    state: State
    error: str = ""


@dataclass(frozen=True, slots=True)
class Shift:
    """The time that a duty has: until *ends*, by a *tick* in seconds that only goes forward; it began at *now*."""

    settings: Settings
    clock: Callable[[], datetime]
    tick: Callable[[], float]
    ends: float
    now: datetime

    @property
    def seconds_left(self) -> float:
        """Return how long it may still go on."""
        return self.ends - self.tick()


def run(
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    budget_seconds: float,
    tick: Callable[[], float] = time.monotonic,
) -> list[Outcome]:
    """Do what is due, the longest overdue first, and return what became of each; any number of these may run at once.

    Each duty gets an equal part of the time that is left: one with a week's work does not keep the others from theirs.
    A duty that fails does not stop them.

    Raises:
        Busy: the database does not answer; the next run does what was left.
    """
    ends, claimant = tick() + budget_seconds, secrets.token_hex(16)
    due = _list_due(now=clock())
    outcomes = []
    for number, duty in enumerate(due):
        left = ends - tick()
        if left <= 0:
            break
        shift = Shift(settings, clock, tick, ends - left + left / (len(due) - number), clock())
        if _claim(duty, claimant, now=shift.now, lease_seconds=int(left) + LEASE_SECONDS):
            outcomes.append(_do(duty, claimant, shift))
    return outcomes


def _do(duty: Duty, claimant: str, shift: Shift) -> Outcome:
    try:
        done, is_finished = _WORK[duty.name](shift)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are to be done; it is logged and shown by doctor
        logs.error("duty_failed", trace=error, duty=duty.name)
        reason = _reason(error)
        _fail(duty, claimant, now=shift.clock(), error=reason)
        return Outcome(duty, 0, "failed", reason)
    if done:
        logs.info("duty_done", duty=duty.name, number=done)
    if not is_finished:
        _give_back(duty, claimant)
        return Outcome(duty, done, "unfinished")
    _succeed(duty, claimant, now=shift.now)
    return Outcome(duty, done, "done")


def _reason(error: Exception) -> str:
    """Return what went wrong as one line; of a database's refusal without the statement, whose values are nobody's business."""
    said = getattr(error, "orig", None) or error
    return " ".join(f"{type(error).__name__}: {said}".split())[: stored.MAX_ERROR]


def _batches(batch: Callable[[datetime], int]) -> Callable[[Shift], tuple[int, bool]]:
    """Return work that repeats *batch* until that finds nothing more."""
    return _repeated(lambda shift: batch(shift.now))


def _repeated(batch: Callable[[Shift], int]) -> Callable[[Shift], tuple[int, bool]]:
    def work(shift: Shift) -> tuple[int, bool]:
        done = 0
        while shift.seconds_left > 0:
            some = batch(shift)
            if some == 0:
                return done, True
            done += some
        return done, False

    return work


def _purge(delete: Callable[[Session, datetime], int]) -> Callable[[Shift], tuple[int, bool]]:
    """Return work that deletes batch by batch, each in a transaction of its own."""

    @use_case
    def batch(now: datetime) -> int:
        with transaction() as session:
            return delete(session, now)

    return _batches(batch)


def _send(shift: Shift) -> tuple[int, bool]:
    while outbox_marks.bring_back(int(shift.now.timestamp()), BATCH) == BATCH:
        pass
    sent = outbox.drain(shift.settings, clock=shift.clock, budget_seconds=shift.seconds_left)
    return sent, shift.seconds_left > 0


def _sweep_uploads(shift: Shift) -> tuple[int, bool]:
    swept = uploads_sweep.sweep(shift.settings, clock=shift.clock, goes_on=lambda: shift.seconds_left > 0)
    return swept.uploads + swept.drafts + swept.contents + swept.strays, swept.is_finished


_WORK: Mapping[str, Callable[[Shift], tuple[int, bool]]] = {
    "requests": _batches(lambda now: bookings.expire_batch(now=now)),
    "reminders": _repeated(lambda shift: reminders.remind_batch(shift.settings, now=shift.now)),
    "messages": _send,
    "busy_calendars": _repeated(
        lambda shift: busy_refresh.refresh_next(shift.settings, now=shift.now, seconds=shift.seconds_left)
    ),
    "holds": _batches(lambda now: holds.sweep_batch(now=now)),
    "codes": _purge(lambda session, now: codes.delete_over(session, now_seconds=int(now.timestamp()), limit=BATCH)),
    "throttles": _purge(
        lambda session, now: throttles.delete_over(session, now_seconds=int(now.timestamp()), limit=BATCH)
    ),
    "sessions": _purge(lambda session, now: sessions.delete_over(session, now=now, limit=BATCH)),
    "answers": _batches(lambda now: idempotency.sweep_batch(now=now)),
    "outbox": _purge(lambda session, now: messages.delete_done(session, now=now, limit=BATCH)),
    "search": _purge(lambda session, _: customer_search.add_missing(session, limit=BATCH)),
    "retention": lambda shift: privacy_retention.sweep(
        shift.settings, now=shift.now, has_time=lambda: shift.seconds_left > 0
    ),
    "uploads": _sweep_uploads,
}


@use_case
def _list_due(*, now: datetime) -> Sequence[Duty]:
    """Return what is due, with a row for each duty there is."""
    last = stored.list_last_runs(reading())
    for duty in DUTIES:
        if duty.name not in last:
            _enter(duty)
    return list_due(last, now=now)


def _enter(duty: Duty) -> None:
    try:
        with transaction() as session:
            stored.add_duty(session, duty.name)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise


@use_case
def _claim(duty: Duty, claimant: str, *, now: datetime, lease_seconds: int) -> bool:
    with transaction() as session:
        return stored.claim(session, duty, claimant, now=now, lease_seconds=lease_seconds)


@use_case
def _succeed(duty: Duty, claimant: str, *, now: datetime) -> None:
    with transaction() as session:
        stored.succeed(session, duty.name, claimant, at=now)


@use_case
def _fail(duty: Duty, claimant: str, *, now: datetime, error: str) -> None:
    with transaction() as session:
        stored.fail(session, duty.name, claimant, at=now, error=error)


@use_case
def _give_back(duty: Duty, claimant: str) -> None:
    with transaction() as session:
        stored.give_back(session, duty.name, claimant)
