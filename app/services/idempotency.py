"""The same request twice does its work once: the answer is written with the work and given again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from app.domain.errors import AnsweredBefore, Busy, DomainError, IdempotencyMismatch, OutcomeUnknown
from app.persistence.idempotency import IdempotencyKey, delete_old, delete_stale_answer, find_answer
from app.persistence.session import reading, transaction, use_case

R = TypeVar("R")
SWEEP_SIZE = 1000  # rows a transaction, so that a sweep ends before the database gives up on it


def make_key(scope: str, key: str, body: bytes) -> IdempotencyKey:
    """Return the key of one caller's request, hashed; *body* is the request in one canonical form."""
    return IdempotencyKey(scope, hashlib.sha256(key.encode()).hexdigest(), hashlib.sha256(body).hexdigest())


def once(
    key: IdempotencyKey | None, act: Callable[[], R], revive: Callable[[str], R], *, now: datetime
) -> tuple[R, bool]:
    """Return what *act* answers, or what it answered the first time, and whether that was so.

    *act* writes its answer in its own transaction (``add_answer``). The kept answer is looked for only when *act* is
    refused, whatever the reason: by then the time may be taken (by the first try), past, or closed.

    Raises:
        IdempotencyMismatch: the key came before with another body.
    """
    try:
        return act(), False
    except DomainError as refused:
        if key is None or type(refused) is Busy:  # what could not be done for want of a database is not looked up in it
            raise
        kept = _kept(key, refused, now=now)
        if kept is None and isinstance(refused, AnsweredBefore) and forget(key, now=now):
            return act(), False
        if kept is None:
            raise
    body_hash, answer = kept
    if body_hash != key.body_hash:
        raise IdempotencyMismatch("This Idempotency-Key came before with another request.")
    return revive(answer), True


def _kept(key: IdempotencyKey, refused: DomainError, *, now: datetime) -> tuple[str, str] | None:
    """Return the kept answer; where even that cannot be read, an outcome that is unknown stays so."""
    try:
        return use_case(find_answer)(reading(), key, now=now)
    except Busy:
        if isinstance(refused, OutcomeUnknown):
            raise refused from None
        raise


@use_case
def forget(key: IdempotencyKey, *, now: datetime) -> bool:
    """Delete the answer of a key used more than a day ago; tell whether there was one."""
    with transaction() as session:
        return delete_stale_answer(session, key, now=now)


@use_case
def sweep_batch(*, now: datetime) -> int:
    """Delete about a thousand answers older than a day and return how many; 0 when none is left."""
    with transaction() as session:
        return delete_old(session, now=now, limit=SWEEP_SIZE)
