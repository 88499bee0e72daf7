"""Photos of resources."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select

from app.domain.attachments import ResourcePhoto
from app.domain.errors import NotFound
from app.persistence.session import Session
from app.persistence.tables import resource_photos, resources

_C = resource_photos.c
_OF_RESOURCE = _C.resource_id == bindparam("owner")
_ADD = insert(resource_photos)
_LIST = select(resource_photos).where(_OF_RESOURCE).order_by(_C.position, _C.id)
_GET = select(resource_photos).where(_OF_RESOURCE, _C.id == bindparam("photo_id"))
_DROP = delete(resource_photos).where(_C.id == bindparam("photo_id")).execution_options(synchronize_session=False)
_LAST = select(func.count(), func.coalesce(func.max(_C.position), 0)).where(_OF_RESOURCE)
_VENUE = select(resources.c.venue_id).where(resources.c.id == bindparam("owner"))
_LOCK = _VENUE.with_for_update()


def get_venue_id(session: Session, resource_id: int) -> int:
    """Return the venue of a resource. Raises NotFound."""
    found = session.execute(_VENUE, {"owner": resource_id}).scalar()
    if found is None:
        raise NotFound("There is no such resource.")
    return int(found)


def lock_places(session: Session, resource_id: int) -> tuple[int, int]:
    """Let nobody else add photos until the end of the transaction; return how many there are, and the last place taken."""
    session.execute(_LOCK, {"owner": resource_id})
    number, last = session.execute(_LAST, {"owner": resource_id}).one()
    return int(number), int(last)


def add_photo(session: Session, values: dict[str, Any], *, now: datetime) -> ResourcePhoto:
    """Insert a photo; its content must have been counted."""
    result: Any = session.execute(_ADD, {**values, "created_at": now})
    return ResourcePhoto(**values, id=int(result.inserted_primary_key[0]), created_at=now.replace(microsecond=0))


def list_photos(session: Session, resource_id: int) -> list[ResourcePhoto]:
    """Return the photos of a resource, in their order; there are few."""
    return [ResourcePhoto(**row) for row in session.execute(_LIST, {"owner": resource_id}).mappings()]


def get_photo(session: Session, resource_id: int, photo_id: int) -> ResourcePhoto:
    """Return a photo of a resource. Raises NotFound."""
    row = session.execute(_GET, {"owner": resource_id, "photo_id": photo_id}).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such photo.")
    return ResourcePhoto(**row)


def delete_photo(session: Session, photo_id: int) -> bool:
    """Delete the row; tell whether it was there until now."""
    result: Any = session.execute(_DROP, {"photo_id": photo_id})
    return bool(result.rowcount == 1)
