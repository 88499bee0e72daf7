"""What an import looks up: which references there are, and which rows of which files became them."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, select

from app.persistence.session import Session
from app.persistence.tables import audit_log, bookings, customers

IMPORTED = "booking.imported"
_REFS: BindParameter[Any] = bindparam("refs", expanding=True)
_KNOWN = select(bookings.c.ref).where(bookings.c.ref.in_(_REFS))
# The action is looked at afterwards: an optimizer that finds rows by it reads every import there ever was.
_HISTORY = select(audit_log.c.object, audit_log.c.action, audit_log.c.detail).where(
    audit_log.c.object.in_(bindparam("subjects", expanding=True))
)
_LAST_CUSTOMER = select(func.coalesce(func.max(customers.c.id), 0))


def find_known(session: Session, refs: Collection[str]) -> set[str]:
    """Return those of the references that a booking has."""
    return {*session.execute(_KNOWN, {"refs": [*refs]}).scalars()} if refs else set()


def find_sources(session: Session, refs: Collection[str]) -> dict[str, str]:
    """Return the fingerprint of the row that each booking was imported from, by reference; others are left out."""
    if not refs:
        return {}
    rows = session.execute(_HISTORY, {"subjects": [f"booking:{ref}" for ref in refs]})
    return {
        subject.removeprefix("booking:"): str(json.loads(detail).get("row", ""))
        for subject, action, detail in rows
        if action == IMPORTED
    }


def get_last_customer_id(session: Session) -> int:
    """Return the key of the customer that was added last; 0 where there is none."""
    last: int = session.execute(_LAST_CUSTOMER).scalar_one()
    return last
