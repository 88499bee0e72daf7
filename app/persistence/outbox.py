"""What is owed to somebody: written in the transaction of what it tells of, claimed by whoever sends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from app.persistence.session import is_in_use, reading
from app.persistence.tables import outbox

LEASE_SECONDS = 120  # above the time that any gateway takes to answer; a sender that was killed loses its claim then
KEPT = timedelta(days=30)  # what was sent, so that staff can say so; who it went to is wiped at once
STATUSES = ("queued", "sent", "dead", "expired", "void")
_C = outbox.c
_ADD = insert(outbox)
_DUE = (
    select(_C.id, _C.channel)
    .where(_C.status == "queued", _C.due <= bindparam("now"), _C.channel.in_(bindparam("channels", expanding=True)))
    .order_by(_C.priority, _C.due)
    .limit(bindparam("most"))
)
# A claim pushes the row's due time past the lease: until then nobody else finds it, and afterwards anybody does.
_CLAIM = (
    update(outbox)
    .where(_C.id == bindparam("row_id"), _C.status == "queued", _C.due <= bindparam("now"))
    .values(claim=bindparam("claimant"), due=bindparam("lease_ends"), attempts=_C.attempts + 1)
)
_READ = select(_C.id, _C.topic, _C.channel, _C.sealed, _C.message_id, _C.expires, _C.attempts).where(
    _C.id == bindparam("row_id")
)
_MINE = update(outbox).where(_C.id == bindparam("row_id"), _C.claim == bindparam("claimant"), _C.status == "queued")
_END = _MINE.values(status=bindparam("to_status"), sealed="", sent_at=bindparam("at"), last_error="")
_BURY = _MINE.values(status="dead", last_error=bindparam("error"))
_AGAIN = _MINE.values(claim=None, due=bindparam("next_due"), last_error=bindparam("error"))
_LIST = (
    select(
        _C.id,
        _C.topic,
        _C.channel,
        _C.status,
        _C.attempts,
        _C.due.label("due_at"),
        _C.last_error,
        _C.created_at,
        _C.sent_at,
    )
    .where(or_(bindparam("status") == "", _C.status == bindparam("status")))
    .order_by(_C.id.desc())
    .limit(bindparam("most"))
)

# By the key, which grows with the time: those to be deleted stand at its beginning, but for the dead.
_DONE = (
    select(_C.id)
    .where(_C.created_at <= bindparam("before"), _C.status.in_(("sent", "expired", "void")))
    .order_by(_C.id)
    .limit(bindparam("most"))
)
_DELETE = delete(outbox).where(_C.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A message without what is sealed in it; ``due_at`` where it is still to be sent, ``last_error`` where that went wrong."""

    id: int
    topic: str
    channel: str
    status: str
    attempts: int
    due_at: datetime | None
    last_error: str
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwedMessage:
    """A message that a sender has claimed; ``expires`` in UTC seconds."""

    id: int
    topic: str
    channel: str
    sealed: str
    message_id: str
    expires: int | None
    attempts: int


def add_message(session: Session, values: dict[str, Any]) -> None:
    """Insert a message; the request that owes it sends it after its reply."""
    fresh = {"attempts": 0, "claim": None, "last_error": "", "sent_at": None}
    session.execute(_ADD, {**fresh, **values})
    session.info["owes_messages"] = True


def owes_messages() -> bool:
    """Tell, once, whether this request has added a message."""
    return is_in_use() and bool(reading().info.pop("owes_messages", False))


def list_due(session: Session, channels: Sequence[str], *, now_seconds: int, limit: int) -> list[tuple[int, str]]:
    """Return key and channel of messages that may be sent now over these channels, the most urgent first."""
    rows = session.execute(_DUE, {"now": now_seconds, "most": limit, "channels": channels})
    return [(row_id, channel) for row_id, channel in rows]


def list_messages(session: Session, *, status: str = "", limit: int) -> list[OutboxEntry]:
    """Return at most *limit* messages, the newest first."""
    rows = session.execute(_LIST, {"status": status, "most": limit}).mappings()
    return [OutboxEntry(**{**row, "due_at": _due_at(row)}) for row in rows]


def claim(session: Session, row_id: int, claimant: str, *, now_seconds: int) -> OwedMessage | None:
    """Claim a message for two minutes; None if somebody else was faster."""
    times = {"now": now_seconds, "lease_ends": now_seconds + LEASE_SECONDS}
    result: Any = session.execute(_CLAIM, {"row_id": row_id, "claimant": claimant, **times})
    if result.rowcount != 1:
        return None
    return OwedMessage(*session.execute(_READ, {"row_id": row_id}).one())


def end_message(session: Session, row_id: int, claimant: str, *, status: str, at: datetime | None) -> None:
    """Take a message off the queue, with its content wiped; does nothing if the claim has been lost."""
    session.execute(_END, {"row_id": row_id, "claimant": claimant, "to_status": status, "at": at})


def bury(session: Session, row_id: int, claimant: str, *, error: str) -> None:
    """Try a message no more; its content stays for whoever mends it."""
    session.execute(_BURY, {"row_id": row_id, "claimant": claimant, "error": error[:300]})


def put_off(session: Session, row_id: int, claimant: str, *, due: int, error: str) -> None:
    """Give a message back to be tried again at *due*, in UTC seconds."""
    session.execute(_AGAIN, {"row_id": row_id, "claimant": claimant, "next_due": due, "error": error[:300]})


def delete_done(session: Session, *, now: datetime, limit: int) -> int:
    """Delete at most *limit* messages that were sent, too late or void a month ago, and return how many.

    What is still to be sent stays, and so do dead ones, which somebody may mend.
    """
    ids = list(session.execute(_DONE, {"before": now - KEPT, "most": limit}).scalars())
    result: Any = session.execute(_DELETE, {"ids": ids}) if ids else None
    return 0 if result is None else int(result.rowcount)


def _due_at(row: RowMapping) -> datetime | None:
    """Return when to try next; once that is over, the column holds the end of the last claim, which means nothing."""
    return datetime.fromtimestamp(row["due_at"], timezone.utc) if row["status"] == "queued" else None
