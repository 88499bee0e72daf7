"""Count what is asked, and refuse what is asked too often. A refusal leaves nothing counted: its transaction is rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.domain.errors import RateLimited
from app.domain.throttles import Allowance, Limit, key_of
from app.persistence import throttles
from app.persistence.session import Session

Counted = tuple[Limit, str]  # a limit and whom it is counted for


def count(session: Session, counted: Sequence[Counted], *, secret_key: str, now: datetime) -> list[Allowance]:
    """Count one more on each limit and return what is left of each, in the order given.

    Raises:
        RateLimited: one was used up; the caller's transaction is to end with it.
    """
    now_seconds = int(now.timestamp())
    keys = {key_of(secret_key, limit, subject): limit for limit, subject in counted}
    found = throttles.count(session, {key: limit.seconds for key, limit in keys.items()}, now_seconds=now_seconds)
    left = [_allowance(limit, *found[key], now_seconds) for key, limit in keys.items()]
    used_up = [allowance for allowance in left if allowance.remaining < 0]
    if used_up:
        longest = max(used_up, key=lambda allowance: allowance.reset_seconds)
        raise RateLimited(
            f"Too many requests; ask again in {longest.reset_seconds} seconds.",
            limit=longest.limit,
            most=longest.most,
            retry_after_seconds=longest.reset_seconds,
        )
    return left


def forget(session: Session, limit: Limit, subject: str, *, secret_key: str) -> None:
    """Forget what was counted: the caller has shown who they are."""
    throttles.clear(session, key_of(secret_key, limit, subject))


def _allowance(limit: Limit, count: int, ends: int, now_seconds: int) -> Allowance:
    return Allowance(limit.name, limit.most, limit.most - count, min(max(ends - now_seconds, 1), limit.seconds))
