"""Customers as the venue's people look through them: those who have booked within one's part of the house, and who is there twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, bindparam, exists, func, not_, or_, select, union, union_all

from app.persistence.catalogue_desk import Reach
from app.persistence.customer_search import there_is
from app.persistence.session import Session
from app.persistence.tables import booking_resources, bookings, customers

NEWEST = 10**18  # larger than any key
FEW = 5_000  # bookings: a part of the house with no more finds its customers through them, and not among everybody's
MOST_OF_A_GROUP = 20
WINDOW = 10_000  # addresses that are looked through for a page of those who are there twice
_C, _B = customers.c, bookings.c
_SELECT = (
    select(_C.id, _C.name, _C.email, _C.phone, _C.user_id, _C.version, _C.created_at)
    .where(_C.id < bindparam("before"), _C.merged_into.is_(None), or_(_C.name != "", _C.email != "", _C.phone != ""))
    .order_by(_C.id.desc())
    .limit(bindparam("most"))
)
_IN_VENUES = _B.venue_id.in_(bindparam("venue_ids", expanding=True))
_ON_RESOURCES = booking_resources.c.resource_id.in_(bindparam("resource_ids", expanding=True))
_REACHED = or_(_IN_VENUES, exists().where(booking_resources.c.booking_id == _B.id, _ON_RESOURCES))
_BY_VENUE = select(_B.customer_id).where(_IN_VENUES)
_BY_RESOURCE = (
    select(_B.customer_id)
    .join_from(booking_resources, bookings, booking_resources.c.booking_id == _B.id)
    .where(_ON_RESOURCES)
)
_SOME = [each.limit(FEW + 1).subquery() for each in (_BY_VENUE, _BY_RESOURCE)]
_ARE_MANY = select(func.count()).select_from(union_all(*(select(some) for some in _SOME)).subquery())
_FOUND = union(_BY_VENUE, _BY_RESOURCE).subquery()
_LISTS: dict[str, Select[Any]] = {
    "all": _SELECT,
    "few": _SELECT.join(_FOUND, _FOUND.c.customer_id == _C.id),
    "many": _SELECT.where(there_is(_B.customer_id == _C.id, _REACHED)),
    "ids": _SELECT.where(_C.id.in_(bindparam("ids", expanding=True))),
}
_MINE = (_B.customer_id == bindparam("customer_id"), or_(bindparam("is_all"), _REACHED))
_SUMS = (
    select(
        _B.status,
        _B.currency,
        func.count().label("number"),
        func.sum(_B.total_minor).label("total_minor"),
        func.min(_B.starts_at).label("first_at"),
        func.max(_B.starts_at).label("last_at"),
    )
    .where(*_MINE)
    .group_by(_B.status, _B.currency)
)
_HAS_ANY = select(_B.id).where(*_MINE).limit(1)
_HAS_OTHERS = select(_B.id).where(_B.customer_id == bindparam("customer_id"), not_(_REACHED)).limit(1)


def _address(name: str) -> ColumnElement[str]:
    column: ColumnElement[str] = _C.email if name == "email" else _C.phone
    return column


def _twice(name: str) -> tuple[Executable, Executable, Executable]:
    """Return how far to look, which addresses stand there twice, and whose they are."""
    column = _address(name)
    later = column > bindparam("last")
    edge = select(column, _C.id).where(later).order_by(column).limit(1).offset(WINDOW)
    number = func.count().label("number")
    groups = (
        select(column.label("address"), number)
        .where(later, or_(bindparam("edge") == "", column <= bindparam("edge")))
        .group_by(column)
        .having(number > 1)
        .order_by(column)
        .limit(bindparam("most"))
    )
    place = func.row_number().over(partition_by=column, order_by=_C.id.desc()).label("place")
    ranked = select(_C.id, _C.name, _C.email, _C.phone, _C.user_id, _C.version, _C.created_at, place)
    inside = ranked.where(column.in_(bindparam("addresses", expanding=True))).subquery()
    shown = [inside.c[each] for each in ("id", "name", "email", "phone", "user_id", "version", "created_at")]
    return edge, groups, select(*shown).where(inside.c.place <= MOST_OF_A_GROUP).order_by(inside.c.id.desc())


_TWICE = {name: _twice(name) for name in ("email", "phone")}
_ADDRESS_OF = {name: select(_address(name)).where(_C.id == bindparam("customer_id")) for name in ("email", "phone")}


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer as the desk lists it."""

    id: int
    name: str
    email: str
    phone: str
    user_id: int | None
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Sum:
    """What a customer has booked that came to one status, in one currency."""

    status: str
    currency: str
    number: int
    total_minor: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Twice:
    """An address that several customers have: how many, and the newest of them."""

    by: str
    address: str
    number: int
    customers: tuple[CustomerRow, ...]


def list_customers(session: Session, reach: Reach, *, before: int = NEWEST, limit: int) -> list[CustomerRow]:
    """Return at most *limit* customers with a booking within reach, the newest first; everybody's, also those without one.

    Two queries. Whoever has been erased is left out.
    """
    values = {"before": before, "most": limit, **_values(reach)}
    if reach.is_all:
        return _rows(session, "all", values)
    are_many = session.execute(_ARE_MANY, _values(reach)).scalar_one() > FEW
    return _rows(session, "many" if are_many else "few", values)


def list_found(session: Session, ids: Sequence[int], *, before: int = NEWEST, limit: int) -> list[CustomerRow]:
    """Return at most *limit* of these customers, the newest first."""
    return _rows(session, "ids", {"ids": [*ids], "before": before, "most": limit}) if ids else []


def list_sums(session: Session, customer_id: int, reach: Reach) -> list[Sum]:
    """Return what a customer has booked within reach, by status and currency."""
    rows = session.execute(_SUMS, {"customer_id": customer_id, **_values(reach)})
    return [Sum(row[0], row[1], int(row[2]), int(row[3]), row[4], row[5]) for row in rows]


def is_reached(session: Session, customer_id: int, reach: Reach) -> bool:
    """Tell whether a customer has a booking within reach; whoever reaches all reaches everybody."""
    return reach.is_all or session.execute(_HAS_ANY, {"customer_id": customer_id, **_values(reach)}).first() is not None


def has_others(session: Session, customer_id: int, reach: Reach) -> bool:
    """Tell whether a customer has a booking out of reach."""
    values = {"customer_id": customer_id, **_values(reach)}
    return not reach.is_all and session.execute(_HAS_OTHERS, values).first() is not None


def list_twice(session: Session, by: str, last_id: int, *, limit: int) -> tuple[list[Twice], int | None]:
    """Return at most *limit* addresses that several customers have, and who was looked at last; None is that these are all.

    It looks from behind the address of the customer *last_id*, at ten thousand addresses at most; four queries.
    """
    last = (session.execute(_ADDRESS_OF[by], {"customer_id": last_id}).scalar() or "") if last_id else ""
    edge, groups, members = _TWICE[by]
    end, end_id = session.execute(edge, {"last": last}).one_or_none() or ("", None)
    numbers = {row.address: row.number for row in session.execute(groups, {"last": last, "edge": end, "most": limit})}
    rows = [CustomerRow(*row) for row in session.execute(members, {"addresses": [*numbers]})] if numbers else []
    found = [
        Twice(by, address, number, tuple(row for row in rows if getattr(row, by) == address))
        for address, number in numbers.items()
    ]
    if len(found) == limit:
        return found, found[-1].customers[0].id
    return found, end_id


def _rows(session: Session, name: str, values: dict[str, Any]) -> list[CustomerRow]:
    return [CustomerRow(*row) for row in session.execute(_LISTS[name], values)]


def _values(reach: Reach) -> dict[str, Any]:
    venues, resources = [*reach.venue_ids], [*reach.resource_ids]
    return {"venue_ids": venues, "resource_ids": resources, "is_all": reach.is_all}
