"""Customers by the words they are found by: a range of an index, however many customers there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, insert, literal, or_, select

from app.domain.search import words_of
from app.persistence.catalogue_desk import Reach
from app.persistence.session import Session
from app.persistence.tables import booking_resources, bookings, customer_words, customers

MOST_LOOKED_AT = 20_000
_ANY = 10**18
_W = customer_words.c
_LAST = "\U0010ffff"  # sorts behind whatever a word may go on with
_ADD = insert(customer_words)
_DROP = delete(customer_words).where(_W.customer_id == bindparam("owner"))
_DROP_SOME = _DROP.where(_W.word.in_(bindparam("words", expanding=True)))
_WORDS_OF = select(_W.word).where(_W.customer_id == bindparam("owner"))
_NAMELESS = "?"  # the word of whoever has nothing to be found by, so that nobody looks for words again and again
_FIRST_KNOWN = select(func.min(_W.customer_id))
# Who came before words were kept: each new customer gets them at once, so that those without have the smallest keys.
_WORDLESS = (
    select(customers.c.id, customers.c.name, customers.c.email, customers.c.phone)
    .where(
        customers.c.id < bindparam("before"),
        or_(customers.c.name != "", customers.c.email != "", customers.c.phone != ""),
    )
    .order_by(customers.c.id.desc())
    .limit(bindparam("most"))
)


def there_is(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that there is a row, asked for each row outside: MariaDB would make EXISTS a join over all of them."""
    return func.coalesce(select(literal(1)).where(*where).limit(1).scalar_subquery(), 0) == 1


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
    .where(there_is(bookings.c.customer_id == _MATCHED.c.customer_id, _IN_REACH))
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


def replace_words(session: Session, customer_id: int, *, drop: Iterable[str], add: Iterable[str]) -> None:
    """Let a customer be found by some words no more, and by others from now on; what is there already stays there."""
    gone, come = sorted(drop), sorted(set(add) - set(_list_words(session, customer_id)))
    if gone:
        session.execute(_DROP_SOME, {"owner": customer_id, "words": gone})
    add_words(session, customer_id, come)


def move_words(session: Session, loser_id: int, survivor_id: int) -> None:
    """Let one customer be found by what another was found by."""
    words = _list_words(session, loser_id)
    drop_words(session, loser_id)
    replace_words(session, survivor_id, drop=(), add=words)


def add_missing(session: Session, *, limit: int) -> int:
    """Give words to at most *limit* customers who came before words were kept, the newest first, and return how many."""
    first = session.execute(_FIRST_KNOWN).scalar()
    found = session.execute(_WORDLESS, {"before": _ANY if first is None else first, "most": limit}).all()
    rows = [
        {"word": word, "customer_id": key}
        for key, name, email, phone in found
        for word in sorted(words_of(name, email, phone) or {_NAMELESS})
    ]
    if rows:
        session.execute(_ADD, rows)
    return len(found)


def _list_words(session: Session, customer_id: int) -> list[str]:
    return list(session.execute(_WORDS_OF, {"owner": customer_id}).scalars())


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
