"""The audit log: one row for every change, written in the transaction that makes it; and what was written, found again.

Numbers grow with time, but for a request that took long or a machine whose clock is off: so what is asked for by time is looked up
by number, with an hour's grace, and then by time exactly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, insert, select

from app.domain.actors import Actor
from app.persistence.session import Session
from app.persistence.tables import audit_log

NEWEST = 10**18  # larger than any number
_GRACE = timedelta(hours=1)
_C = audit_log.c
_ADD = insert(audit_log)
_OF_OBJECT = (
    select(
        audit_log.c.id, audit_log.c.at, audit_log.c.action, audit_log.c.actor, audit_log.c.address, audit_log.c.detail
    )
    .where(audit_log.c.object == bindparam("subject"), audit_log.c.id > bindparam("cursor"))
    .order_by(audit_log.c.id)
    .limit(bindparam("most"))
)
_FIRST_SINCE = select(_C.id).where(_C.at >= bindparam("since")).order_by(_C.at).limit(1)
_NEXT_ACTION = select(func.min(_C.action)).where(_C.action >= bindparam("action"), _C.action < bindparam("action_to"))
_BEHIND = "!"  # with it a word comes right behind itself: actions are of small letters, dots and underscores
_AT = func.coalesce(_C.at, _C.at)  # hidden from the optimizer, which would sort all of a year to find its newest
_FILTERS: dict[str, ColumnElement[bool]] = {
    "actor": _C.actor == bindparam("actor"),
    "object": _C.object == bindparam("object"),
    "action": _C.action == bindparam("action"),
    "action_from": (_C.action >= bindparam("action_from")) & (_C.action < bindparam("action_to")),
    "since": bindparam("since", type_=_C.at.type) <= _AT,
    "until": bindparam("until", type_=_C.at.type) > _AT,
}


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which object, and when; ``detail`` is a JSON object."""

    id: int
    at: datetime
    action: str
    object: str
    actor: str
    address: str
    request_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries: all where nothing is said; an action that ends in ``*`` is every one that begins so."""

    actor: str = ""
    action: str = ""
    object: str = ""
    since: datetime | None = None
    until: datetime | None = None  # exclusive

    def values(self) -> dict[str, Any]:
        """Return what the statement for it wants."""
        said: dict[str, Any] = {
            "actor": self.actor,
            "object": self.object,
            "since": self.since,
            "until": self.until,
            **self._actions(),
        }
        return {name: value for name, value in said.items() if value}

    def _actions(self) -> dict[str, str]:
        if not self.action.endswith("*"):
            return {"action": self.action}
        start = self.action.removesuffix("*")
        return {"action_from": start, "action_to": f"{start}\x7f"} if start else {}


def add_audit(session: Session, action: str, subject: str, *, by: Actor, now: datetime, **detail: object) -> None:
    """Insert who did what to which object (``booking:7H2K...``); *detail* holds no secrets."""
    session.execute(
        _ADD,
        {
            "at": now,
            "action": action,
            "object": subject,
            "actor": str(by),
            "address": by.address,
            "request_id": by.request_id,
            "detail": json.dumps(detail, default=str, ensure_ascii=False, separators=(",", ":")),
        },
    )


def list_audit(session: Session, subject: str, *, cursor: int, limit: int) -> list[Row[Any]]:
    """Return at most *limit* entries about an object, in order, from after *cursor*."""
    return list(session.execute(_OF_OBJECT, {"subject": subject, "cursor": cursor, "most": limit}))


def list_newest(session: Session, which: AuditFilter, *, before: int, limit: int) -> list[AuditEntry]:
    """Return at most *limit* entries, the newest first, from before a number on.

    Of each action that begins as asked the newest are read, two queries for each: sorting all of them would read them all.
    """
    first, end = _numbers(session, which)
    values = {"above": first - 1, "below": min(before, end), "most": limit}
    found = [_list(session, one, values, is_newest_first=True) for one in _each_action(session, which)]
    return sorted(chain.from_iterable(found), key=lambda entry: entry.id, reverse=True)[:limit]


def list_after(
    connection: Connection | Session, which: AuditFilter, last: AuditEntry | None, *, limit: int
) -> list[AuditEntry]:
    """Return the next page of entries in the order in which they were written."""
    first, end = _numbers(connection, which)
    above = first - 1 if last is None else last.id
    return _list(connection, which, {"above": above, "below": end, "most": limit}, is_newest_first=False)


def _numbers(connection: Connection | Session, which: AuditFilter) -> tuple[int, int]:
    """Return between which numbers, the second exclusive, what is asked for stands."""
    first = None if which.since is None else _first_since(connection, which.since - _GRACE)
    end = None if which.until is None else _first_since(connection, which.until + _GRACE)
    return first or (0 if which.since is None else NEWEST), end or NEWEST


def _each_action(session: Session, which: AuditFilter) -> Iterator[AuditFilter]:
    """Yield the filter for each action that begins as asked, each found by a step in the index; or the filter itself."""
    said = which.values()
    if "action_from" not in said:
        yield which
        return
    start = said["action_from"]
    while action := session.execute(_NEXT_ACTION, {"action": start, "action_to": said["action_to"]}).scalar():
        yield replace(which, action=action)
        start = action + _BEHIND


def _first_since(connection: Connection | Session, at: datetime) -> int | None:
    return connection.execute(_FIRST_SINCE, {"since": at}).scalar()


def _list(
    connection: Connection | Session, which: AuditFilter, values: dict[str, int], *, is_newest_first: bool
) -> list[AuditEntry]:
    said = which.values()
    statement = _statement(tuple(name for name in _FILTERS if name in said), is_newest_first=is_newest_first)
    return [AuditEntry(*row) for row in connection.execute(statement, {**said, **values})]


@lru_cache(maxsize=32)
def _statement(filters: tuple[str, ...], *, is_newest_first: bool) -> Select[Any]:
    """Return the statement for what is asked for, made once; the numbers are found in an index alone, then the rows."""
    order = _C.id.desc() if is_newest_first else _C.id
    found = (
        select(_C.id)
        .where(_C.id > bindparam("above"), _C.id < bindparam("below"), *(_FILTERS[name] for name in filters))
        .order_by(order)
        .limit(bindparam("most"))
        .subquery("found")
    )
    return select(audit_log).join_from(found, audit_log, found.c.id == _C.id).order_by(order)
