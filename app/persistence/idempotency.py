"""Answers that were given under an idempotency key, written in the transaction of what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError

from app.domain.errors import AnsweredBefore
from app.persistence.session import Session, is_duplicate
from app.persistence.tables import idempotency_keys

KEPT = timedelta(hours=24)
_FIND = select(idempotency_keys.c.body_hash, idempotency_keys.c.answer).where(
    idempotency_keys.c.scope == bindparam("scope"),
    idempotency_keys.c.key_hash == bindparam("key_hash"),
    idempotency_keys.c.created_at > bindparam("since"),
)
_ADD = insert(idempotency_keys)
_DELETE_OLD = delete(idempotency_keys).where(idempotency_keys.c.created_at <= bindparam("since"))
_NTH_OLDEST = (
    select(idempotency_keys.c.created_at)
    .where(idempotency_keys.c.created_at <= bindparam("since"))
    .order_by(idempotency_keys.c.created_at)
    .offset(bindparam("skip"))
    .limit(1)
)
_DELETE_ONE = _DELETE_OLD.where(
    idempotency_keys.c.scope == bindparam("scope"), idempotency_keys.c.key_hash == bindparam("key_hash")
)


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's key for one request: whose and what for, the key and the body as hashes."""

    scope: str
    key_hash: str
    body_hash: str


def find_answer(session: Session, key: IdempotencyKey, *, now: datetime) -> tuple[str, str] | None:
    """Return the hash of the body that came with the key, and the answer it got, if that was within a day."""
    row = session.execute(_FIND, {"scope": key.scope, "key_hash": key.key_hash, "since": now - KEPT}).one_or_none()
    return None if row is None else (row.body_hash, row.answer)


def add_answer(session: Session, key: IdempotencyKey, answer: str, *, now: datetime) -> None:
    """Insert the answer.

    Raises:
        AnsweredBefore: the key has one.
    """
    values = {"scope": key.scope, "key_hash": key.key_hash, "body_hash": key.body_hash}
    try:
        session.execute(_ADD, {**values, "answer": answer, "created_at": now})
    except IntegrityError as error:
        if is_duplicate(error):
            raise AnsweredBefore("This Idempotency-Key has been used.") from error
        raise


def delete_stale_answer(session: Session, key: IdempotencyKey, *, now: datetime) -> bool:
    """Delete the key's answer if it is older than a day; tell whether it was."""
    result: Any = session.execute(_DELETE_ONE, {"scope": key.scope, "key_hash": key.key_hash, "since": now - KEPT})
    return bool(result.rowcount)


def delete_old(session: Session, *, now: datetime, limit: int) -> int:
    """Delete the oldest answers of those older than a day, about *limit*, and return how many; 0 when none is left."""
    since = now - KEPT
    last = session.execute(_NTH_OLDEST, {"since": since, "skip": limit - 1}).scalar()
    result: Any = session.execute(_DELETE_OLD, {"since": last or since})
    return int(result.rowcount)
