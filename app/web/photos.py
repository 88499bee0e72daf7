"""Photos of resources."""

from __future__ import annotations

from flask import Response
from msgspec import Struct

from app.domain.attachments import ResourcePhoto
from app.persistence import photos as stored
from app.persistence.session import reading
from app.services import photos
from app.services.attachments import Desk
from app.web import bodies
from app.web.actors import actor
from app.web.context import now, settings
from app.web.downloads import FOREVER, send


class PhotoView(Struct):
    """A photo of a resource; width and height in pixels, `path` is where it is."""

    id: int
    name: str
    media_type: str
    size_bytes: int
    width: int
    height: int
    path: str


class PhotosView(Struct):
    """The photos of a resource, in their order: at most thirty."""

    items: list[PhotoView]


def list_all(resource_id: int) -> PhotosView:
    """List the photos of a resource."""
    stored.get_venue_id(reading(), resource_id)
    return PhotosView([_view(found) for found in stored.list_photos(reading(), resource_id)])


def read(resource_id: int, photo_id: int) -> Response:
    """Read a photo of a resource; what is at one address never changes."""
    return send(stored.get_photo(reading(), resource_id, photo_id), caching=FOREVER, inline=True)


def add(resource_id: int) -> PhotoView:
    """Add a photo to a resource, behind the others.

    Send a form with one file in the field `file`, or the file itself with its Content-Type: a JPEG, PNG or WebP.
    """
    return _view(photos.add(resource_id, bodies.incoming_file(), by=actor(), desk=Desk(settings(), now)))


def remove(resource_id: int, photo_id: int) -> None:
    """Remove a photo of a resource."""
    photos.remove(resource_id, photo_id, by=actor(), desk=Desk(settings(), now))


def _view(found: ResourcePhoto) -> PhotoView:
    path = f"/api/v1/resources/{found.resource_id}/photos/{found.id}"
    return PhotoView(found.id, found.name, found.media_type, found.size_bytes, found.width, found.height, path)
