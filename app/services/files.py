"""Files on their way in and out: the one store of this process, what is let into it, and how content is kept and given up.

Content is published first and counted after, so a count can come too late: whoever removes content holds its row's lock while
doing so, and whoever counts a row that is new looks, under the same lock, whether the content is still there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from app.domain.errors import Busy, DomainError
from app.domain.file_types import FileType, recognise
from app.domain.files import Allowance, FileLimits, display_name
from app.domain.image_sizes import ImageSize, read_image_size
from app.gateways.files import Draft, S3Place, Storage, open_storage, reader
from app.gateways.tally import HEAD_BYTES, StoredFile
from app.persistence import contents
from app.persistence.attachments import Used
from app.persistence.session import Session, transaction, use_case
from app.runtime import logs
from app.runtime.settings import Settings

_MIB = 1024 * 1024
_NO_QUOTA = 1 << 60


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file as it comes: the sender's name for it, and its bytes, which raise what is wrong with them."""

    name: str
    chunks: Iterable[bytes]
    declared_bytes: int | None = None  # of the whole body, if the sender said so


@dataclass(frozen=True, slots=True)
class Received:
    """A file in the store that no row knows yet."""

    stored: StoredFile
    kind: FileType
    name: str
    size: ImageSize | None

    def columns(self) -> dict[str, str | int]:
        """Return the columns that every row of a file has."""
        return {
            "sha256": self.stored.sha256,
            "name": self.name,
            "media_type": self.kind.media_type,
            "size_bytes": self.stored.size_bytes,
        }


def storage(settings: Settings) -> Storage:
    """Return the store of this installation."""
    place = None
    if settings.s3_endpoint:
        place = S3Place(
            settings.s3_endpoint, settings.s3_region, settings.s3_bucket, settings.s3_key_id, settings.s3_secret
        )
    return _opened(settings.upload_dir, place, settings.file_sending not in {"stream", "redirect"})


@lru_cache(maxsize=4)
def _opened(folder: Path, place: S3Place | None, is_shared: bool) -> Storage:  # noqa: FBT001 - the cache's key
    return open_storage(folder, place, is_shared=is_shared)


def allowance(settings: Settings, used: Used, *, user_id: int | None) -> Allowance:
    """Return what one more file may have; without an account there is no account's quota.

    Raises:
        StorageFull: nothing more fits.
    """
    of_user = _NO_QUOTA if user_id is None else settings.max_user_mib * _MIB
    limits = FileLimits(settings.max_file_mib * _MIB, settings.max_booking_mib * _MIB, of_user)
    return limits.allowance(
        of_booking_bytes=used.booking_bytes, of_user_bytes=used.user_bytes, of_booking_files=used.booking_files
    )


def take_in(draft: Draft, incoming: Incoming, use: str) -> tuple[FileType, str]:
    """Write what comes into a draft; return its type and its name to show.

    Raises:
        Invalid: it is of no type that is taken; noticed after the first 256 KiB.
        DomainError: what the draft and the chunks raise.
    """
    kind: FileType | None = None
    for chunk in incoming.chunks:
        draft.write(chunk)
        if kind is None and draft.offset >= HEAD_BYTES:
            kind = recognised(draft.head, incoming.name, use)
    kind = kind or recognised(draft.head, incoming.name, use)
    return kind, display_name(incoming.name, kind)


def receive(home: Storage, draft: Draft, incoming: Incoming, use: str, *, now: datetime) -> Received:
    """Take a file in and store it. Raises what :func:`take_in` and :func:`examine` raise; nothing is left then."""
    kind, name = take_in(draft, incoming, use)
    refuse_bomb(kind, draft.head)
    stored = draft.finish()
    with discarding(home, stored.sha256, now=now):
        return Received(stored, kind, name, read_image_size(kind, reader(home, stored)))


def examine(home: Storage, stored: StoredFile, name: str, use: str) -> Received:
    """Return what a file is that came in several goes.

    Raises:
        Invalid: it is of no type that is taken, or its image is too large.
    """
    kind = recognised(stored.head, name, use)
    return Received(stored, kind, display_name(name, kind), read_image_size(kind, reader(home, stored)))


def keep(session: Session, home: Storage, received: StoredFile, *, now: datetime) -> None:
    """Count one more row that refers to content, which is in the store when this returns, and stays.

    Raises:
        Busy: the same content was removed in between: it has to be sent again.
    """
    is_new = contents.add_reference(session, received.sha256, received.size_bytes, now=now)
    if is_new and not home.exists(received.sha256):
        raise Busy("The same file was removed at this moment: send it again.")


@contextmanager
def discarding(home: Storage, sha256: str, *, now: datetime) -> Iterator[None]:
    """Remove content again that no row knows, where the block is refused."""
    try:
        yield
    except DomainError:
        discard(home, sha256, now=now)
        raise


def discard(home: Storage, sha256: str, *, now: datetime) -> bool:
    """Remove content that no row knows; tell whether that was so. What cannot be removed now is left to the sweep."""
    try:
        return _discard(home, sha256, now=now)
    except DomainError as error:
        logs.warning("content_left", sha256=sha256, reason=error.code)
        return False


@use_case
def _discard(home: Storage, sha256: str, *, now: datetime) -> bool:
    with transaction() as session:
        if not contents.claim_stray(session, sha256, now=now):
            return False
        home.delete(sha256)
        contents.delete_content(session, sha256, until=now)
    return True


def remove(home: Storage, sha256: str, *, until: datetime) -> bool:
    """Remove content that is marked since *until* or longer; what cannot be removed now is left to the sweep."""
    try:
        return _remove(home, sha256, until=until)
    except DomainError as error:
        logs.warning("content_left", sha256=sha256, reason=error.code)
        return False


@use_case
def _remove(home: Storage, sha256: str, *, until: datetime) -> bool:
    with transaction() as session:
        is_marked = contents.delete_content(session, sha256, until=until)
        if is_marked:
            home.delete(sha256)  # under the row's lock: nobody counts it anew before it is gone
    return is_marked


def recognised(head: bytes, name: str, use: str) -> FileType:
    """Return the type of a file by its first bytes. Raises Invalid."""
    return recognise(head, display_name(name), use)


def refuse_bomb(kind: FileType, head: bytes) -> None:
    """Refuse an image by its head, before it is stored; one whose size stands further behind is looked at afterwards."""
    is_behind = False

    def read(offset: int, length: int) -> bytes:
        nonlocal is_behind
        is_behind = is_behind or (len(head) >= HEAD_BYTES and offset + length > len(head))
        return head[offset : offset + length]

    try:
        read_image_size(kind, read)
    except DomainError:
        if not is_behind:
            raise
