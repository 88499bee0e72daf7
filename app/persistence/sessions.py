"""Sessions of people who are signed in, or half-way in: one row each, found by the hash of the cookie's token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from app.domain.accounts import FRESH, User
from app.persistence.session import Session
from app.persistence.tables import sessions, users
from app.persistence.users import user_of

_C = sessions.c
_ADD = insert(sessions)
_FIND = (
    select(
        _C.id.label("session_id"), _C.token_hash, _C.stage, _C.authenticated_at, _C.seen_at,
        _C.idle_minutes, _C.expires_at, users,
    )
    .join_from(sessions, users)
    .where(_C.token_hash == bindparam("token_hash"), _C.expires_at > bindparam("now"), users.c.active)
)  # fmt: skip
_LIST = (
    select(_C.id, _C.created_at, _C.seen_at, _C.idle_minutes, _C.address, _C.user_agent)
    .where(_C.user_id == bindparam("owner"), _C.stage == "full", _C.expires_at > bindparam("now"))
    .order_by(_C.id.desc())
    .limit(bindparam("most"))
)
_TOUCH = (
    update(sessions)
    .where(_C.id == bindparam("session_id"), _C.seen_at < bindparam("now"))
    .values(seen_at=bindparam("now"))
)
_DELETE_ONE = delete(sessions).where(_C.id == bindparam("session_id"), _C.user_id == bindparam("owner"))
_DELETE_BY_TOKEN = delete(sessions).where(_C.token_hash == bindparam("token_hash"))
_DELETE_ALL = delete(sessions).where(_C.user_id == bindparam("owner"))
_OVER = select(_C.id).where(_C.expires_at <= bindparam("now")).order_by(_C.expires_at).limit(bindparam("most"))
_DELETE_OVER = delete(sessions).where(_C.id.in_(bindparam("ids", expanding=True)), _C.expires_at <= bindparam("now"))
_DELETE_OTHERS = _DELETE_ALL.where(_C.token_hash != bindparam("kept_hash"))


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session and whose it is. ``stage`` is full, or what is still to do: totp, enrol."""

    id: int
    token_hash: str
    stage: str
    authenticated_at: datetime
    seen_at: datetime
    idle_minutes: int
    expires_at: datetime
    user: User

    @property
    def fresh_until(self) -> datetime:
        """Return until when what opens the account may be changed."""
        return self.authenticated_at + FRESH


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """A session as its owner sees it in a list."""

    id: int
    created_at: datetime
    seen_at: datetime
    idle_minutes: int
    address: str
    user_agent: str


def add_session(session: Session, values: dict[str, Any]) -> int:
    """Insert a session and return the key."""
    result: Any = session.execute(_ADD, values)
    return int(result.inserted_primary_key[0])


def find_session(session: Session, token_hash: str, *, now: datetime) -> LiveSession | None:
    """Return the session of a token, unless it is over or its user is kept out; idleness is the caller's to judge."""
    row = session.execute(_FIND, {"token_hash": token_hash, "now": now}).one_or_none()
    return None if row is None else _live(row)


def list_sessions(session: Session, user_id: int, *, now: datetime, limit: int) -> list[SessionEntry]:
    """Return a user's sessions, the newest first."""
    rows = session.execute(_LIST, {"owner": user_id, "now": now, "most": limit})
    return [SessionEntry(*row) for row in rows]


def touch(session: Session, session_id: int, *, now: datetime) -> None:
    """Note that the session is in use."""
    session.execute(_TOUCH, {"session_id": session_id, "now": now})


def delete_session(session: Session, session_id: int, *, user_id: int) -> bool:
    """End one of a user's sessions; tell whether there was one."""
    result: Any = session.execute(_DELETE_ONE, {"session_id": session_id, "owner": user_id})
    return bool(result.rowcount == 1)


def delete_by_token(session: Session, token_hash: str) -> bool:
    """End the session of a token; tell whether there was one."""
    result: Any = session.execute(_DELETE_BY_TOKEN, {"token_hash": token_hash})
    return bool(result.rowcount == 1)


def delete_sessions(session: Session, user_id: int, *, but: str | None = None) -> int:
    """End a user's sessions, but for that of the token hash *but*, and return how many."""
    if but is None:
        result: Any = session.execute(_DELETE_ALL, {"owner": user_id})
    else:
        result = session.execute(_DELETE_OTHERS, {"owner": user_id, "kept_hash": but})
    return int(result.rowcount)


def delete_over(session: Session, *, now: datetime, limit: int) -> int:
    """Delete at most *limit* sessions whose time is over, and return how many; 0 when none is left."""
    ids = list(session.execute(_OVER, {"now": now, "most": limit}).scalars())
    result: Any = session.execute(_DELETE_OVER, {"ids": ids, "now": now}) if ids else None
    return 0 if result is None else int(result.rowcount)


def _live(row: Any) -> LiveSession:  # noqa: ANN401 - SQLAlchemy types a row by its columns
    seen = (row.authenticated_at, row.seen_at, row.idle_minutes, row.expires_at)
    return LiveSession(row.session_id, row.token_hash, row.stage, *seen, user_of(row))
