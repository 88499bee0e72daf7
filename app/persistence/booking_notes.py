"""What the venue's people tell each other about a booking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select

from app.persistence.session import Session
from app.persistence.tables import booking_notes

_N = booking_notes.c
_ADD = insert(booking_notes)
_LIST = (
    select(_N.id, _N.text, _N.written_by, _N.created_at).where(_N.booking_id == bindparam("booking_id")).order_by(_N.id)
)
_COUNT = select(func.count()).where(_N.booking_id == bindparam("booking_id"))


@dataclass(frozen=True, slots=True)
class BookingNote:
    """A note, and who wrote it."""

    id: int
    text: str
    written_by: str
    created_at: datetime


def add_note(session: Session, booking_id: int, text: str, *, written_by: str, now: datetime) -> int:
    """Insert a note and return its key."""
    values = {"booking_id": booking_id, "text": text, "written_by": written_by, "created_at": now}
    result: Any = session.execute(_ADD, values)
    return int(result.inserted_primary_key[0])


def list_notes(session: Session, booking_id: int) -> list[BookingNote]:
    """Return the notes of a booking, in the order they were written."""
    return [BookingNote(*row) for row in session.execute(_LIST, {"booking_id": booking_id})]


def count_notes(session: Session, booking_id: int) -> int:
    """Return how many notes a booking has."""
    return session.execute(_COUNT, {"booking_id": booking_id}).scalar_one()
