"""Who reaches a booking, and how much of it: its owner, whoever runs its venue, and whoever has the link of its confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain import bookings as rules
from app.domain.actors import Actor
from app.domain.bookings import Booking
from app.domain.errors import NotFound
from app.domain.tokens import derive_token, is_token
from app.persistence import bookings
from app.persistence.bookings import StoredBooking
from app.persistence.session import Session, reading
from app.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Access:
    """How a caller reaches one booking: as its owner, as somebody who runs its venue, or by the token of its manage link."""

    by: Actor
    token: str | None = None
    version: int | None = None  # that the caller has seen; None is any


def manage_token(ref: str, secret_key: str) -> str:
    """Return the token of a booking's manage link."""
    return derive_token(secret_key, "manage", ref)


def manage_url(ref: str, settings: Settings) -> str:
    """Return a booking's manage link, to the page for people where there is one: whoever has it reads, moves and cancels."""
    page = settings.manage_page or f"{settings.base_url}/api/v1/bookings/{{ref}}?token={{token}}"
    return page.replace("{ref}", ref).replace("{token}", manage_token(ref, settings.secret_key))


def get_for(ref: str, access: Access) -> Booking:
    """Return the booking that the caller may see.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    return admit(reading(), ref, access)


def view_for(ref: str, access: Access) -> tuple[Booking, bool]:
    """Return the booking that the caller may see, and whether all of it: a manage link alone opens no names or answers.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    stored = bookings.get_booking(reading(), ref)
    return _admitted(stored, access), _is_owner(access, stored) or runs_its_venue(access, stored.booking)


def admit(session: Session, ref: str, access: Access) -> Booking:
    """Return the booking if the caller has access to it; to anybody else it does not exist.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    return _admitted(bookings.get_booking(session, ref), access)


def admit_change(session: Session, ref: str, access: Access, *, now: datetime) -> Booking:
    """Return the booking under the lock, if this caller may change it as it stands.

    Raises:
        NotFound: as for admit. VersionMismatch: it has changed.
        Conflict: it has begun, and the caller does not run its venue.
    """
    booking = admit(session, ref, access)
    rules.check_version(booking, access.version)
    if not runs_its_venue(access, booking):
        rules.check_not_begun(booking, now=now)
    return booking


def runs_its_venue(access: Access, booking: Booking) -> bool:
    """Tell whether the caller runs the venue of a booking, or one of its resources."""
    return access.by.reaches(booking.venue_id, [resource_id for resource_id, _ in booking.resources])


def _admitted(stored: StoredBooking, access: Access) -> Booking:
    has_token = access.token is not None and is_token(access.token, stored.manage_token_hash)
    if has_token or _is_owner(access, stored) or runs_its_venue(access, stored.booking):
        return stored.booking
    raise NotFound("There is no such booking.")


def _is_owner(access: Access, stored: StoredBooking) -> bool:
    return access.by.user_id is not None and access.by.user_id == stored.user_id
