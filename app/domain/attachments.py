"""What people have handed over: files of bookings, photos of resources, and uploads on their way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.actors import Actor
from app.domain.errors import Conflict, Forbidden
from app.domain.file_types import BY_MEDIA_TYPE, FileType
from app.domain.tokens import hash_token

UPLOAD_LASTS = timedelta(hours=24)  # from its last piece
MOST_UPLOADS = 20  # on their way at once, of one caller: a phone sends three or four pictures
MOST_PHOTOS = 30  # of one resource
_THE_VENUES = frozenset({"operator", "admin", "staff", "key"})
_CLOSED = frozenset({"declined", "cancelled", "expired"})


@dataclass(frozen=True, slots=True)
class File:
    """What every kept file has; its media type is what its first bytes say, and never the sender's word."""

    id: int
    sha256: str
    name: str
    media_type: str
    size_bytes: int
    created_at: datetime

    @property
    def kind(self) -> FileType:
        """Return its type."""
        return BY_MEDIA_TYPE[self.media_type]


@dataclass(frozen=True, slots=True)
class Attachment(File):
    """A file of a booking; ``field_key`` names the question that it answers, if it does."""

    booking_id: int
    uploaded_by: str
    field_key: str | None

    @property
    def is_the_venues(self) -> bool:
        """Tell whether somebody who runs the venue has sent it."""
        return self.uploaded_by.partition(":")[0] in _THE_VENUES


@dataclass(frozen=True, slots=True)
class ResourcePhoto(File):
    """A picture of a resource; width and height in pixels."""

    resource_id: int
    width: int
    height: int
    position: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that comes in several goes; ``owner`` is a hash of who may go on, ``name`` opens it."""

    id: int
    name: str
    owner: str
    user_id: int | None
    booking_id: int | None
    use: str
    filename: str
    media_type: str
    told: str
    length: int
    received: int
    state: str
    sha256: str | None
    leased: int
    expires: int

    @property
    def is_finished(self) -> bool:
        """Tell whether all of it has come."""
        return self.state == "finished"


def account_name(by: Actor) -> str:
    """Return the name of an account or key; one name for all who have neither."""
    return f"{by.kind}:{by.user_id if by.user_id is not None else by.name}" if by.kind != "guest" else "guest"


def owner_of(name: str) -> str:
    """Return the owner that stands with the uploads of an account or key."""
    return hash_token(f"uploader {name}")


def check_open(status: str) -> None:
    """Refuse files for a booking that will not take place.

    Raises:
        Conflict: it will not.
    """
    if status in _CLOSED:
        raise Conflict(f"The booking is {status} and takes no more files.")


def check_removal(attachment: Attachment, *, by_venue: bool) -> None:
    """Let customers remove what customers have sent.

    Raises:
        Forbidden: it is the venue's.
    """
    if attachment.is_the_venues and not by_venue:
        raise Forbidden("This file is the venue's: only the venue removes it.")
