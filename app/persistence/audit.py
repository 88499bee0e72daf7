"""The audit log: one row for every change, written in the transaction that makes it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select
from sqlalchemy.orm import Session

from app.domain.actors import Actor
from app.persistence.tables import audit_log

_ADD = insert(audit_log)
_OF_OBJECT = (
    select(
        audit_log.c.id, audit_log.c.at, audit_log.c.action, audit_log.c.actor, audit_log.c.address, audit_log.c.detail
    )
    .where(audit_log.c.object == bindparam("subject"), audit_log.c.id > bindparam("cursor"))
    .order_by(audit_log.c.id)
    .limit(bindparam("most"))
)


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
