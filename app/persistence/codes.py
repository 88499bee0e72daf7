"""One-time codes: one row for each browser, purpose and address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, case, delete, insert, or_, select, update

from app.domain.codes import ATTEMPTS_SECONDS, LIFETIME_SECONDS, MAX_ATTEMPTS
from app.domain.duties import MOST_AHEAD
from app.persistence.session import Session
from app.persistence.tables import one_time_codes

_C = one_time_codes.c
_ADD = insert(one_time_codes)
_SAME = (
    _C.browser_hash == bindparam("browser"),
    _C.purpose == bindparam("for_purpose"),
    _C.target_mac == bindparam("target"),
)
_IS_OVER = _C.began <= bindparam("count_since")
_REPLACE = (
    update(one_time_codes)
    .where(*_SAME)
    .values(
        code_mac=bindparam("new_mac"),
        payload=bindparam("new_payload"),
        attempts=case((_IS_OVER, 0), else_=_C.attempts),
        began=case((_IS_OVER, bindparam("now")), else_=_C.began),
        expires=bindparam("until"),
        used=None,
    )
)
_FIND = (
    select(_C.id, _C.purpose, _C.code_mac, _C.payload, _C.expires, _C.used)
    .where(_C.browser_hash == bindparam("browser"), _C.target_mac == bindparam("target"))
    .where(_C.purpose.in_(bindparam("purposes", expanding=True)))
    .order_by(_C.expires.desc(), _C.id.desc())
    .limit(1)
)
_ATTEMPT = (
    update(one_time_codes)
    .where(_C.id == bindparam("code_id"), _C.attempts < MAX_ATTEMPTS)
    .values(attempts=_C.attempts + 1)
)
_USE = (
    update(one_time_codes)
    .where(
        _C.id == bindparam("code_id"),
        _C.code_mac == bindparam("right_mac"),
        _C.used.is_(None),
        _C.expires > bindparam("now"),
        _C.expires <= bindparam("latest"),
    )
    .values(used=bindparam("now"), payload="")
)

_RETIRE = (
    update(one_time_codes)
    .where(_C.id == bindparam("code_id"), _C.used.is_(None), _C.expires <= bindparam("now"))
    .values(used=bindparam("now"), payload="")
)

# One that ends beyond all others was sent by a clock that was ahead: it opens nothing, and its failures would count until then.
_IS_DONE = or_(_C.expires <= bindparam("before"), _C.expires > bindparam("latest"))
_OVER = select(_C.id).where(_IS_DONE).order_by(_C.expires).limit(bindparam("most"))
# The time is asked again: a code that is sent anew between the two statements is in the same row.
_DELETE_OVER = delete(one_time_codes).where(_C.id.in_(bindparam("ids", expanding=True)), _IS_DONE)


@dataclass(frozen=True, slots=True)
class SentCode:
    """A code as kept: what it is for, its MAC, and what is done once it is right (sealed); times in UTC seconds."""

    id: int
    purpose: str
    code_mac: str
    payload: str
    expires: int
    used: int | None

    def is_open(self, now_seconds: int) -> bool:
        """Tell whether it may still be used; one from the future is of a clock that jumped."""
        return self.used is None and now_seconds < self.expires <= now_seconds + LIFETIME_SECONDS


def replace_code(  # noqa: PLR0913 - the columns of one row, each by name
    session: Session, *, browser_hash: str, purpose: str, target_mac: str, code_mac: str, payload: str, now_seconds: int
) -> None:
    """Make the code the one that counts for this browser, purpose and address; failures of the past hour still count.

    Called after the address's cooldown was counted in the same transaction, so that two never come at once.
    """
    key = {"browser": browser_hash, "for_purpose": purpose, "target": target_mac}
    expires = now_seconds + LIFETIME_SECONDS
    change = {"new_mac": code_mac, "new_payload": payload, "now": now_seconds, "until": expires}
    result: Any = session.execute(_REPLACE, {**key, **change, "count_since": now_seconds - ATTEMPTS_SECONDS})
    if result.rowcount == 0:
        row = {"browser_hash": browser_hash, "purpose": purpose, "target_mac": target_mac, "code_mac": code_mac}
        session.execute(_ADD, {**row, "payload": payload, "attempts": 0, "began": now_seconds, "expires": expires})


def find_code(session: Session, *, browser_hash: str, target_mac: str, purposes: tuple[str, ...]) -> SentCode | None:
    """Return the newest code of a browser for an address, whether it still counts or not."""
    criteria = {"browser": browser_hash, "target": target_mac, "purposes": purposes}
    row = session.execute(_FIND, criteria).one_or_none()
    return None if row is None else SentCode(*row)


def count_attempt(session: Session, code_id: int) -> bool:
    """Count an attempt; tell whether one was left."""
    result: Any = session.execute(_ATTEMPT, {"code_id": code_id})
    return bool(result.rowcount == 1)


def use_code(session: Session, code: SentCode, *, now_seconds: int) -> bool:
    """Use the code up, with what it was for; tell whether it was still good. A clock set back makes none good again."""
    times = {"now": now_seconds, "latest": now_seconds + LIFETIME_SECONDS}
    result: Any = session.execute(_USE, {"code_id": code.id, "right_mac": code.code_mac, **times})
    return bool(result.rowcount == 1)


def retire(session: Session, code_id: int, *, now_seconds: int) -> None:
    """Use up a code that was tried too late, so that a clock set back does not make it good again."""
    session.execute(_RETIRE, {"code_id": code_id, "now": now_seconds})


def delete_over(session: Session, *, now_seconds: int, limit: int) -> int:
    """Delete at most *limit* codes whose failures count no more, and return how many; 0 when none is left."""
    latest = now_seconds + LIFETIME_SECONDS + int(MOST_AHEAD.total_seconds())
    times = {"before": now_seconds - ATTEMPTS_SECONDS, "latest": latest}
    ids = list(session.execute(_OVER, {**times, "most": limit}).scalars())
    result: Any = session.execute(_DELETE_OVER, {**times, "ids": ids}) if ids else None
    return 0 if result is None else int(result.rowcount)
