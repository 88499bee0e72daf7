"""Customers of bookings, and the account that some of them are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, update

from app.domain.accounts import Target
from app.persistence.session import Session
from app.persistence.tables import customers

_JOIN = (
    update(customers)
    .where(customers.c.user_id.is_(None))
    .values(user_id=bindparam("owner"))
    .execution_options(synchronize_session=False)
)
_JOIN_BY_EMAIL = _JOIN.where(customers.c.email == bindparam("address"))
_JOIN_BY_PHONE = _JOIN.where(customers.c.phone == bindparam("address"))
_ERASE = (
    update(customers).where(customers.c.user_id == bindparam("owner")).values(name="", email="", phone="")
).execution_options(synchronize_session=False)


def join(session: Session, user_id: int, target: Target) -> int:
    """Give a guest's earlier bookings to the account that has shown to have the address, and return how many."""
    statement = _JOIN_BY_EMAIL if target.channel == "email" else _JOIN_BY_PHONE
    result: Any = session.execute(statement, {"owner": user_id, "address": target.address})
    return int(result.rowcount)


def erase(session: Session, user_id: int) -> None:
    """Take names and addresses off an account's bookings."""
    session.execute(_ERASE, {"owner": user_id})
