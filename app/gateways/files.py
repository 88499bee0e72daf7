"""Where the bytes of files are kept: one contract, two homes; a local folder, or any store that speaks S3.

Content is named by its SHA-256 and kept once; who owns it and what it is called is the database's business. An upload is a draft
until it is finished: what a kill leaves is a draft, and ``sweep`` removes it.
"""

from __future__ import annotations

import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Protocol

from app.domain.errors import NotFound
from app.domain.files import Allowance
from app.gateways.tally import Pace, StoredFile, Tally

_SHA256 = re.compile(r"[0-9a-f]{64}")
_DRAFT = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class StoredContent:
    """What lies in a store; ``stored_at`` (UTC) is when it was last finished, be it for the second time."""

    sha256: str
    size_bytes: int
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket, and who may use it. ``endpoint`` is an URL such as ``https://s3.eu-central-1.amazonaws.com``."""

    endpoint: str
    region: str
    bucket: str
    key_id: str
    secret: str
    prefix: str = ""

    def __repr__(self) -> str:
        return f"S3Place(endpoint={self.endpoint!r}, bucket={self.bucket!r}, ...)"


class Reading(Iterator[bytes], ABC):
    """The bytes of a file in chunks; ``close`` it, whether it was read or not."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file; once is enough, twice does no harm."""


class Draft(ABC):
    """An upload on its way: use it in a ``with`` block, which abandons what was neither finished nor paused.

    One writer at a time: a draft may be resumed elsewhere only after it was paused or its writer is gone.
    """

    def __init__(self, name: str, tally: Tally) -> None:
        """Begin or go on; *name* resumes it."""
        self.name = name
        self._tally = tally
        self._pace = Pace()
        self._is_open = True

    @property
    def offset(self) -> int:
        """Return how many bytes have arrived."""
        return self._tally.size_bytes

    @property
    def head(self) -> bytes:
        """Return the first bytes (at most HEAD_BYTES), to refuse a file before it is whole; none of a resumed draft."""
        return self._tally.head

    def write(self, chunk: bytes) -> None:
        """Append a chunk.

        Raises:
            DomainError: the allowance's refusal, when more came than it lets in; nothing is left.
            StorageFull: the disk is full; nothing is left.
            Busy: the store does not answer; nothing is left.
        """
        try:
            self._tally.take(chunk)
            self._append(chunk)
        except BaseException:
            self.abandon()
            raise
        self._pace.step()

    def finish(self) -> StoredFile:
        """Store what has arrived under its content's name, for good; when this returns it survives a power cut.

        Raises:
            StorageFull, Busy: as for write; nothing is left.
        """
        try:
            stored = self._keep()
        except BaseException:
            self.abandon()
            raise
        self._is_open = False
        return stored

    def pause(self) -> None:
        """Keep what has arrived, safely, so that ``resume`` can go on from ``offset``."""
        if self._is_open:
            self._is_open = False
            self._lay_by()

    def abandon(self) -> None:
        """Remove what has arrived; after finish or pause this does nothing."""
        if self._is_open:
            self._is_open = False
            self._discard()

    def __enter__(self) -> Draft:  # noqa: PYI034 - Self is of Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    @abstractmethod
    def _append(self, chunk: bytes) -> None: ...

    @abstractmethod
    def _keep(self) -> StoredFile: ...

    @abstractmethod
    def _lay_by(self) -> None: ...

    @abstractmethod
    def _discard(self) -> None: ...


class Storage(Protocol):
    """A home of files. Its owner is the only one who may delete, after asking the database under a lock."""

    def start(self, allowance: Allowance) -> Draft:
        """Return an empty draft under a fresh name. Raises StorageFull."""

    def resume(self, name: str, allowance: Allowance) -> Draft:
        """Return a paused or orphaned draft; *allowance* counts from its first byte.

        Raises:
            NotFound: there is none of that name.
            Conflict: another process is writing it (seen by the local home alone).
        """

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> Reading:
        """Return a part, which must lie within the file, or all of it. Raises NotFound at once, not at the first chunk."""

    def exists(self, sha256: str) -> bool:
        """Tell whether there is such content."""

    def delete(self, sha256: str) -> None:
        """Remove content; nothing happens where there is none. Who reads it now reads on."""

    def iter_stored(self) -> Iterator[StoredContent]:
        """Yield all content, in no order."""

    def sweep(self, older_than: datetime) -> int:
        """Remove the drafts that nobody has touched since, and return how many."""

    def local_path(self, sha256: str) -> Path | None:
        """Return where the front server finds the content; None where it is not on this machine."""

    def signed_link(self, sha256: str, *, valid_seconds: int, media_type: str, disposition: str) -> str | None:
        """Return an address from which anybody may read the content for a while; None where there is no such thing."""


def open_storage(folder: Path, place: S3Place | None = None, *, is_shared: bool = False) -> Storage:
    """Return the storage in a local folder outside the docroot, or in S3 with that folder for what is on its way.

    *is_shared* lets the folder's group read what lies in it, as a web server must that hands it out.
    """
    storage: Storage
    if place is None:
        storage = import_module("app.gateways.files_local").LocalStorage(folder, is_shared=is_shared)
    else:
        storage = import_module("app.gateways.files_s3").S3Storage(place, folder)
    return storage


def reader(storage: Storage, stored: StoredFile) -> Callable[[int, int], bytes]:
    """Return a function that reads ``(offset, length)`` of a stored file: from its head, and from the store what lies behind."""

    def read(offset: int, length: int) -> bytes:
        end = min(offset + length, stored.size_bytes)
        if end <= len(stored.head):
            return stored.head[offset:end]
        with closing(storage.open(stored.sha256, offset, max(0, end - offset))) as reading:
            return b"".join(reading)

    return read


def new_draft_name() -> str:
    """Return a name that nobody can guess: it is all that resuming asks for below the database."""
    return secrets.token_hex(16)


def checked_draft_name(name: str) -> str:
    """Return the name of a draft. Raises NotFound where it can be none, such as a path."""
    if not _DRAFT.fullmatch(name):
        raise NotFound("There is no such upload.")
    return name


def checked_sha256(sha256: str) -> str:
    """Return the name of content. Raises NotFound where it can be none, such as a path."""
    if not _SHA256.fullmatch(sha256):
        raise NotFound("There is no such file.")
    return sha256
