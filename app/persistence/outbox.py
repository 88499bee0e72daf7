"""What is owed to somebody: written in the transaction of what it tells of, claimed by whoever sends it.

What is due stands in ``outbox_queue.py``, and what staff see and mend in ``outbox_desk.py``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text, update

from app.persistence.deliveries import delete_deliveries
from app.persistence.session import Session, is_in_use, reading
from app.persistence.tables import UtcDateTime, outbox

LEASE_SECONDS = 120  # twice what a gateway may take in all; a sender that was killed loses its claim then
KEPT = timedelta(days=30)  # what was sent, so that staff can say so; who it went to is wiped at once
STATUSES = ("queued", "sent", "dead", "expired", "void")
EVENTS = 2  # their priority: behind codes, before what follows from them
_C = outbox.c
_ADD = insert(outbox)
_NAMES = [column.name for column in _C if column.name != "id"]
_TIMES = (bindparam("created_at", type_=UtcDateTime()), bindparam("sent_at", type_=UtcDateTime()))
# By hand, as SQLAlchemy's own upserts come with their dialect's whole module; the two databases have no words in common.
_ADD_ONCE = {
    True: text(
        "INSERT INTO outbox (topic, channel, webhook_id, venue_id, object, dedupe, details, sealed, message_id, status, priority,"
        " due, expires, attempts, claim, last_error, created_at, sent_at) VALUES (:topic, :channel, :webhook_id, :venue_id,"
        " :object, :dedupe, :details, :sealed, :message_id, :status, :priority, :due, :expires, :attempts, :claim,"
        " :last_error, :created_at, :sent_at) ON CONFLICT (dedupe) DO NOTHING"
    ).bindparams(*_TIMES),
    False: text(
        "INSERT INTO outbox (topic, channel, webhook_id, venue_id, object, dedupe, details, sealed, message_id, status, priority,"
        " due, expires, attempts, claim, last_error, created_at, sent_at) VALUES (:topic, :channel, :webhook_id, :venue_id,"
        " :object, :dedupe, :details, :sealed, :message_id, :status, :priority, :due, :expires, :attempts, :claim,"
        " :last_error, :created_at, :sent_at) ON DUPLICATE KEY UPDATE id = id"
    ).bindparams(*_TIMES),
}  # whether it is SQLite -> the statement
# A claim pushes the row's due time past the lease: until then nobody else finds it, and afterwards anybody does.
_CLAIM = (
    update(outbox)
    .where(_C.id == bindparam("row_id"), _C.status == "queued", _C.due <= bindparam("now"))
    .values(claim=bindparam("claimant"), due=bindparam("lease_ends"), attempts=_C.attempts + 1)
)
_READ = select(
    _C.id,
    _C.topic,
    _C.channel,
    _C.sealed,
    _C.message_id,
    _C.expires,
    _C.attempts,
    _C.priority,
    _C.webhook_id,
    _C.venue_id,
    _C.object,
    _C.details,
    _C.created_at,
).where(_C.id == bindparam("row_id"))
_MINE = update(outbox).where(_C.id == bindparam("row_id"), _C.claim == bindparam("claimant"), _C.status == "queued")
_END = _MINE.values(status=bindparam("to_status"), sealed="", sent_at=bindparam("at"), last_error="")
_BURY = _MINE.values(status="dead", last_error=bindparam("error"))
_AGAIN = _MINE.values(claim=None, due=bindparam("next_due"), last_error=bindparam("error"))

# By the key, which grows with the time: those to be deleted stand at its beginning, but for the dead.
_DONE = (
    select(_C.id)
    .where(_C.created_at <= bindparam("before"), _C.status.in_(("sent", "expired", "void")))
    .order_by(_C.id)
    .limit(bindparam("most"))
)
_DELETE = delete(outbox).where(_C.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class OwedMessage:
    """A message that a sender has claimed; ``expires`` in UTC seconds, ``details`` as the JSON that was written."""

    id: int
    topic: str
    channel: str
    sealed: str
    message_id: str
    expires: int | None
    attempts: int
    priority: int
    webhook_id: int | None
    venue_id: int | None
    object: str
    details: str | None
    created_at: datetime


def add_message(session: Session, values: Mapping[str, Any]) -> None:
    """Insert a message, or nothing where one with its ``dedupe`` stands; the request that owes it sends it after its reply.

    *values* are columns: topic, channel, priority, due and created_at, and those of the rest that are to say something.
    """
    fresh: dict[str, Any] = dict.fromkeys(_NAMES) | {
        "object": "",
        "sealed": "",
        "message_id": secrets.token_hex(16),
        "status": "queued",
        "attempts": 0,
        "last_error": "",
    }
    row = {**fresh, **values}
    is_sqlite = session.engine.dialect.name == "sqlite"
    session.execute(_ADD if row["dedupe"] is None else _ADD_ONCE[is_sqlite], row)
    session.info["owes_messages"] = True


def add_event(
    session: Session,
    topic: str,
    subject: str,
    *,
    venue_id: int | None,
    details: Mapping[str, object],
    now: datetime,
) -> None:
    """Insert what happened to an object, as ``booking.made`` to ``booking:7H2K...``; whoever is to hear of it is found later.

    *details* are kept in the open: nothing private.
    """
    values = {"topic": topic, "channel": "event", "object": subject, "venue_id": venue_id, "priority": EVENTS}
    told = json.dumps(details, ensure_ascii=False, separators=(",", ":"))
    add_message(session, {**values, "details": told, "due": int(now.timestamp()), "created_at": now})


def owes_messages() -> bool:
    """Tell, once, whether this request has added a message."""
    return is_in_use() and bool(reading().info.pop("owes_messages", False))


def claim(session: Session, row_id: int, claimant: str, *, now_seconds: int) -> OwedMessage | None:
    """Claim a message for two minutes; None if somebody else was faster."""
    times = {"now": now_seconds, "lease_ends": now_seconds + LEASE_SECONDS}
    result: Any = session.execute(_CLAIM, {"row_id": row_id, "claimant": claimant, **times})
    if result.rowcount != 1:
        return None
    return OwedMessage(**session.execute(_READ, {"row_id": row_id}).mappings().one())


def end_message(session: Session, row_id: int, claimant: str, *, status: str, at: datetime | None) -> bool:
    """Take a message off the queue, with its content wiped; False, and nothing done, if the claim has been lost."""
    values = {"row_id": row_id, "claimant": claimant, "to_status": status, "at": at}
    result: Any = session.execute(_END, values)
    return bool(result.rowcount == 1)


def bury(session: Session, row_id: int, claimant: str, *, error: str) -> None:
    """Try a message no more; its content stays for whoever mends it."""
    session.execute(_BURY, {"row_id": row_id, "claimant": claimant, "error": error[:300]})


def put_off(session: Session, row_id: int, claimant: str, *, due: int, error: str) -> None:
    """Give a message back to be tried again at *due*, in UTC seconds."""
    session.execute(_AGAIN, {"row_id": row_id, "claimant": claimant, "next_due": due, "error": error[:300]})


def delete_done(session: Session, *, now: datetime, limit: int) -> int:
    """Delete at most *limit* messages that were sent, too late or void a month ago, with their tries; return how many.

    What is still to be sent stays, and so do dead ones, which somebody may mend.
    """
    ids = list(session.execute(_DONE, {"before": now - KEPT, "most": limit}).scalars())
    if not ids:
        return 0
    delete_deliveries(session, ids)
    result: Any = session.execute(_DELETE, {"ids": ids})
    return int(result.rowcount)
