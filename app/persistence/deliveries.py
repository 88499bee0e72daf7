"""Every try to send a message, with how it went: written in the transaction that says what becomes of the message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select

from app.persistence.session import Session
from app.persistence.tables import deliveries

_C = deliveries.c
_ADD = insert(deliveries)
_OF_MESSAGE = (
    select(_C.at, _C.outcome, _C.detail, _C.milliseconds)
    .where(_C.outbox_id == bindparam("row_id"))
    .order_by(_C.id.desc())
    .limit(bindparam("most"))
)
_DELETE = delete(deliveries).where(_C.outbox_id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class Delivery:
    """A try that began at ``at``: it was sent, failed (and may be tried again) or refused; ``detail`` names nobody."""

    at: datetime
    outcome: str
    detail: str
    milliseconds: int


def add_delivery(session: Session, row_id: int, delivery: Delivery) -> None:
    """Insert a try to send a message."""
    values = {"at": delivery.at, "outcome": delivery.outcome, "detail": delivery.detail[:300]}
    session.execute(_ADD, {"outbox_id": row_id, **values, "milliseconds": delivery.milliseconds})


def list_deliveries(session: Session, row_id: int, *, limit: int) -> list[Delivery]:
    """Return at most *limit* tries to send a message, the last one first."""
    return [Delivery(*row) for row in session.execute(_OF_MESSAGE, {"row_id": row_id, "most": limit})]


def delete_deliveries(session: Session, row_ids: Sequence[int]) -> None:
    """Delete what is known of these messages' tries."""
    session.execute(_DELETE, {"ids": row_ids})
