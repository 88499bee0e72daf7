"""The outbox as staff and admins see it and mend it: what waits, what was sent, what could not be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import RowMapping, and_, bindparam, exists, func, literal, or_, select, update

from app.domain.actors import Scope
from app.domain.errors import NotFound
from app.persistence.session import Session
from app.persistence.tables import booking_resources, bookings, outbox

_C = outbox.c
_BOOKING = "booking:"
_IS_ON = exists(
    select(literal(1))
    .select_from(bookings.join(booking_resources, booking_resources.c.booking_id == bookings.c.id))
    .where(
        bookings.c.ref == func.substr(_C.object, len(_BOOKING) + 1),
        booking_resources.c.resource_id.in_(bindparam("resources", expanding=True)),
    )
)
_IN_SCOPE = or_(
    bindparam("everything"),
    _C.venue_id.in_(bindparam("venues", expanding=True)),
    and_(_C.venue_id.in_(bindparam("partly", expanding=True)), _C.object.startswith(_BOOKING), _IS_ON),
)
_SELECT = select(
    _C.id,
    _C.topic,
    _C.channel,
    _C.venue_id,
    _C.webhook_id,
    _C.object.label("about"),
    _C.status,
    _C.attempts,
    _C.due.label("due_at"),
    _C.last_error,
    _C.created_at,
    _C.sent_at,
    _C.sealed,
    _C.message_id,
)


def _is(column: Any, name: str) -> Any:  # noqa: ANN401 - as SQLAlchemy has them
    """Return the condition that a column has the value that is asked for, if one is."""
    return or_(bindparam(name) == "", column == bindparam(name))


_LIST = (
    _SELECT.where(
        _is(_C.channel, "of_channel"),
        _is(_C.topic, "of_topic"),
        or_(bindparam("cursor") == 0, _C.id < bindparam("cursor")),
        _IN_SCOPE,
    )
    .order_by(_C.id.desc())
    .limit(bindparam("most"))
)
_IS_OF_STATUS, _IS_ABOUT = _C.status == bindparam("of_status"), _C.object == bindparam("of_object")
# By whether there is a status and an object to ask for: the few dead ones, or those of a booking, are found by an index.
_LISTS = {
    (False, False): _LIST,
    (True, False): _LIST.where(_IS_OF_STATUS),
    (False, True): _LIST.where(_IS_ABOUT),
    (True, True): _LIST.where(_IS_OF_STATUS, _IS_ABOUT),
}
_ONE = _SELECT.where(_C.id == bindparam("row_id"), _IN_SCOPE)
# Not one that is being sent: whoever has claimed it could not say so any more, and it would be sent twice.
_MENDABLE = and_(
    _C.id == bindparam("row_id"),
    or_(
        _C.status == "dead",
        and_(_C.status == "queued", or_(_C.claim.is_(None), _C.due <= bindparam("now"))),
    ),
)
_RETRY = (
    update(outbox)
    .where(_MENDABLE)
    .values(status="queued", sealed=bindparam("resealed"), due=bindparam("now"), attempts=0, claim=None, last_error="")
)
_CANCEL = update(outbox).where(_MENDABLE).values(status="void", sealed="", claim=None)


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A message; ``about`` is what it tells of, ``due_at`` when to send it or try again, ``last_error`` why it was not."""

    id: int
    topic: str
    channel: str
    venue_id: int | None
    webhook_id: int | None
    about: str
    status: str
    attempts: int
    due_at: datetime | None
    last_error: str
    created_at: datetime
    sent_at: datetime | None
    sealed: str
    message_id: str

    def shown(self) -> OutboxEntry:
        """Return it without what is sealed in it."""
        return replace(self, sealed="")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages; empty is any."""

    status: str = ""
    channel: str = ""
    topic: str = ""
    about: str = ""


def list_messages(
    session: Session, wanted: Wanted, *, scopes: Sequence[Scope] | None, cursor: int = 0, limit: int
) -> list[OutboxEntry]:
    """Return at most *limit* messages of these parts of the house, the newest first, from before the key *cursor*."""
    values = {"of_channel": wanted.channel, "of_topic": wanted.topic, "cursor": cursor, "most": limit}
    values |= {"of_status": wanted.status} if wanted.status else {}
    values |= {"of_object": wanted.about} if wanted.about else {}
    statement = _LISTS[bool(wanted.status), bool(wanted.about)]
    rows = session.execute(statement, {**values, **_reach(scopes)}).mappings()
    return [_entry(row) for row in rows]


def get_message(session: Session, row_id: int, *, scopes: Sequence[Scope] | None) -> OutboxEntry:
    """Return a message of these parts of the house.

    Raises:
        NotFound: there is none of that key, or it is of another part.
    """
    row = session.execute(_ONE, {"row_id": row_id, **_reach(scopes)}).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such message.")
    return _entry(row)


def requeue(session: Session, row_id: int, *, sealed: str, now_seconds: int) -> bool:
    """Tell whether a message was put back to be sent now; not one that was sent, or that somebody is sending."""
    result: Any = session.execute(_RETRY, {"row_id": row_id, "resealed": sealed, "now": now_seconds})
    return bool(result.rowcount == 1)


def cancel(session: Session, row_id: int, *, now_seconds: int) -> bool:
    """Tell whether a message was taken off the queue, never to be sent; not one that was sent, or is being sent."""
    result: Any = session.execute(_CANCEL, {"row_id": row_id, "now": now_seconds})
    return bool(result.rowcount == 1)


def _reach(scopes: Sequence[Scope] | None) -> dict[str, Any]:
    """Return who may see what: None is everything."""
    found = scopes or ()
    return {
        "everything": scopes is None,
        "venues": [scope.venue_id for scope in found if scope.resource_id is None],
        "partly": [scope.venue_id for scope in found if scope.resource_id is not None],
        "resources": [scope.resource_id for scope in found if scope.resource_id is not None],
    }


def _entry(row: RowMapping) -> OutboxEntry:
    return OutboxEntry(**{**row, "due_at": _due_at(row)})


def _due_at(row: RowMapping) -> datetime | None:
    """Return when to try next; once that is over, the column holds the end of the last claim, which means nothing."""
    return datetime.fromtimestamp(row["due_at"], timezone.utc) if row["status"] == "queued" else None
