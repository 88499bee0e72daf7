"""What stands on a document beside its booking: the names of its venue and its service."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, select

from app.domain.errors import NotFound
from app.persistence.session import Session
from app.persistence.tables import resources, services, venues

_VENUE = (venues.c.id, venues.c.name, venues.c.address, venues.c.email, venues.c.timezone, venues.c.currency)
_OF_BOOKING = (
    select(*_VENUE, services.c.name.label("other"))
    .join_from(venues, services, services.c.id == bindparam("service_id"))
    .where(venues.c.id == bindparam("venue_id"))
)
_OF_VENUE = select(*_VENUE, venues.c.slug.label("other")).where(venues.c.id == bindparam("venue_id"))
_OF_RESOURCE = (
    select(*_VENUE, resources.c.name.label("other"))
    .join_from(resources, venues)
    .where(resources.c.id == bindparam("resource_id"))
)
_IDS = select(venues.c.id).order_by(venues.c.id)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """A venue, and the name of what the document is about: a service, a resource, or the venue's own short name."""

    venue_id: int
    venue: str
    address: str
    email: str
    timezone: str
    currency: str
    subject: str


def get_of_booking(session: Session, *, venue_id: int, service_id: int) -> Letterhead:
    """Return the venue of a booking, with its service."""
    return Letterhead(*session.execute(_OF_BOOKING, {"venue_id": venue_id, "service_id": service_id}).one())


def get_of_venue(session: Session, venue_id: int) -> Letterhead:
    """Return a venue.

    Raises:
        NotFound: there is none of that key.
    """
    row = session.execute(_OF_VENUE, {"venue_id": venue_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such venue.")
    return Letterhead(*row)


def get_of_resource(session: Session, resource_id: int) -> Letterhead:
    """Return the venue of a resource, with the resource.

    Raises:
        NotFound: there is none of that key.
    """
    row = session.execute(_OF_RESOURCE, {"resource_id": resource_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such resource.")
    return Letterhead(*row)


def list_venue_ids(session: Session) -> list[int]:
    """Return the keys of all venues."""
    return list(session.execute(_IDS).scalars())
