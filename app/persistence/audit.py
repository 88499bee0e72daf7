"""The audit log: one row for every change, written in the transaction that makes it."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.domain.actors import Actor
from app.persistence.tables import audit_log

_ADD = insert(audit_log)


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
