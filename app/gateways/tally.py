"""What is learnt of an upload while it arrives: its size, its hash, its first bytes; and when it is too much."""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar
from weakref import WeakSet

from app.domain.errors import StorageFull
from app.domain.files import Allowance
from app.runtime.startup import is_gevent

CHUNK_BYTES = 256 * 1024  # measured: smaller is slower, larger is no faster and costs memory
HEAD_BYTES = 256 * 1024  # what tells a file's type, and the size of most images: an EXIF block has up to 64 KiB
_WORK_SECONDS = 0.010  # the longest that other requests wait for a body that arrives faster than it is hashed
_REST_SECONDS = 0.001  # sleep(0) would not let I/O in
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What was stored: its name, its size, and its first bytes (at most HEAD_BYTES) to tell its type by."""

    sha256: str
    size_bytes: int
    head: bytes


class Tally:
    """Counts, hashes and keeps the head of what arrives; refuses what is over the allowance before it is written."""

    def __init__(self, allowance: Allowance, offset: int = 0) -> None:
        """Go on at *offset*; from anywhere but the start the hash cannot be known, and ``recount`` must read it all."""
        self.size_bytes = offset
        self.is_whole = offset == 0
        self._allowance = allowance
        self._hash = hashlib.sha256()
        self._head = bytearray()

    def take(self, chunk: bytes) -> None:
        """Count a chunk. Raises the allowance's refusal."""
        if self.size_bytes + len(chunk) > self._allowance.most_bytes:
            raise self._allowance.refusal
        self.size_bytes += len(chunk)
        if self.is_whole:
            self._hash.update(chunk)
            self._head += chunk[: HEAD_BYTES - len(self._head)]

    def recount(self, chunks: Iterable[bytes]) -> None:
        """Read again from the start what was written in several goes."""
        self.__init__(self._allowance)  # type: ignore[misc]
        pace = Pace()
        for chunk in chunks:
            self.take(chunk)
            pace.step()

    @property
    def head(self) -> bytes:
        """Return the first bytes, as far as they are known."""
        return bytes(self._head)

    def stored(self) -> StoredFile:
        """Return what has been counted."""
        return StoredFile(self._hash.hexdigest(), self.size_bytes, self.head)


class Pace:
    """Lets other requests of this worker in, now and then, during work that never waits by itself.

    Under gevent alone: threads are let in by the interpreter, and Passenger's processes have one request at a time.
    """

    _working: ClassVar[WeakSet[Pace]] = WeakSet()  # one after the other they have their turn before anybody else

    def __init__(self) -> None:
        """Start the clock."""
        self._rests = is_gevent()
        self._since = time.monotonic()
        self._working.add(self)

    def step(self) -> None:
        """Rest a moment where it is time to."""
        if self._rests and time.monotonic() - self._since > _WORK_SECONDS / len(self._working):
            time.sleep(_REST_SECONDS)
            self._since = time.monotonic()


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Turn the system's word for a full disk or quota into StorageFull."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull("There is no room left for files. Nothing was kept.") from error
        raise
