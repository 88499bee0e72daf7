"""What was sent to a webhook, or is still to be: rows of the outbox with every try, and how one is sent again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import bindparam, case, select, update

from app.domain.errors import Conflict, NotFound
from app.persistence.session import Session
from app.persistence.tables import deliveries, outbox

_MOST_TRIES = 2000  # of one page: a hundred messages, each tried ten times and sent again as often
_O, _D = outbox.c, deliveries.c
_LIST = (
    select(
        _O.id, _O.message_id, _O.topic, _O.object, _O.status, _O.attempts, _O.due, _O.last_error, _O.created_at, _O.sent_at
    )
    .where(_O.webhook_id == bindparam("of_webhook"), _O.id < bindparam("cursor"))
    .order_by(_O.id.desc())
    .limit(bindparam("most"))
)  # fmt: skip
_TRIES = (
    select(_D.outbox_id, _D.at, _D.outcome, _D.detail, _D.milliseconds)
    .where(_D.outbox_id.in_(bindparam("ids", expanding=True)))
    .order_by(_D.outbox_id.desc(), _D.id)
    .limit(_MOST_TRIES)
)
_OWN = (_O.id == bindparam("row_id"), _O.webhook_id == bindparam("of_webhook"))
_STATUS = select(_O.status).where(*_OWN)
_AGAIN = (
    update(outbox)
    .where(*_OWN, _O.status.in_(("sent", "dead", "expired")), _O.details.is_not(None))
    .values(status="queued", attempts=0, claim=None, due=bindparam("at"), expires=None, last_error="", sent_at=None)
)
_LEAVE = (
    update(outbox)
    .where(_O.webhook_id == bindparam("of_webhook"))
    .values(webhook_id=None, status=case((_O.status == "queued", "void"), else_=_O.status))
)


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt: ``outcome`` is sent, failed or refused."""

    at: datetime
    outcome: str
    detail: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to a webhook; ``due_at`` where it is still to be sent. Its tries begin with the oldest."""

    id: int
    message_id: str
    event: str
    about: str
    status: str
    attempts: int
    due_at: datetime | None
    last_error: str
    created_at: datetime
    sent_at: datetime | None
    tries: tuple[Try, ...]


def list_deliveries(session: Session, webhook_id: int, *, cursor: int, limit: int) -> list[Delivery]:
    """Return at most *limit* messages to a webhook, the newest first, from before *cursor*."""
    rows = session.execute(_LIST, {"of_webhook": webhook_id, "cursor": cursor, "most": limit}).all()
    tries = _tries(session, [row.id for row in rows])
    return [_delivery(row, tries.get(row.id, ())) for row in rows]


def send_again(session: Session, webhook_id: int, delivery_id: int, *, now: datetime) -> None:
    """Put a message back on the queue, with the same content and the same id.

    Raises:
        NotFound: the webhook has none of that number. Conflict: it is still to be sent.
    """
    own = {"row_id": delivery_id, "of_webhook": webhook_id}
    result: Any = session.execute(_AGAIN, {**own, "at": int(now.timestamp())})
    if result.rowcount == 1:
        session.info["owes_messages"] = True
    elif session.scalar(_STATUS, own) is None:
        raise NotFound("There is no such delivery.")
    else:
        raise Conflict("The delivery is on its way already.")


def leave_webhook(session: Session, webhook_id: int) -> None:
    """Take what was owed to a webhook off the queue, and its number off every message: another may get the number."""
    session.execute(_LEAVE, {"of_webhook": webhook_id})


def _tries(session: Session, ids: Sequence[int]) -> dict[int, list[Try]]:
    found: dict[int, list[Try]] = {}
    for outbox_id, *values in session.execute(_TRIES, {"ids": ids}) if ids else ():
        found.setdefault(outbox_id, []).append(Try(*values))
    return found


def _delivery(row: Any, tries: Sequence[Try]) -> Delivery:  # noqa: ANN401 - SQLAlchemy types a row by its columns
    due_at = datetime.fromtimestamp(row.due, timezone.utc) if row.status == "queued" else None
    return Delivery(
        row.id, row.message_id, row.topic, row.object, row.status, row.attempts, due_at, row.last_error, row.created_at,
        row.sent_at, tuple(tries),
    )  # fmt: skip
