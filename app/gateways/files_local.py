"""Files in a local folder: ``drafts/`` for what is on its way, ``content/ab/abcd...`` for what has arrived.

Both lie on one file system, so that finishing is one rename. Folders are opened step by step and symbolic links refused, so
that a link planted below the folder leads nowhere. Nobody but the owner may read: folders 0700, files 0600. Where a web server
hands them out, the folder's group may read what has arrived: 0750 and 0640.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

from app.domain.errors import Conflict, NotFound
from app.domain.files import Allowance
from app.gateways.files import Draft, Reading, StoredContent, checked_draft_name, checked_sha256, new_draft_name
from app.gateways.tally import CHUNK_BYTES, StoredFile, Tally, full_disk_told

DRAFTS, CONTENT = "drafts", "content"
FAN_OUT = 2  # hexadecimal digits: 256 folders
SYNC_BYTES = (
    8 * 1024 * 1024
)  # synced as we go, in 10 ms each on an SSD: one sync of a gigabyte would stop the worker for seconds
_NO_FILE = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
)  # the last two: a link stands where a folder or file should


class LocalStorage:
    """The home on this machine; ``Storage`` says what its methods promise."""

    def __init__(self, folder: Path, *, is_shared: bool = False) -> None:
        """Keep files below *folder*, which is made at the first upload; *is_shared* lets its group read them."""
        self.folder = folder
        self._folder_mode, self._file_mode = (0o750, 0o640) if is_shared else (0o700, 0o600)

    def start(self, allowance: Allowance) -> Draft:
        """Return an empty draft under a fresh name."""
        name = new_draft_name()
        with full_disk_told():
            self.folder.mkdir(mode=self._folder_mode, parents=True, exist_ok=True)
            with self.below(DRAFTS, make=True) as drafts:
                how = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                file = os.open(name, how, self._file_mode, dir_fd=drafts)
        fcntl.flock(file, fcntl.LOCK_EX)
        return LocalDraft(self, name, file, Tally(allowance))

    def resume(self, name: str, allowance: Allowance) -> Draft:
        """Return a draft at its end, for this process alone."""
        with _absence_told("There is no such upload."), self.below(DRAFTS) as drafts:
            file = os.open(checked_draft_name(name), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=drafts)
        try:
            _lock(file)
            return LocalDraft(self, name, file, Tally(allowance, os.lseek(file, 0, os.SEEK_END)))
        except BaseException:
            os.close(file)
            raise

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> Reading:
        """Return the bytes, or a part of them."""
        name = checked_sha256(sha256)
        with _absence_told("There is no such file."), self.below(CONTENT, name[:FAN_OUT]) as folder:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        return LocalReading(file, start, os.fstat(file).st_size - start if length is None else length)

    def exists(self, sha256: str) -> bool:
        """Tell whether there is such content."""
        with suppress(NotFound):
            self.open(sha256).close()
            return True
        return False

    def delete(self, sha256: str) -> None:
        """Remove content."""
        name = checked_sha256(sha256)
        with suppress(NotFound), _absence_told("There is no such file."), self.below(CONTENT, name[:FAN_OUT]) as folder:
            os.unlink(name, dir_fd=folder)

    def iter_stored(self) -> Iterator[StoredContent]:
        """Yield all content; what does not bear a content's name is not ours and is passed over."""
        for folder in self._names(CONTENT):
            for entry, found in self._files(CONTENT, folder):
                with suppress(NotFound):
                    yield StoredContent(checked_sha256(entry), found.st_size, _utc(found.st_mtime))

    def sweep(self, older_than: datetime) -> int:
        """Remove old drafts."""
        old = [name for name, found in self._files(DRAFTS) if _utc(found.st_mtime) < older_than]
        for name in old:
            self.remove_draft(name)
        return len(old)

    def local_path(self, sha256: str) -> Path | None:
        """Return where the content lies."""
        return self.folder / CONTENT / checked_sha256(sha256)[:FAN_OUT] / sha256

    def signed_link(self, sha256: str, *, valid_seconds: int, media_type: str, disposition: str) -> str | None:  # noqa: ARG002 - the contract's
        """Return None: a folder has no address."""
        return None

    def remove_draft(self, name: str) -> None:
        """Remove a draft, if it is there."""
        with suppress(NotFound), _absence_told("There is no such upload."), self.below(DRAFTS) as drafts:
            os.unlink(name, dir_fd=drafts)

    def publish(self, name: str, sha256: str) -> None:
        """Give a draft its content's name; equal content that lies there already is replaced by itself, in one step."""
        with self.below(DRAFTS) as drafts, self.below(CONTENT, sha256[:FAN_OUT], make=True) as folder:
            os.rename(name, sha256, src_dir_fd=drafts, dst_dir_fd=folder)
            os.fsync(folder)

    @contextmanager
    def below(self, *parts: str, make: bool = False) -> Iterator[int]:
        """Open a folder below ours, step by step; a link on the way is an OSError."""
        at = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                if make:
                    _make_folder(part, at, 0o700 if part == DRAFTS else self._folder_mode)
                above, at = at, os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
                os.close(above)
            yield at
        finally:
            os.close(at)

    def _names(self, *parts: str) -> list[str]:
        try:
            with _absence_told("There is no such folder."), self.below(*parts) as folder:
                return os.listdir(folder)  # noqa: PTH208 - an open folder has no path
        except NotFound:
            return []

    def _files(self, *parts: str) -> Iterator[tuple[str, os.stat_result]]:
        """Yield the files of a folder; one that is removed meanwhile is passed over."""
        for name in self._names(*parts):
            with suppress(NotFound):
                with _absence_told("There is no such file."), self.below(*parts) as folder:
                    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                yield name, found


class LocalDraft(Draft):
    """A file in ``drafts/``, locked by this process."""

    def __init__(self, home: LocalStorage, name: str, file: int, tally: Tally) -> None:
        """Write to *file* from where it stands."""
        super().__init__(name, tally)
        self._home = home
        self._file = file
        self._unsynced = 0

    def _append(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        with full_disk_told():
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self._unsynced += len(chunk)
            if self._unsynced >= SYNC_BYTES:
                self._sync()

    def _sync(self) -> None:
        os.fsync(self._file)
        self._unsynced = 0

    def _keep(self) -> StoredFile:
        with full_disk_told():
            self._sync()
            if not self._tally.is_whole:
                self._tally.recount(_chunks(self._file, 0, self._tally.size_bytes))
            stored = self._tally.stored()
            self._home.publish(self.name, stored.sha256)
        os.close(self._file)
        return stored

    def _lay_by(self) -> None:
        try:
            with full_disk_told():
                self._sync()
        finally:
            os.close(self._file)

    def _discard(self) -> None:
        self._home.remove_draft(self.name)
        os.close(self._file)


class LocalReading(Reading):
    """An open file, read at places of its own: a delete or a replacement does not disturb it."""

    def __init__(self, file: int, start: int, length: int) -> None:
        """Read *length* bytes from *start* on."""
        self._file: int | None = file
        self._chunks = _chunks(file, start, length)

    def __next__(self) -> bytes:
        return next(self._chunks)

    def close(self) -> None:
        """Let go of the file."""
        file, self._file = self._file, None
        if file is not None:
            self._chunks.close()
            os.close(file)


def _chunks(file: int, start: int, length: int) -> Generator[bytes, None, None]:
    end = start + length
    while start < end:
        chunk = os.pread(file, min(CHUNK_BYTES, end - start), start)
        if not chunk:
            raise EOFError(f"A stored file ends {end - start} bytes early.")
        yield chunk
        start += len(chunk)


def _lock(file: int) -> None:
    """Lock a draft for this process; the system lets go of it when the process ends, however it ends."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Conflict("Another request is writing this upload: wait until it is over.") from None
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink == 0:  # finished or abandoned between open and lock
        raise NotFound("There is no such upload.")


def _make_folder(name: str, above: int, mode: int) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, mode, dir_fd=above)
        os.fsync(above)  # or a power cut may forget the folder, and what was acknowledged in it


def _utc(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, timezone.utc)


@contextmanager
def _absence_told(detail: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_FILE:
            raise NotFound(detail) from None
        raise
