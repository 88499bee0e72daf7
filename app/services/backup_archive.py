"""The file of a backup: a tar, compressed where its name says so, that is written and read in one go and in little memory.

``backup.json`` comes first and says what it is; parts of some 256 KiB follow; ``manifest.json`` comes last, with the SHA-256 of each
part. A file that was cut has no manifest, and none that was changed is as its manifest says.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from app.domain.errors import Conflict, Invalid, StorageFull
from app.gateways.tally import CHUNK_BYTES

HEAD, MANIFEST = "backup.json", "manifest.json"
MAX_PART_BYTES = 64 * 1024 * 1024  # ours have 256 KiB; a row may have 16 MiB of its own
_GZIP = b"\x1f\x8b"
_LEVEL = 6
_DISK_FULL = frozenset({28, 122, 27})  # ENOSPC, EDQUOT, EFBIG
_NAMES = re.compile(
    r"backup\.json|manifest\.json|tables/[a-z_]{1,64}/\d{6,}\.jsonl|keys/[a-z_.]{1,64}|files/[0-9a-f]{64}"
)
Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Part:
    """A member of the archive: its name, and its bytes, which must be read before the next comes."""

    name: str
    size_bytes: int
    file: IO[bytes]
    source: Path

    def read(self) -> bytes:
        """Return all of it. Raises Invalid: the archive was cut, or this is larger than any part of ours."""
        if self.size_bytes > MAX_PART_BYTES:
            raise Invalid(f"The backup is damaged: {self.name} is too large.")
        with _damage_told(self.source):
            return self.file.read()

    def iter_chunks(self) -> Iterator[bytes]:
        """Yield it in chunks. Raises Invalid: the archive was cut."""
        while chunk := self._chunk():
            yield chunk

    def _chunk(self) -> bytes:
        with _damage_told(self.source):
            return self.file.read(CHUNK_BYTES)


class Writer:
    """Adds parts to an archive, and counts and hashes what it adds."""

    def __init__(self, tar: Any, made_at: int) -> None:  # noqa: ANN401 - a TarFile; types hide its list of members
        self._tar = tar
        self._made_at = made_at
        self.hashes: dict[str, str] = {}

    def add(self, name: str, content: bytes) -> None:
        """Add a part whose hash the manifest will have."""
        self.hashes[name] = hashlib.sha256(content).hexdigest()
        self._add(name, len(content), io.BytesIO(content))

    def add_stream(self, name: str, size_bytes: int, chunks: Iterator[bytes]) -> None:
        """Add a part of any size, whose name is its hash."""
        self._add(name, size_bytes, _Chunks(chunks))

    def add_json(self, name: str, value: object) -> None:
        """Add a document."""
        self.add(name, json.dumps(value, ensure_ascii=False, indent=1).encode())

    def _add(self, name: str, size_bytes: int, file: Any) -> None:  # noqa: ANN401 - whatever can be read
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size_bytes, 0o600, self._made_at
        self._tar.addfile(member, file)
        self._tar.members.clear()  # the library would keep one for each file that there is


@contextmanager
def writing(target: Path, *, made_at: int) -> Iterator[Writer]:
    """Yield the writer of a file that is there when it is whole, and not before; its owner alone may read it.

    Raises:
        Conflict: the file is there already, or another process is making it.
        StorageFull: the disk is full; nothing is left. Invalid: it cannot be written.
    """
    part = target.with_name(f"{target.name}.part")
    if target.exists():
        raise Conflict(f"{target} is there already.")
    try:
        with _locked(part) as raw:
            try:
                with _compressed(raw, target) as file, tarfile.open(fileobj=file, mode="w|", format=_FORMAT) as tar:
                    yield Writer(tar, made_at)
                raw.flush()
                os.fsync(raw.fileno())
                part.rename(target)
                _sync_folder(target.parent)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise StorageFull(f"The disk is full: {target} was not written.") from None
        raise Invalid(f"{target} cannot be written: {error.strerror or error}.") from None


_FORMAT = tarfile.USTAR_FORMAT  # names of ours are short, and 8 GiB are enough for a file


@contextmanager
def _locked(part: Path) -> Iterator[IO[bytes]]:
    """Open the file that is being made, for this process alone; what a killed one has left is written over."""
    with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"Another process is writing {part}.") from None
        file.truncate()
        os.fchmod(file.fileno(), 0o600)
        yield file


@contextmanager
def _compressed(raw: IO[bytes], target: Path) -> Iterator[Any]:
    if target.suffix not in {".gz", ".tgz"}:
        yield raw
        return
    with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=_LEVEL, mtime=0) as file:
        yield file


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Chunks:
    """Chunks as a file that the tar library reads."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and (chunk := next(self._chunks, b"")):
            self._rest += chunk
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def iter_parts(
    source: Path, wanted: Iterable[str] = ("",), *, told: Told = lambda _size: None
) -> Generator[Part, None, None]:
    """Yield the parts whose names begin with one of the words *wanted*; *told* is given how many bytes have been read.

    Raises:
        Invalid: the file cannot be read, is no backup, or was cut.
    """
    prefixes = tuple(wanted)
    with _damage_told(source), source.open("rb") as raw:
        counted: Any = _Counted(raw, told)
        is_compressed = raw.read(2) == _GZIP
        raw.seek(0)
        file: Any = gzip.GzipFile(fileobj=counted, mode="rb") if is_compressed else counted
        tar: Any
        with tarfile.open(fileobj=file, mode="r|") as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()
                if not member.isreg() or not _NAMES.fullmatch(member.name):
                    raise Invalid(f"{source} is no backup of this program: it has {member.name[:80]!a}.")
                content = tar.extractfile(member)
                if content is not None and member.name.startswith(prefixes):
                    yield Part(member.name, member.size, content, source)
        while file.read(CHUNK_BYTES):  # to the checksum at its end
            pass


@contextmanager
def _damage_told(source: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Invalid(f"{source} is damaged, cut, or no backup: {error}.") from None
    except OSError as error:
        raise Invalid(f"{source} cannot be read: {error.strerror or error}.") from None


class _Counted:
    """A file that tells how much of it was read."""

    def __init__(self, file: IO[bytes], told: Told) -> None:
        self._file = file
        self._told = told

    def read(self, size: int = -1) -> bytes:
        taken = self._file.read(size)
        self._told(len(taken))
        return taken

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else a file has
        return getattr(self._file, name)


def parse(name: str, content: bytes) -> dict[str, Any]:
    """Return a document of the archive. Raises Invalid."""
    with suppress(ValueError, RecursionError):
        found = json.loads(content)
        if isinstance(found, dict):
            return found
    raise Invalid(f"The backup is damaged: {name} cannot be read.")
