"""What is kept of somebody beside their name: found page by page to be handed over, and taken off what stays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, RowMapping, and_, bindparam, delete, exists, func, not_, or_, select, update

from app.domain.bookings import TAKING_TIME
from app.persistence.session import Session
from app.persistence.tables import (
    attachments,
    audit_log,
    booking_notes,
    bookings,
    customers,
    deliveries,
    outbox,
    services,
    uploads,
    venues,
)

PAGE = 200  # bookings, whose notes and messages are few
_PERSONAL = ("email", "sms", "whatsapp")  # channels: events and webhooks hold nothing of whom they tell of
_MASK = "(erased)"
_B, _N, _O, _A, _F, _C = bookings.c, booking_notes.c, outbox.c, audit_log.c, attachments.c, customers.c
_WHOSE = _B.customer_id.in_(bindparam("customer_ids", expanding=True))
_IDS: BindParameter[int] = bindparam("booking_ids", expanding=True)
_OBJECTS: BindParameter[str] = bindparam("objects", expanding=True)
_OF_PEOPLE = or_(_A.actor == "guest", _A.actor.startswith("holder"), _A.actor.startswith("customer"))
_REFS = select(_B.id, _B.ref).where(_WHOSE, _B.id > bindparam("cursor")).order_by(_B.id).limit(bindparam("most"))
_UPCOMING = (
    select(_B.ref)
    .where(_WHOSE, _B.ends_at > bindparam("now", type_=_B.ends_at.type), _B.status.in_(sorted(TAKING_TIME)))
    .limit(1)
)
_BOOKINGS = (
    select(bookings, venues.c.name.label("venue"), services.c.name.label("service"))
    .join_from(bookings, venues, venues.c.id == _B.venue_id)
    .join(services, services.c.id == _B.service_id)
    .where(_WHOSE, _B.id > bindparam("cursor"))
    .order_by(_B.id)
    .limit(bindparam("most"))
)
_NOTES = select(booking_notes).where(_N.booking_id.in_(_IDS)).order_by(_N.booking_id, _N.id)
_FILES = select(attachments).where(_F.booking_id.in_(_IDS)).order_by(_F.booking_id, _F.id)
_MESSAGES = (
    select(_O.id, _O.object, _O.topic, _O.channel, _O.status, _O.attempts, _O.created_at, _O.sent_at)
    .where(_O.object.in_(_OBJECTS))
    .order_by(_O.object, _O.id)
)
_EVENTS = (
    select(audit_log)
    .where(_A.object.in_(_OBJECTS), _A.id > bindparam("cursor"))
    .order_by(_A.id)
    .limit(bindparam("most"))
)
_BLANK_BOOKINGS = update(bookings).where(_B.id.in_(_IDS)).values(answers="{}", notes="", status_reason="")
_DROP_NOTES = delete(booking_notes).where(_N.booking_id.in_(_IDS))
_DROP_FILES = delete(attachments).where(_F.id.in_(bindparam("file_ids", expanding=True)))
_UPLOADS = select(uploads.c.id, uploads.c.sha256).where(uploads.c.booking_id.in_(_IDS))
_DROP_UPLOADS = delete(uploads).where(uploads.c.id.in_(bindparam("file_ids", expanding=True)))
_OWED = select(_O.id).where(_O.object.in_(_OBJECTS), _O.channel.in_(_PERSONAL))
_THESE = _O.id.in_(bindparam("message_ids", expanding=True))
_VOID = update(outbox).where(_THESE, _O.status.in_(("queued", "dead"))).values(status="void", claim=None)
_WIPE = update(outbox).where(_THESE).values(sealed="", last_error="")
_WIPE_TRIES = (
    update(deliveries).where(deliveries.c.outbox_id.in_(bindparam("message_ids", expanding=True))).values(detail="")
)
_BLANK_ADDRESSES = update(audit_log).where(_A.object.in_(_OBJECTS), _OF_PEOPLE).values(address="")
_OVERRIDDEN = select(_A.id, _A.detail).where(_A.object.in_(_OBJECTS), _A.detail.contains('"override":'))
_SET_DETAIL = update(audit_log).where(_A.id == bindparam("entry_id")).values(detail=bindparam("to_detail"))
_LAST_KEY = select(func.max(_C.id))
_RECENT = exists().where(_B.customer_id == _C.id, _B.ends_at >= bindparam("cutoff", type_=_B.ends_at.type))
# Somebody without any booking counts from when they came.
_FORGOTTEN = and_(
    _C.user_id.is_(None),
    or_(_C.name != "", _C.email != "", _C.phone != ""),
    not_(_RECENT),
    or_(exists().where(_B.customer_id == _C.id), _C.created_at < bindparam("cutoff", type_=_C.created_at.type)),
)
_OVERDUE = (
    select(_C.id)
    .where(_C.id > bindparam("after"), _C.id <= bindparam("until"), _FORGOTTEN)
    .order_by(_C.id)
    .limit(bindparam("most"))
)
_IS_OVERDUE = select(_C.id).where(_C.id == bindparam("customer_id"), _FORGOTTEN)


@dataclass(frozen=True, slots=True)
class BookingKey:
    """A booking's key, and what the log and the outbox call it."""

    id: int
    object: str


def has_upcoming(session: Session, customer_ids: Sequence[int], *, now: datetime) -> bool:
    """Tell whether somebody has a booking that is not over."""
    return session.execute(_UPCOMING, {"customer_ids": [*customer_ids], "now": now}).first() is not None


def list_keys(session: Session, customer_ids: Sequence[int], *, cursor: int) -> list[BookingKey]:
    """Return a page of somebody's bookings, from after the key *cursor*."""
    values = {"customer_ids": [*customer_ids], "cursor": cursor, "most": PAGE}
    return [BookingKey(key, f"booking:{ref}") for key, ref in session.execute(_REFS, values)]


def list_bookings(session: Session, customer_ids: Sequence[int], *, cursor: int) -> list[RowMapping]:
    """Return a page of somebody's bookings with all that is kept of them, from after the key *cursor*."""
    values = {"customer_ids": [*customer_ids], "cursor": cursor, "most": PAGE}
    return list(session.execute(_BOOKINGS, values).mappings())


def list_notes(session: Session, keys: Sequence[BookingKey]) -> list[RowMapping]:
    """Return what the venue's people told each other about bookings."""
    return list(session.execute(_NOTES, {"booking_ids": [key.id for key in keys]}).mappings())


def list_files(session: Session, keys: Sequence[BookingKey]) -> list[RowMapping]:
    """Return the files of bookings, without their contents."""
    return list(session.execute(_FILES, {"booking_ids": [key.id for key in keys]}).mappings())


def list_messages(session: Session, keys: Sequence[BookingKey]) -> list[RowMapping]:
    """Return which messages about bookings were sent or are owed, without what they say."""
    return list(session.execute(_MESSAGES, {"objects": [key.object for key in keys]}).mappings())


def list_events(session: Session, keys: Sequence[BookingKey], *, cursor: int) -> list[RowMapping]:
    """Return a page of what was done with these objects, from after the number *cursor*."""
    return list(session.execute(_EVENTS, {**_objects(keys), "cursor": cursor, "most": PAGE}).mappings())


def erase_words(session: Session, keys: Sequence[BookingKey]) -> None:
    """Take off bookings what was written by and about their customer."""
    ids = [key.id for key in keys]
    session.execute(_BLANK_BOOKINGS, {"booking_ids": ids})
    session.execute(_DROP_NOTES, {"booking_ids": ids})


def drop_files(session: Session, keys: Sequence[BookingKey]) -> list[str]:
    """Delete the files of bookings, also those on their way, and return the content that each referred to."""
    ids = {"booking_ids": [key.id for key in keys]}
    gone: list[str] = []
    for found, drop in ((_FILES, _DROP_FILES), (_UPLOADS, _DROP_UPLOADS)):
        rows = session.execute(found, ids).mappings().all()
        if rows:
            session.execute(drop, {"file_ids": [row["id"] for row in rows]})
        gone += [row["sha256"] for row in rows if row["sha256"]]
    return gone


def void_messages(session: Session, keys: Sequence[BookingKey]) -> None:
    """Send no message about these bookings any more, and keep nothing of whom those sent were for."""
    ids = {"message_ids": list(session.execute(_OWED, _objects(keys)).scalars())}
    if ids["message_ids"]:
        for statement in (_VOID, _WIPE, _WIPE_TRIES):
            session.execute(statement, ids)


def forget_callers(session: Session, keys: Sequence[BookingKey]) -> None:
    """Take from the audit log what tells who did something with their own bookings: network addresses and free words."""
    session.execute(_BLANK_ADDRESSES, _objects(keys))
    for entry_id, detail in session.execute(_OVERRIDDEN, _objects(keys)).all():
        masked = json.dumps({**json.loads(detail), "override": _MASK}, ensure_ascii=False, separators=(",", ":"))
        session.execute(_SET_DETAIL, {"entry_id": entry_id, "to_detail": masked})


def forget_account_callers(session: Session, user_id: int) -> None:
    """Take from the audit log the network addresses of what an account did with itself."""
    session.execute(_BLANK_ADDRESSES, {"objects": [f"user:{user_id}"]})


def last_key(session: Session) -> int:
    """Return the largest key of any customer."""
    return session.execute(_LAST_KEY).scalar() or 0


def list_overdue(session: Session, *, cutoff: datetime, after: int, until: int, limit: int) -> list[int]:
    """Return at most *limit* guests of this range of keys whose last booking ended before the cutoff."""
    values = {"cutoff": cutoff, "after": after, "until": until, "most": limit}
    return list(session.execute(_OVERDUE, values).scalars())


def is_overdue(session: Session, customer_id: int, *, cutoff: datetime) -> bool:
    """Tell whether a guest's last booking ended before the cutoff."""
    return session.execute(_IS_OVERDUE, {"customer_id": customer_id, "cutoff": cutoff}).first() is not None


def _objects(keys: Sequence[BookingKey]) -> Mapping[str, Any]:
    return {"objects": [key.object for key in keys]}
