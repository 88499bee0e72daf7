"""Customers by the words they are found by: a range of an index, however many customers there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, insert, or_, select

from app.persistence.catalogue_desk import Reach
from app.persistence.session import Session
from app.persistence.tables import booking_resources, bookings, customer_words

MOST_LOOKED_AT = 20_000
_W = customer_words.c
_LAST = "\U0010ffff"  # sorts behind whatever a word may go on with
_ADD = insert(customer_words)
_DROP = delete(customer_words).where(_W.customer_id == bindparam("owner"))


def _has(number: int) -> ColumnElement[bool]:
    other = customer_words.alias()
    begins = (other.c.word >= bindparam(f"term_{number}"), other.c.word <= bindparam(f"end_{number}"))
    return or_(bindparam(f"term_{number}") == "", exists().where(other.c.customer_id == _W.customer_id, *begins))


_MATCHING = (
    select(_W.customer_id)
    .distinct()
    .where(_W.word >= bindparam("term_0"), _W.word <= bindparam("end_0"), _has(1), _has(2))
    .order_by(_W.customer_id.desc())
)
_FIND = _MATCHING.limit(bindparam("most"))
_MATCHED = _MATCHING.limit(MOST_LOOKED_AT).subquery()
_IN_REACH = or_(
    bookings.c.venue_id.in_(bindparam("venue_ids", expanding=True)),
    exists().where(
        booking_resources.c.booking_id == bookings.c.id,
        booking_resources.c.resource_id.in_(bindparam("resource_ids", expanding=True)),
    ),
)
_FIND_REACHED = (
    select(_MATCHED.c.customer_id)
    .where(exists().where(bookings.c.customer_id == _MATCHED.c.customer_id, _IN_REACH))
    .order_by(_MATCHED.c.customer_id.desc())
    .limit(bindparam("most"))
)


def add_words(session: Session, customer_id: int, words: Iterable[str]) -> None:
    """Let a customer be found by these words."""
    rows = [{"word": word, "customer_id": customer_id} for word in sorted(words)]
    if rows:
        session.execute(_ADD, rows)


def drop_words(session: Session, customer_id: int) -> None:
    """Let a customer be found no more."""
    session.execute(_DROP, {"owner": customer_id})


def find_ids(session: Session, terms: Sequence[str], reach: Reach, *, limit: int) -> list[int]:
    """Return the keys of at most *limit* customers who have a word that begins with each term, the newest first.

    Only customers with a booking within reach; of those with such words, the newest twenty thousand are looked at for that.
    """
    values: dict[str, Any] = {"most": limit}
    if not reach.is_all:
        values |= {"venue_ids": [*reach.venue_ids], "resource_ids": [*reach.resource_ids]}
    for number in range(3):
        term = terms[number] if number < len(terms) else ""
        values |= {f"term_{number}": term, f"end_{number}": term + _LAST}
    statement = _FIND if reach.is_all else _FIND_REACHED
    return list(session.execute(statement, values).scalars()) if terms else []
