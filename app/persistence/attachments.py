"""Files of bookings, and how much is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, func, insert, or_, select

from app.domain.attachments import Attachment
from app.domain.errors import NotFound
from app.persistence.session import Session
from app.persistence.tables import attachments, bookings, customers, uploads, users

_C = attachments.c
_COLUMNS = (
    _C.id, _C.sha256, _C.name, _C.media_type, _C.size_bytes, _C.created_at, _C.booking_id, _C.uploaded_by, _C.field_key,
)  # fmt: skip
_ADD = insert(attachments)
_LIST = select(*_COLUMNS).where(_C.booking_id == bindparam("owner")).order_by(_C.id)
_GET = select(*_COLUMNS).where(_C.booking_id == bindparam("owner"), _C.id == bindparam("attachment_id"))
_GET_BY_ID = select(*_COLUMNS).where(_C.id == bindparam("attachment_id"))
_DROP = delete(attachments).where(_C.id == bindparam("attachment_id")).execution_options(synchronize_session=False)
_USER: BindParameter[int] = bindparam("user_id")


def _size(column: Any, of: Any) -> Any:  # noqa: ANN401 - SQLAlchemy's expressions
    return select(func.coalesce(func.sum(column), 0)).where(of).scalar_subquery()


def _number(table: Any, of: Any) -> Any:  # noqa: ANN401 - as above
    return select(func.count()).select_from(table).where(of).scalar_subquery()


# An upload counts with the length that it will have: what has been promised is not promised twice.
_OF_BOOKING, _OF_USER = _C.booking_id == bindparam("owner"), _C.user_id == _USER
_COMING_BOOKING = (uploads.c.booking_id == bindparam("owner")) & (uploads.c.name != bindparam("but"))
_COMING_USER = (uploads.c.user_id == _USER) & (uploads.c.name != bindparam("but"))
_USED = select(
    (_size(_C.size_bytes, _OF_BOOKING) + _size(uploads.c.length, _COMING_BOOKING)).label("booking_bytes"),
    (_size(_C.size_bytes, _OF_USER) + _size(uploads.c.length, _COMING_USER)).label("user_bytes"),
    (_number(attachments, _OF_BOOKING) + _number(uploads, _COMING_BOOKING)).label("booking_files"),
)
_LOCK_BOOKING = select(bookings.c.status).where(bookings.c.id == bindparam("owner")).with_for_update()
_LOCK_USER = select(users.c.id).where(users.c.id == _USER).with_for_update()
_TOKEN_HASH = select(bookings.c.manage_token_hash).where(bookings.c.id == bindparam("owner"))
_OF_ACCOUNT = (
    select(_C.id, _C.sha256)
    .join_from(attachments, bookings, bookings.c.id == _C.booking_id)
    .join(customers, customers.c.id == bookings.c.customer_id)
    .where(or_(_C.user_id == _USER, customers.c.user_id == _USER))
)


@dataclass(frozen=True, slots=True)
class Used:
    """What a booking and a user have already, uploads on their way included."""

    booking_bytes: int
    user_bytes: int
    booking_files: int


def add_attachment(session: Session, values: dict[str, Any], *, now: datetime) -> Attachment:
    """Insert a file of a booking; its content must have been counted."""
    result: Any = session.execute(_ADD, {"user_id": None, **values, "created_at": now})
    shown = {name: value for name, value in values.items() if name != "user_id"}
    return Attachment(**shown, id=int(result.inserted_primary_key[0]), created_at=now.replace(microsecond=0))


def list_attachments(session: Session, booking_id: int) -> list[Attachment]:
    """Return the files of a booking, in the order they came; there are few."""
    rows = session.execute(_LIST, {"owner": booking_id}).mappings()
    return [Attachment(**row) for row in rows]


def get_attachment(session: Session, booking_id: int, attachment_id: int) -> Attachment:
    """Return a file of a booking. Raises NotFound."""
    return _one(session, _GET, {"owner": booking_id, "attachment_id": attachment_id})


def get_by_id(session: Session, attachment_id: int) -> Attachment:
    """Return a file whose booking does not matter: a signed link names it. Raises NotFound."""
    return _one(session, _GET_BY_ID, {"attachment_id": attachment_id})


def delete_attachment(session: Session, attachment_id: int) -> bool:
    """Delete the row; tell whether it was there until now."""
    result: Any = session.execute(_DROP, {"attachment_id": attachment_id})
    return bool(result.rowcount == 1)


def used(session: Session, *, booking_id: int | None, user_id: int | None, but: str = "") -> Used:
    """Return what is used, leaving out the upload of the name *but*; one query."""
    row = session.execute(_USED, {"owner": booking_id, "user_id": user_id, "but": but}).one()
    return Used(int(row.booking_bytes), int(row.user_bytes), int(row.booking_files))


def lock_owners(session: Session, *, booking_id: int | None, user_id: int | None) -> str:
    """Let nobody else add files of the booking or the user until the end of the transaction; return the booking's status."""
    status = session.execute(_LOCK_BOOKING, {"owner": booking_id}).scalar() if booking_id is not None else ""
    if user_id is not None:
        session.execute(_LOCK_USER, {"user_id": user_id})
    return str(status or "")


def list_of_user(session: Session, user_id: int) -> list[tuple[int, str]]:
    """Return key and content of every file that an account has sent or that belongs to a booking of its own."""
    return [(key, sha256) for key, sha256 in session.execute(_OF_ACCOUNT, {"user_id": user_id})]


def find_token_hash(session: Session, booking_id: int) -> str | None:
    """Return what opens a booking: the hash of its manage token."""
    found: str | None = session.execute(_TOKEN_HASH, {"owner": booking_id}).scalar()
    return found


def _one(session: Session, statement: Any, criteria: dict[str, int]) -> Attachment:  # noqa: ANN401 - a select
    rows: Sequence[Any] = session.execute(statement, criteria).mappings().all()
    if not rows:
        raise NotFound("There is no such file.")
    return Attachment(**rows[0])
