"""Counters of what has been asked how often: one upsert counts, whichever worker it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, bindparam, delete, or_, select, text, update

from app.domain.duties import DAY, MOST_AHEAD
from app.persistence.session import Session
from app.persistence.tables import throttles

# count stands before ends: MySQL assigns from left to right, and the count is by the old end.
_UPSERT = """
INSERT INTO throttles (key_hash, count, ends) VALUES {rows} {clash}
    count = CASE WHEN throttles.ends <= :now THEN 1 ELSE throttles.count + 1 END,
    ends = CASE WHEN throttles.ends <= :now THEN {new_ends} ELSE throttles.ends END"""
_CLASH = {
    True: ("ON CONFLICT (key_hash) DO UPDATE SET", "excluded.ends"),
    False: ("ON DUPLICATE KEY UPDATE", "VALUES(ends)"),
}
_READ = select(throttles.c.key_hash, throttles.c.count, throttles.c.ends).where(
    throttles.c.key_hash.in_(bindparam("keys", expanding=True))
)
# One that ends beyond the longest there is was begun by a clock that was ahead: it would count until then, and refuse.
_LONGEST_SECONDS = DAY + int(MOST_AHEAD.total_seconds())
_IS_OVER = or_(throttles.c.ends <= bindparam("now"), throttles.c.ends > bindparam("latest"))
_OVER = select(throttles.c.key_hash).where(_IS_OVER).order_by(throttles.c.ends).limit(bindparam("most"))
# The time is asked again: somebody may count anew between the two statements.
_DELETE_OVER = delete(throttles).where(throttles.c.key_hash.in_(bindparam("keys", expanding=True)), _IS_OVER)
_UNCOUNT = (
    update(throttles)
    .where(
        throttles.c.key_hash == bindparam("of_key"), throttles.c.ends == bindparam("in_window"), throttles.c.count > 0
    )
    .values(count=throttles.c.count - 1)
)
_CLEAR = delete(throttles).where(throttles.c.key_hash == bindparam("key_hash"))


def count(session: Session, seconds_of: Mapping[str, int], *, now_seconds: int) -> dict[str, tuple[int, int]]:
    """Count one more on each key, for the seconds given, and return how many that makes, and until when (UTC seconds).

    Keys are taken in order, so that two who count the same ones never wait for each other.
    """
    keys = sorted(seconds_of)
    values: dict[str, Any] = {"now": now_seconds}
    for number, key in enumerate(keys):
        values |= {f"key{number}": key, f"ends{number}": now_seconds + seconds_of[key]}
    session.execute(_upsert(len(keys), is_sqlite=session.engine.dialect.name == "sqlite"), values)
    return {key: (counted, ends) for key, counted, ends in session.execute(_READ, {"keys": keys})}


def clear(session: Session, key_hash: str) -> None:
    """Forget what was counted on a key."""
    session.execute(_CLEAR, {"key_hash": key_hash})


def uncount(session: Session, key: str, *, ends: int) -> None:
    """Count one less on a key, in the window that *ends* then (UTC seconds); of one that is over nothing is given back."""
    session.execute(_UNCOUNT, {"of_key": key, "in_window": ends})


def delete_over(session: Session, *, now_seconds: int, limit: int) -> int:
    """Delete at most *limit* counters that would count anew, and return how many; 0 when none is left."""
    times = {"now": now_seconds, "latest": now_seconds + _LONGEST_SECONDS}
    keys = sorted(session.execute(_OVER, {**times, "most": limit}).scalars())
    result: Any = session.execute(_DELETE_OVER, {**times, "keys": keys}) if keys else None
    return 0 if result is None else int(result.rowcount)


@lru_cache(maxsize=16)
def _upsert(keys: int, *, is_sqlite: bool) -> TextClause:
    clash, new_ends = _CLASH[is_sqlite]
    rows = ", ".join(f"(:key{number}, 1, :ends{number})" for number in range(keys))
    return text(_UPSERT.format(rows=rows, clash=clash, new_ends=new_ends))
