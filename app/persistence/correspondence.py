"""What a message about a booking says beside the booking: its venue, its service, and how the venue wants to be heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update

from app.domain.quiet_hours import QuietHours
from app.persistence.session import Session
from app.persistence.tables import outbox, services, venues

_OF_BOOKING = (
    select(
        venues.c.name,
        venues.c.address,
        venues.c.email,
        venues.c.phone,
        venues.c.language,
        services.c.name.label("service"),
        services.c.reminders,
        venues.c.quiet_from,
        venues.c.quiet_until,
    )
    .join_from(venues, services, services.c.id == bindparam("service_id"))
    .where(venues.c.id == bindparam("venue_id"))
)
# A void one keeps nothing of whom it was to go to, as a sent one.
_TAKE_BACK = (
    update(outbox)
    .where(outbox.c.object == bindparam("about"), outbox.c.topic == bindparam("wanted"), outbox.c.status == "queued")
    .values(status="void", sealed="")
)


@dataclass(frozen=True, slots=True)
class Correspondence:
    """A venue as its messages name it, and a service of it."""

    venue: str
    address: str
    email: str
    phone: str
    language: str
    service: str
    reminders: str
    quiet: QuietHours | None


def get_correspondence(session: Session, *, venue_id: int, service_id: int) -> Correspondence:
    """Return the venue of a booking, with its service; both are there as long as the booking is."""
    row = session.execute(_OF_BOOKING, {"venue_id": venue_id, "service_id": service_id}).one()
    is_quiet = row.quiet_from is not None and row.quiet_until is not None
    return Correspondence(
        venue=row.name,
        address=row.address,
        email=row.email,
        phone=row.phone,
        language=row.language,
        service=row.service,
        reminders=row.reminders,
        quiet=QuietHours(row.quiet_from, row.quiet_until) if is_quiet else None,
    )


def take_back(session: Session, topic: str, about: str) -> int:
    """Keep what is owed of a topic about an object from being sent, where it has not been yet; return how many."""
    result: Any = session.execute(_TAKE_BACK, {"wanted": topic, "about": about})
    return int(result.rowcount)
