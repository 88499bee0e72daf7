"""Photos of resources: the venue adds and removes them, everybody sees them."""

from __future__ import annotations

from app.domain.actors import Actor
from app.domain.attachments import MOST_PHOTOS, ResourcePhoto
from app.domain.errors import Invalid, NotFound, StorageFull, TooLarge
from app.domain.files import Allowance, size_text
from app.persistence import contents, photos
from app.persistence.audit import add_audit
from app.persistence.session import give_connection_back, reading, transaction, use_case
from app.services import files
from app.services.attachments import Desk
from app.services.files import Incoming, Received

USE = "resource_photo"
MOST_BYTES = 20 * 1024 * 1024  # of one photo: what a telephone makes has 3 to 12 MB


def add(resource_id: int, incoming: Incoming, *, by: Actor, desk: Desk) -> ResourcePhoto:
    """Add a photo behind the others, as it arrives.

    Raises:
        NotFound: there is no such resource for this caller.
        TooLarge, StorageFull: it is too large, or one too many. Invalid: it is no photo, or has too many pixels.
        Busy: the same file was removed at this moment.
    """
    _check_reach(resource_id, by)
    give_connection_back()
    home = files.storage(desk.settings)
    allowance = Allowance(MOST_BYTES, TooLarge(f"A photo has {size_text(MOST_BYTES)} at most."))
    with home.start(allowance) as draft:
        received = files.receive(home, draft, incoming, USE, now=desk.clock())
    with files.discarding(home, received.stored.sha256, now=desk.clock()):
        return _add(resource_id, received, by=by, desk=desk)


@use_case
def _add(resource_id: int, received: Received, *, by: Actor, desk: Desk) -> ResourcePhoto:
    now, size = desk.clock(), received.size
    if size is None:
        raise Invalid.field("file", "type_not_allowed", "This is no photo.")
    with transaction() as session:
        number, last = photos.lock_places(session, resource_id)
        if number >= MOST_PHOTOS:
            raise StorageFull(f"A resource has {MOST_PHOTOS} photos at most: remove one first.")
        files.keep(session, files.storage(desk.settings), received.stored, now=now)
        place = {"resource_id": resource_id, "position": last + 1, "width": size.width, "height": size.height}
        made = photos.add_photo(session, {**received.columns(), **place}, now=now)
        add_audit(session, "photo.added", f"resource:{resource_id}", by=by, now=now, id=made.id)
    return made


@use_case
def remove(resource_id: int, photo_id: int, *, by: Actor, desk: Desk) -> None:
    """Remove a photo. Raises NotFound: there is no such resource for this caller, or no such photo."""
    now = desk.clock()
    _check_reach(resource_id, by)
    with transaction() as session:
        found = photos.get_photo(session, resource_id, photo_id)
        if not photos.delete_photo(session, photo_id):
            raise NotFound("There is no such photo.")
        is_last = contents.drop_reference(session, found.sha256, now=now)
        add_audit(session, "photo.removed", f"resource:{resource_id}", by=by, now=now, id=photo_id)
    if is_last:
        files.remove(files.storage(desk.settings), found.sha256, until=now)


def _check_reach(resource_id: int, by: Actor) -> None:
    if not by.reaches(photos.get_venue_id(reading(), resource_id), [resource_id]):
        raise NotFound("There is no such resource.")
