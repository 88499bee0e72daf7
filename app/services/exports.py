"""What is known of somebody, to be taken along: one JSON document, a page at a time, whatever its length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from app.domain.accounts import User
from app.persistence import audit, bookings, sessions
from app.persistence.session import Session, engine

R = TypeVar("R")
_PAGE = 100
_NEWEST_FIRST = 10**18


def iter_account(user: User, *, now: datetime) -> Iterator[bytes]:
    """Yield ``{"account", "sessions", "bookings", "events"}`` in chunks; no connection is held while somebody reads them."""
    yield b'{"account":' + msgspec.json.encode(asdict(user))
    entries = _read(lambda session: sessions.list_sessions(session, user.id, now=now, limit=_PAGE))
    yield from _array("sessions", (asdict(entry) for entry in entries))
    yield from _array("bookings", _bookings(user.id))
    yield from _array("events", _events(user.id))
    yield b"}"


def _array(name: str, items: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    before = f',"{name}":['.encode()
    for item in items:
        yield before + msgspec.json.encode(item)
        before = b","
    yield b"]" if before == b"," else before + b"]"


def _bookings(user_id: int) -> Iterator[dict[str, Any]]:
    cursor = _NEWEST_FIRST
    while page := _read(lambda session: bookings.list_own(session, user_id, cursor=cursor, limit=_PAGE)):  # noqa: B023
        yield from (asdict(booking) for booking in page)
        cursor = page[-1].id


def _events(user_id: int) -> Iterator[dict[str, Any]]:
    cursor = 0
    while page := _read(
        lambda session: audit.list_audit(session, f"user:{user_id}", cursor=cursor, limit=_PAGE)  # noqa: B023
    ):
        yield from (dict(row._mapping) for row in page)  # noqa: SLF001 - SQLAlchemy's public name for it
        cursor = page[-1].id


def _read(query: Callable[[Session], Sequence[R]]) -> Sequence[R]:
    """Return a page over a connection that is given back at once."""
    with Session(engine()) as session:
        return query(session)
