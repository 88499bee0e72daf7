"""Keys of servers that call the interface: kept as a hash, found by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, or_, select, update

from app.persistence.session import Session
from app.persistence.tables import api_keys

_C = api_keys.c
_ADD = insert(api_keys)
_COLUMNS = (
    _C.id, _C.name, _C.prefix, _C.scopes, _C.venue_id, _C.created_by, _C.created_at, _C.expires_at, _C.used_at, _C.revoked_at,
)  # fmt: skip
_FIND = select(*_COLUMNS).where(
    _C.key_hash == bindparam("key_hash"),
    _C.revoked_at.is_(None),
    or_(_C.expires_at.is_(None), _C.expires_at > bindparam("now")),
)
_LIST = select(*_COLUMNS).where(_C.id > bindparam("cursor")).order_by(_C.id).limit(bindparam("most"))
_REVOKE = (
    update(api_keys).where(_C.id == bindparam("key_id"), _C.revoked_at.is_(None)).values(revoked_at=bindparam("now"))
)
_TOUCH = update(api_keys).where(_C.id == bindparam("key_id")).values(used_at=bindparam("now"))


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without the key: its ``prefix`` tells which one it is; ``venue_id`` None is every venue."""

    id: int
    name: str
    prefix: str
    scopes: tuple[str, ...]
    venue_id: int | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None


def add_key(session: Session, values: dict[str, Any]) -> int:
    """Insert a key and return its number."""
    result: Any = session.execute(_ADD, values)
    return int(result.inserted_primary_key[0])


def find_key(session: Session, key_hash: str, *, now: datetime) -> ApiKey | None:
    """Return the key of a hash, unless it is revoked or over."""
    row = session.execute(_FIND, {"key_hash": key_hash, "now": now}).one_or_none()
    return None if row is None else _key(row)


def list_keys(session: Session, *, cursor: int = 0, limit: int) -> list[ApiKey]:
    """Return at most *limit* keys in the order they were made, from after *cursor*."""
    return [_key(row) for row in session.execute(_LIST, {"cursor": cursor, "most": limit})]


def revoke_key(session: Session, key_id: int, *, now: datetime) -> bool:
    """Make a key open nothing any more; tell whether it did until now."""
    result: Any = session.execute(_REVOKE, {"key_id": key_id, "now": now})
    return bool(result.rowcount == 1)


def touch(session: Session, key_id: int, *, now: datetime) -> None:
    """Note that the key is in use."""
    session.execute(_TOUCH, {"key_id": key_id, "now": now})


def _key(row: Any) -> ApiKey:  # noqa: ANN401 - SQLAlchemy types a row by its columns
    return ApiKey(**{**row._mapping, "scopes": tuple(row.scopes.split())})  # noqa: SLF001 - its public name
