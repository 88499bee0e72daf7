"""Bookings and the customers they are for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, bindparam, insert, or_, select, update

from app.domain.bookings import TAKING_TIME, Booking, Customer
from app.domain.errors import NotFound, VersionMismatch
from app.domain.prices import Line, Quote
from app.persistence.customers import find_or_add
from app.persistence.session import Session
from app.persistence.tables import booking_resources, bookings, customers, resources

_SELECT = select(bookings, customers.c.name, customers.c.email, customers.c.phone, customers.c.user_id).join_from(
    bookings, customers
)
_BY_REF = _SELECT.where(bookings.c.ref == bindparam("ref"))
_RESOURCES = (
    select(booking_resources.c.booking_id, resources.c.id, resources.c.name)
    .join_from(booking_resources, resources)
    .where(booking_resources.c.booking_id.in_(bindparam("ids", expanding=True)))
    .order_by(booking_resources.c.booking_id, resources.c.id)
)
_LIST = (
    _SELECT.where(
        or_(bindparam("status") == "", bookings.c.status == bindparam("status")),
        or_(bindparam("venue_id") == 0, bookings.c.venue_id == bindparam("venue_id")),
        bookings.c.starts_at >= bindparam("after"),
        bookings.c.starts_at < bindparam("before"),
        bookings.c.id > bindparam("cursor"),
    )
    .order_by(bookings.c.id)
    .limit(bindparam("most"))
)
_OWN = (
    _SELECT.where(customers.c.user_id == bindparam("owner"), bookings.c.id < bindparam("cursor"))
    .order_by(bookings.c.id.desc())
    .limit(bindparam("most"))
)
_UPCOMING = (
    select(bookings.c.id)
    .join_from(customers, bookings)
    .where(
        customers.c.user_id == bindparam("owner"),
        bookings.c.ends_at > bindparam("now"),
        bookings.c.status.in_(sorted(TAKING_TIME)),
    )
    .limit(1)
)
_LAPSED = (
    select(bookings.c.ref)
    .where(
        bookings.c.status == "pending",
        or_(bookings.c.starts_at <= bindparam("now"), bookings.c.answer_by <= bindparam("now")),
    )
    .order_by(bookings.c.starts_at)
    .limit(bindparam("most"))
)
_ADD = insert(bookings)
_ADD_RESOURCES = insert(booking_resources)
_CHANGE = (
    update(bookings)
    .where(bookings.c.id == bindparam("booking_id"), bookings.c.version == bindparam("seen"))
    .values(version=bookings.c.version + 1)
    .execution_options(synchronize_session=False)
)
_STATUS = _CHANGE.values(
    status=bindparam("to_status"), status_reason=bindparam("to_reason"), updated_at=bindparam("now")
)
_MOVE = _STATUS.values(
    starts_at=bindparam("to_starts_at"),
    ends_at=bindparam("to_ends_at"),
    total_minor=bindparam("to_total_minor"),
    deposit_minor=bindparam("to_deposit_minor"),
    price_lines=bindparam("to_price_lines"),
    answer_by=bindparam("to_answer_by"),
)
_DROP_RESOURCES = booking_resources.delete().where(booking_resources.c.booking_id == bindparam("owner"))


@dataclass(frozen=True, slots=True)
class StoredBooking:
    """A booking with what opens it: the hash of its manage token, and the account it belongs to."""

    booking: Booking
    manage_token_hash: str
    user_id: int | None


def add_customer(session: Session, customer: Customer, *, user_id: int | None, now: datetime) -> int:
    """Return the key of a customer, who may have an account: of the one who is here as exactly that, or of a new one."""
    return find_or_add(session, customer, user_id=user_id, now=now)


def add_booking(session: Session, booking: Booking, *, customer_id: int, manage_token_hash: str) -> int:
    """Insert a booking with its resources and return the key; the value's own id is not looked at."""
    result = session.execute(
        _ADD,
        {
            "ref": booking.ref,
            "manage_token_hash": manage_token_hash,
            "status": booking.status,
            "venue_id": booking.venue_id,
            "service_id": booking.service_id,
            "customer_id": customer_id,
            "starts_at": booking.starts_at,
            "ends_at": booking.ends_at,
            "timezone": booking.timezone,
            "party_size": booking.party_size,
            "currency": booking.price.currency,
            "answers": json.dumps(booking.answers, ensure_ascii=False),
            "notes": booking.notes,
            "language": booking.language,
            "answer_by": booking.answer_by,
            "created_at": booking.created_at,
            "updated_at": booking.updated_at,
            **_price(booking.price),
        },
    )
    booking_id = _key(result)
    _add_resources(session, booking_id, (resource_id for resource_id, _ in booking.resources))
    return booking_id


def find_booking(session: Session, ref: str) -> StoredBooking | None:
    """Return a booking and what opens it."""
    row = session.execute(_BY_REF, {"ref": ref}).mappings().one_or_none()
    if row is None:
        return None
    booking = _booking(row, _resources_of(session, [row["id"]]))
    return StoredBooking(booking, row["manage_token_hash"], row["user_id"])


def get_booking(session: Session, ref: str) -> StoredBooking:
    """Return a booking and what opens it.

    Raises:
        NotFound: there is none of that reference.
    """
    found = find_booking(session, ref)
    if found is None:
        raise NotFound("There is no such booking.")
    return found


def list_bookings(  # noqa: PLR0913 - the filters of one list, each by name
    session: Session,
    *,
    status: str = "",
    venue_id: int = 0,
    after: datetime,
    before: datetime,
    cursor: int = 0,
    limit: int,
) -> list[Booking]:
    """Return at most *limit* bookings that start in the span, in the order they were made, from after *cursor*."""
    criteria = {"status": status, "venue_id": venue_id, "after": after, "before": before}
    rows = session.execute(_LIST, {**criteria, "cursor": cursor, "most": limit}).mappings().all()
    names = _resources_of(session, [row["id"] for row in rows]) if rows else []
    return [_booking(row, names) for row in rows]


def list_own(session: Session, user_id: int, *, cursor: int, limit: int) -> list[Booking]:
    """Return at most *limit* bookings of an account, the newest first, from before the key *cursor*."""
    rows = session.execute(_OWN, {"owner": user_id, "cursor": cursor, "most": limit}).mappings().all()
    names = _resources_of(session, [row["id"] for row in rows]) if rows else []
    return [_booking(row, names) for row in rows]


def has_upcoming(session: Session, user_id: int, *, now: datetime) -> bool:
    """Tell whether an account has a booking that is not over."""
    return session.execute(_UPCOMING, {"owner": user_id, "now": now}).first() is not None


def list_lapsed(session: Session, *, now: datetime, limit: int) -> Sequence[str]:
    """Return the references of at most *limit* pending bookings whose start or time to be answered has come, by start."""
    return session.execute(_LAPSED, {"now": now, "most": limit}).scalars().all()


def update_status(session: Session, booking: Booking, *, status: str, reason: str, now: datetime) -> None:
    """Move a booking to another state.

    Raises:
        VersionMismatch: it is no longer the one that was read.
    """
    _change(session, _STATUS, booking, {"to_status": status, "to_reason": reason, "now": now})


def update_time(session: Session, before: Booking, after: Booking) -> None:
    """Give a booking another time, price and resources.

    Raises:
        VersionMismatch: it is no longer the one that was read.
    """
    values = {
        "to_status": after.status,
        "to_reason": after.status_reason,
        "now": after.updated_at,
        "to_starts_at": after.starts_at,
        "to_ends_at": after.ends_at,
        "to_answer_by": after.answer_by,
        **{f"to_{column}": value for column, value in _price(after.price).items()},
    }
    _change(session, _MOVE, before, values)
    session.execute(_DROP_RESOURCES, {"owner": before.id})
    _add_resources(session, before.id, (resource_id for resource_id, _ in after.resources))


def _change(session: Session, statement: Any, booking: Booking, values: dict[str, Any]) -> None:  # noqa: ANN401
    result: Any = session.execute(statement, {"booking_id": booking.id, "seen": booking.version, **values})
    if result.rowcount != 1:
        raise VersionMismatch("The booking has just been changed; read it again.")


def _add_resources(session: Session, booking_id: int, resource_ids: Iterable[int]) -> None:
    session.execute(_ADD_RESOURCES, [{"booking_id": booking_id, "resource_id": rid} for rid in resource_ids])


def _resources_of(session: Session, ids: Sequence[int]) -> list[tuple[int, int, str]]:
    return [tuple(row) for row in session.execute(_RESOURCES, {"ids": ids})]


def _price(price: Quote) -> dict[str, Any]:
    lines = [[line.kind, line.label, line.quantity, line.unit_minor, line.amount_minor] for line in price.lines]
    return {
        "total_minor": price.total_minor,
        "deposit_minor": price.deposit_minor,
        "price_lines": json.dumps(lines, ensure_ascii=False),
    }


def _booking(row: RowMapping, names: Sequence[tuple[int, int, str]]) -> Booking:
    lines = tuple(Line(*line) for line in json.loads(row["price_lines"]))
    return Booking(
        id=row["id"],
        ref=row["ref"],
        status=row["status"],
        venue_id=row["venue_id"],
        service_id=row["service_id"],
        resources=tuple((resource_id, name) for owner, resource_id, name in names if owner == row["id"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        timezone=row["timezone"],
        party_size=row["party_size"],
        price=Quote(row["currency"], row["total_minor"], row["deposit_minor"], lines),
        customer=Customer(row["name"], row["email"], row["phone"]),
        answers=json.loads(row["answers"]),
        notes=row["notes"],
        status_reason=row["status_reason"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        language=row["language"],
        answer_by=row["answer_by"],
    )


def _key(result: Any) -> int:  # noqa: ANN401 - SQLAlchemy types the result of an insert by its statement
    return int(result.inserted_primary_key[0])
