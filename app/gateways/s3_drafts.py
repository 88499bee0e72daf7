"""Uploads on their way to S3: parts that the store has, and the next one, which is being gathered in a file."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.domain.errors import Busy, NotFound
from app.gateways.files import Draft, checked_sha256
from app.gateways.s3_client import Answer, Body, S3Client, S3Refused, instant
from app.gateways.s3_reading import S3Reading
from app.gateways.tally import StoredFile, Tally, full_disk_told

DRAFTS, CONTENT = "drafts/", "content/"
FAN_OUT = 2  # hexadecimal digits, as in the local home, so that a bucket can be copied to a folder and back
PART_BYTES = 8 * 1024 * 1024  # S3 wants 5 MiB at least and 10,000 parts at most


class Spool:
    """The part that is being gathered, in a file without a name."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - it lives as long as the draft
        self.empty()

    def empty(self) -> None:
        """Begin the next part."""
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def write(self, piece: memoryview) -> None:
        """Append to the part. Raises StorageFull."""
        rest = piece
        with full_disk_told():
            while rest:
                rest = rest[self._file.write(rest) :]
        self._hash.update(piece)
        self.size_bytes += len(piece)

    def body(self) -> Body:
        """Return the part as the body of a request."""
        return Body(self._file, self.size_bytes, self._hash.hexdigest())

    def close(self) -> None:
        """Give the room back."""
        self._file.close()


class Parts:
    """The parts of a draft that the store has."""

    def __init__(self, upload_id: str = "", known: Sequence[Answer] = ()) -> None:
        self.upload_id = upload_id
        self.etags = [part.value("ETag") for part in known]
        self.size_bytes = sum(int(part.value("Size")) for part in known)
        self.sent_at = [instant(part.value("LastModified")) for part in known]

    @classmethod
    def of(cls, client: S3Client, key: str, upload_id: str) -> Parts:
        """Return what the store has of an upload."""
        return cls(upload_id, list(client.call("GET", key, query={"uploadId": upload_id}).blocks("Part")))

    def send(self, client: S3Client, key: str, spool: Spool) -> None:
        """Send what has been gathered as the next part; the first one opens the upload."""
        if not self.upload_id:
            self.upload_id = client.call("POST", key, query={"uploads": ""}).value("UploadId")
        query = {"partNumber": str(len(self.etags) + 1), "uploadId": self.upload_id}
        self.etags.append(client.call("PUT", key, query=query, body=spool.body()).headers["etag"])
        spool.empty()

    def join(self, client: S3Client, key: str, spool: Spool) -> None:
        """Make one object of the parts, whose list goes by way of the spool."""
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
            for number, etag in enumerate(self.etags, 1)
        )
        spool.empty()
        spool.write(memoryview(f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()))
        with suppress(
            NotFound
        ):  # a first try had joined them, and its answer was lost; or nothing is there to be copied
            client.call("POST", key, query={"uploadId": self.upload_id}, body=spool.body())
        self.upload_id = ""


class S3Draft(Draft):
    """Parts at the store, and the next one in a spool."""

    def __init__(self, client: S3Client, name: str, tally: Tally, spool: Spool, parts: Parts | None = None) -> None:
        """Go on behind *parts*."""
        super().__init__(name, tally)
        self._client = client
        self._key = DRAFTS + name
        self._spool = spool
        self._parts = parts or Parts()
        self._has_rest = False

    def take_rest(self) -> bool:
        """Read the rest that was laid by behind the parts, and tell whether there was any; on a fault the draft stays."""
        try:
            with closing(S3Reading(*self._client.open(f"{self._key}.{len(self._parts.etags)}", {}))) as rest:
                for chunk in rest:
                    self.write(chunk)
        except NotFound:
            return False
        except BaseException:
            self.let_go()
            raise
        self._has_rest = True
        return True

    def let_go(self) -> None:
        """Give up this visit, and leave the draft at the store as it was."""
        self._is_open = False
        self._spool.close()

    def _append(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            room = PART_BYTES - self._spool.size_bytes
            self._spool.write(rest[:room])
            rest = rest[room:]
            if self._spool.size_bytes == PART_BYTES:
                self._parts.send(self._client, self._key, self._spool)

    def _keep(self) -> StoredFile:
        if self._parts.etags:
            self._join()
        stored = self._tally.stored()
        if self._parts.etags:
            source = {"x-amz-copy-source": self._client.source(self._key)}
            self._client.call("PUT", content_key(stored.sha256), headers=source)
        else:
            self._client.call("PUT", content_key(stored.sha256), body=self._spool.body())
        self._discard()
        return stored

    def _join(self) -> None:
        if self._spool.size_bytes:
            self._parts.send(self._client, self._key, self._spool)
        self._parts.join(self._client, self._key, self._spool)
        if not self._tally.is_whole:
            with closing(S3Reading(*self._client.open(self._key, {}))) as whole:
                self._tally.recount(whole)

    def _lay_by(self) -> None:
        try:
            self._client.call("PUT", f"{self._key}.{len(self._parts.etags)}", body=self._spool.body())
        finally:
            self._spool.close()

    def _discard(self) -> None:
        """Remove what the store has; where it does not answer, the sweep will."""
        with suppress(Busy, S3Refused):
            self._clear()

    def _clear(self) -> None:
        self._spool.close()
        if self._parts.upload_id or self._parts.etags or self._has_rest:
            for trace in traces(self._client, self._key):
                trace.remove(self._client)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a draft has left in the store: parts, where there is an upload's id, or else an object."""

    key: str
    touched_at: datetime
    upload_id: str = ""

    @property
    def draft(self) -> str:
        """Return the key of the draft that left it."""
        return self.key.partition(".")[0]

    def is_older(self, client: S3Client, than: datetime) -> bool:
        """Tell whether nobody has touched it since; the store is asked about parts only if the upload was begun before."""
        if self.touched_at >= than:
            return False
        return not self.upload_id or all(at < than for at in Parts.of(client, self.key, self.upload_id).sent_at)

    def remove(self, client: S3Client) -> None:
        """Give its room back."""
        client.call("DELETE", self.key, query={"uploadId": self.upload_id} if self.upload_id else None)


def traces(client: S3Client, prefix: str = DRAFTS) -> Iterator[Trace]:
    """Yield what drafts have left below a prefix."""
    for item in list(client.list_uploads(prefix)):
        yield Trace(client.key_of(item), instant(item.value("Initiated")), item.value("UploadId"))
    for item in list(client.list_objects(prefix)):
        yield Trace(client.key_of(item), instant(item.value("LastModified")))


def content_key(sha256: str) -> str:
    """Return where content lies. Raises NotFound where it is no name of content."""
    return f"{CONTENT}{checked_sha256(sha256)[:FAN_OUT]}/{sha256}"
