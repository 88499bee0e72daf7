"""Erase guests whose last booking is longer ago than the house keeps what it knows of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from app.domain.actors import Actor
from app.domain.customers import months_before
from app.persistence import customers, privacy
from app.persistence.audit import add_audit
from app.persistence.session import reading, transaction, use_case
from app.runtime.settings import Settings
from app.services.file_erasure import remove_contents
from app.services.privacy import erase_customers

BATCH = 100
WINDOW = 5_000  # keys that one query looks through
_DUTY = Actor("operator", "retention")


def sweep(settings: Settings, *, now: datetime, has_time: Callable[[], bool]) -> tuple[int, bool]:
    """Erase who is overdue, one transaction each; return how many, and whether that was all there were.

    With ``RETENTION_MONTHS`` of 0 nobody is.
    """
    if not settings.retention_months:
        return 0, True
    cutoff = months_before(now, settings.retention_months)
    done, after, last = 0, 0, _last_key()
    while after < last:
        if not has_time():
            return done, False
        overdue = _list_overdue(cutoff, after)
        done += sum(_forget(settings, key, cutoff, now=now) for key in overdue)
        after = overdue[-1] if len(overdue) == BATCH else after + WINDOW
    return done, True


@use_case
def _last_key() -> int:
    return privacy.last_key(reading())


@use_case
def _list_overdue(cutoff: datetime, after: int) -> Sequence[int]:
    return privacy.list_overdue(reading(), cutoff=cutoff, after=after, until=after + WINDOW, limit=BATCH)


@use_case
def _forget(settings: Settings, customer_id: int, cutoff: datetime, *, now: datetime) -> bool:
    """Erase somebody who is still overdue; tell whether that was so."""
    with transaction() as session:
        customers.lock_customers(session, [customer_id])
        if not privacy.is_overdue(session, customer_id, cutoff=cutoff):
            return False
        left = erase_customers(session, [customer_id], now=now)
        add_audit(session, "customer.erased", f"customer:{customer_id}", by=_DUTY, now=now, retention=cutoff.date())
    remove_contents(settings, left, now=now)
    return True
