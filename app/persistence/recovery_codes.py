"""Recovery codes: each opens the account of somebody who has lost the second factor, once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select

from app.persistence.session import Session
from app.persistence.tables import recovery_codes

_ADD = insert(recovery_codes)
_DROP = delete(recovery_codes).where(recovery_codes.c.user_id == bindparam("owner"))
_USE = _DROP.where(recovery_codes.c.code_hash == bindparam("hash"))
_COUNT = select(func.count()).where(recovery_codes.c.user_id == bindparam("owner"))


def replace_codes(session: Session, user_id: int, code_hashes: Iterable[str]) -> None:
    """Make these the account's recovery codes; the old ones open nothing from then on."""
    session.execute(_DROP, {"owner": user_id})
    rows = [{"user_id": user_id, "code_hash": code_hash} for code_hash in code_hashes]
    if rows:
        session.execute(_ADD, rows)


def use_recovery_code(session: Session, user_id: int, code_hash: str) -> bool:
    """Use a recovery code up; tell whether there was such a one."""
    result: Any = session.execute(_USE, {"owner": user_id, "hash": code_hash})
    return bool(result.rowcount == 1)


def count_recovery_codes(session: Session, user_id: int) -> int:
    """Return how many are left."""
    return int(session.execute(_COUNT, {"owner": user_id}).scalar_one())
