"""How each duty fared, and which run has it: claimed by a conditional UPDATE, for as long as its lease lasts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, or_, select, update

from app.domain.duties import MOST_AHEAD, RETRY_SECONDS, Duty, LastRun
from app.persistence.session import Session
from app.persistence.tables import duties

MAX_ERROR = 300  # letters
_LONGEST_LEASE_SECONDS = 2 * 3600  # one that ends later is of a clock that was wrong
_C = duties.c
_ADD = insert(duties)
_LIST = select(_C.name, _C.succeeded_at, _C.failed_at, _C.last_error)
# Whether it is due is asked again here: two runs read the same list, and the second comes when the first has done it.
_CLAIM = (
    update(duties)
    .where(
        _C.name == bindparam("duty"),
        or_(_C.lease_ends <= bindparam("now"), _C.lease_ends > bindparam("lease_beyond")),
        or_(
            _C.succeeded_at.is_(None),
            _C.succeeded_at <= bindparam("done_before"),
            _C.succeeded_at > bindparam("done_beyond"),
        ),
        or_(_C.failed_at.is_(None), _C.failed_at <= bindparam("failed_before"), _C.failed_at > bindparam("now_at")),
    )
    .values(claim=bindparam("claimant"), lease_ends=bindparam("until"))
)
_MINE = (
    update(duties)
    .where(_C.name == bindparam("duty"), _C.claim == bindparam("claimant"))
    .values(claim=None, lease_ends=0)
)
_SUCCEED = _MINE.values(succeeded_at=bindparam("at"), failed_at=None, last_error="")
_FAIL = _MINE.values(failed_at=bindparam("at"), last_error=bindparam("error"))


def list_last_runs(session: Session) -> dict[str, LastRun]:
    """Return how each duty fared; those that no run has come to yet are left out."""
    return {name: LastRun(done, failed, error) for name, done, failed, error in session.execute(_LIST)}


def add_duty(session: Session, name: str) -> None:
    """Insert a duty that was never done.

    Raises:
        IntegrityError: it is there already.
    """
    session.execute(_ADD, {"name": name, "claim": None, "lease_ends": 0, "last_error": ""})


def claim(session: Session, duty: Duty, claimant: str, *, now: datetime, lease_seconds: int) -> bool:
    """Claim a duty; False if another run has it, or has just done it."""
    seconds = int(now.timestamp())
    values = {
        "now": seconds,
        "until": seconds + lease_seconds,
        "lease_beyond": seconds + _LONGEST_LEASE_SECONDS,
        "done_before": now - duty.every,
        "done_beyond": now + MOST_AHEAD,
        "failed_before": now - timedelta(seconds=RETRY_SECONDS),
        "now_at": now,
    }
    result: Any = session.execute(_CLAIM, {"duty": duty.name, "claimant": claimant, **values})
    return bool(result.rowcount == 1)


def succeed(session: Session, name: str, claimant: str, *, at: datetime) -> None:
    """Note that all was done, by a run that began at a time; nothing if the claim has been lost."""
    session.execute(_SUCCEED, {"duty": name, "claimant": claimant, "at": at})


def fail(session: Session, name: str, claimant: str, *, at: datetime, error: str) -> None:
    """Note that the run failed, in at most 300 letters; nothing if the claim has been lost."""
    session.execute(_FAIL, {"duty": name, "claimant": claimant, "at": at, "error": error})


def give_back(session: Session, name: str, claimant: str) -> None:
    """Let the next run go on where this one had no time left."""
    session.execute(_MINE, {"duty": name, "claimant": claimant})
