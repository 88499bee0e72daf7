"""Customers of bookings: found again when they book again, changed, made one, and the account that some of them are.

Whoever has neither name nor address has been erased, or was found to be another (``merged_into``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, insert, literal, not_, select, update

from app.domain.accounts import Target
from app.domain.bookings import Customer
from app.domain.errors import NotFound, VersionMismatch
from app.domain.search import words_of
from app.persistence import customer_search
from app.persistence.session import Session
from app.persistence.tables import bookings, customers

_C = customers.c
_MOST_STEPS = 20  # from one who was merged to who they are by now
_ADD = insert(customers)


def _hidden(column: Any) -> ColumnElement[Any]:  # noqa: ANN401 - a column of any type
    """Return a column whose index the database does not see: empty addresses and guests are half of all rows."""
    return func.coalesce(column, column)


_SAME = select(_C.id).where(
    _C.name == bindparam("name"), _C.merged_into.is_(None), func.coalesce(_C.user_id, 0) == bindparam("owner")
)
_SAME_BY = {
    "email": _SAME.where(_C.email == bindparam("email"), _hidden(_C.phone) == bindparam("phone")),
    "phone": _SAME.where(_C.phone == bindparam("phone"), _hidden(_C.email) == bindparam("email")),
}
# Locked, or a booking could go to somebody who is merged or erased at this moment.
_FIND_SAME = {by: same.order_by(_C.id).limit(1).with_for_update() for by, same in _SAME_BY.items()}
_NEW = ("name", "email", "phone", "user_id", "version", "created_at")
_ONCE = select(literal(1).label("one")).subquery()
# Inserted if there is none, in one statement: a guest who is new costs no query more than one who is known.
_ADD_IF_NONE = {
    by: insert(customers).from_select(
        _NEW,
        select(*(bindparam(f"new_{name}", type_=_C[name].type) for name in _NEW))
        .select_from(_ONCE)
        .where(not_(same.exists())),
    )
    for by, same in _SAME_BY.items()
}
_JOIN = update(customers).where(_C.user_id.is_(None)).values(user_id=bindparam("owner"))
_JOIN_BY_EMAIL = _JOIN.where(_C.email == bindparam("address"))
_JOIN_BY_PHONE = _JOIN.where(_C.phone == bindparam("address"))
_COLUMNS: Select[Any] = select(
    _C.id, _C.name, _C.email, _C.phone, _C.user_id, _C.merged_into, _C.version, _C.created_at
)
_BY_ID = _COLUMNS.where(_C.id == bindparam("customer_id"))
_LOCK = _BY_ID.with_for_update()
_OF_ACCOUNT = _COLUMNS.where(_C.user_id == bindparam("owner")).order_by(_C.id)
_IDS_OF = select(_C.id).where(_C.user_id == bindparam("owner")).order_by(_C.id)
_CHANGE = (
    update(customers)
    .where(_C.id == bindparam("customer_id"), _C.version == bindparam("seen"))
    .values(
        name=bindparam("to_name"),
        email=bindparam("to_email"),
        phone=bindparam("to_phone"),
        user_id=bindparam("to_user_id"),
        merged_into=bindparam("to_merged_into"),
        version=_C.version + 1,
    )
)
_ERASE = (
    update(customers)
    .where(_C.id == bindparam("customer_id"))
    .values(name="", email="", phone="", version=_C.version + 1)
)
_MOVE_BOOKINGS = (
    update(bookings).where(bookings.c.customer_id == bindparam("loser")).values(customer_id=bindparam("survivor"))
)


@dataclass(frozen=True, slots=True)
class StoredCustomer:
    """A customer as kept; ``user_id`` is the account of those who have one."""

    id: int
    name: str
    email: str
    phone: str
    user_id: int | None
    merged_into: int | None
    version: int
    created_at: datetime

    @property
    def is_erased(self) -> bool:
        """Tell whether nothing says any more who it was."""
        return not (self.name or self.email or self.phone)

    @property
    def words(self) -> frozenset[str]:
        """Return the words by which the customer is found."""
        return words_of(self.name, self.email, self.phone)


def find_or_add(session: Session, customer: Customer, *, user_id: int | None, now: datetime) -> int:
    """Return the key of the customer of exactly these details and this account; inserted, with its words, if there is none.

    Two queries, whether there was one or not. Somebody without any address is always another.
    """
    new = {"name": customer.name, "email": customer.email, "phone": customer.phone, "user_id": user_id}
    by = "email" if customer.email else "phone" if customer.phone else ""
    key, is_new = _kept(session, by, {**new, "version": 1, "created_at": now})
    if is_new:
        customer_search.add_words(session, key, words_of(customer.name, customer.email, customer.phone))
    return key


def _kept(session: Session, by: str, new: dict[str, Any]) -> tuple[int, bool]:
    """Return the key of a customer, and whether it is new."""
    if by:
        looked = {**new, "owner": new["user_id"] or 0}
        added: Any = session.execute(_ADD_IF_NONE[by], {**looked, **{f"new_{name}": new[name] for name in _NEW}})
        if added.rowcount:
            return int(added.lastrowid), True
        found = session.execute(_FIND_SAME[by], looked).scalar()
        if found is not None:
            return int(found), False
    result: Any = session.execute(_ADD, new)
    return int(result.inserted_primary_key[0]), True


def join(session: Session, user_id: int, target: Target) -> int:
    """Give a guest's earlier bookings to the account that has shown to have the address, and return how many customers."""
    statement = _JOIN_BY_EMAIL if target.channel == "email" else _JOIN_BY_PHONE
    result: Any = session.execute(statement, {"owner": user_id, "address": target.address})
    return int(result.rowcount)


def get_customer(session: Session, customer_id: int) -> StoredCustomer:
    """Return a customer; of one who was found to be another, that other.

    Raises:
        NotFound: there is none of that key.
    """
    for _ in range(_MOST_STEPS):
        found = _one(session.execute(_BY_ID, {"customer_id": customer_id}).one_or_none())
        if found.merged_into is None:
            return found
        customer_id = found.merged_into
    raise NotFound("There is no such customer.")


def lock_customers(session: Session, ids: Iterable[int]) -> list[StoredCustomer]:
    """Return customers whom nobody else changes until the transaction ends, by key, whoever they were found to be.

    Raises:
        NotFound: there is none of a key.
    """
    return [_one(session.execute(_LOCK, {"customer_id": key}).one_or_none()) for key in sorted(ids)]


def list_of_account(session: Session, user_id: int) -> list[StoredCustomer]:
    """Return all customers that are an account, by key."""
    return [_one(row) for row in session.execute(_OF_ACCOUNT, {"owner": user_id})]


def list_ids(session: Session, user_id: int) -> list[int]:
    """Return the keys of all customers that are an account."""
    return list(session.execute(_IDS_OF, {"owner": user_id}).scalars())


def update_customer(session: Session, before: StoredCustomer, after: StoredCustomer) -> None:
    """Change a customer, and the words that find it: those of other names that it came by, in a merge, stay.

    Raises:
        VersionMismatch: it is no longer the one that was read.
    """
    values = {name: getattr(after, name) for name in ("name", "email", "phone", "user_id", "merged_into")}
    seen = {"customer_id": before.id, "seen": before.version}
    result: Any = session.execute(_CHANGE, {**seen, **{f"to_{name}": value for name, value in values.items()}})
    if result.rowcount != 1:
        raise VersionMismatch("The customer has just been changed; read it again.")
    customer_search.replace_words(session, before.id, drop=before.words - after.words, add=after.words - before.words)


def move_bookings(session: Session, loser_id: int, survivor_id: int) -> int:
    """Give the bookings of one customer to another, and return how many."""
    result: Any = session.execute(_MOVE_BOOKINGS, {"loser": loser_id, "survivor": survivor_id})
    return int(result.rowcount)


def erase(session: Session, customer_id: int) -> None:
    """Take name and addresses off a customer, who is found no more; the key stays for what refers to it."""
    session.execute(_ERASE, {"customer_id": customer_id})
    customer_search.drop_words(session, customer_id)


def _one(row: Any) -> StoredCustomer:  # noqa: ANN401 - a row of these columns, or none
    if row is None:
        raise NotFound("There is no such customer.")
    return StoredCustomer(*row)
