"""Files in an S3 bucket: ``drafts/`` for what is on its way, ``content/ab/abcd...`` for what has arrived.

A small upload is one request under its content's name. A large one goes as parts to its draft's name, is joined there, and copied
by the store to its content's name, as that is not known before the end. A part waits in an unlinked temporary file, so that
memory does not grow with the number of uploads, and a kill leaves no file. Between two visits of a resumable upload the store has
its parts, and in ``drafts/NAME.N`` the rest behind N parts.

Two writers of one draft are not noticed here: callers hold a lease in the database. Set the bucket to abort incomplete multipart
uploads after some days as well: their parts are paid for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path

from app.domain.errors import NotFound
from app.domain.files import Allowance
from app.gateways.files import (
    Draft,
    Reading,
    S3Place,
    StoredContent,
    checked_draft_name,
    checked_sha256,
    new_draft_name,
)
from app.gateways.s3_client import S3Client, instant
from app.gateways.s3_drafts import CONTENT, DRAFTS, Parts, S3Draft, Spool, Trace, content_key, traces
from app.gateways.s3_reading import S3Reading
from app.gateways.tally import Tally, full_disk_told

MAX_FILE_BYTES = 5 * 1024**3  # what one request can copy; 640 parts, which one page of a listing holds
_NOT_FOUND = 404


class S3Storage:
    """The home in a bucket; ``Storage`` says what its methods promise."""

    def __init__(self, place: S3Place, folder: Path) -> None:
        """Keep files at *place*; parts on their way wait in *folder*, which should be no memory file system."""
        self.client = S3Client(place)
        self._folder = folder

    def start(self, allowance: Allowance) -> Draft:
        """Return an empty draft under a fresh name."""
        return S3Draft(self.client, new_draft_name(), Tally(_capped(allowance)), self._spool())

    def resume(self, name: str, allowance: Allowance) -> Draft:
        """Return a draft behind its last part and the rest that was laid by."""
        key = DRAFTS + checked_draft_name(name)
        upload = next((item for item in self.client.list_uploads(key) if self.client.key_of(item) == key), None)
        parts = Parts.of(self.client, key, upload.value("UploadId")) if upload else Parts()
        draft = S3Draft(self.client, name, Tally(_capped(allowance), parts.size_bytes), self._spool(), parts)
        if not draft.take_rest() and upload is None:
            draft.let_go()
            raise NotFound("There is no such upload.")
        return draft

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> Reading:
        """Return the bytes, or a part of them."""
        if length == 0:
            return S3Reading.nothing()
        end = "" if length is None else start + length - 1
        wanted = {"Range": f"bytes={start}-{end}"} if start or length else {}
        return S3Reading(*self.client.open(content_key(sha256), wanted))

    def exists(self, sha256: str) -> bool:
        """Tell whether there is such content."""
        with suppress(NotFound):
            return self.client.call("HEAD", content_key(sha256)).status != _NOT_FOUND
        return False

    def delete(self, sha256: str) -> None:
        """Remove content."""
        self.client.call("DELETE", content_key(sha256))

    def iter_stored(self) -> Iterator[StoredContent]:
        """Yield all content; what does not bear a content's name is not ours and is passed over."""
        for item in self.client.list_objects(CONTENT):
            with suppress(NotFound):
                sha256 = checked_sha256(self.client.key_of(item).rpartition("/")[2])
                yield StoredContent(sha256, int(item.value("Size")), instant(item.value("LastModified")))

    def sweep(self, older_than: datetime) -> int:
        """Remove old drafts: those of which every part and every rest is old."""
        drafts: dict[str, list[Trace]] = {}
        for trace in traces(self.client):
            drafts.setdefault(trace.draft, []).append(trace)
        old = [found for found in drafts.values() if all(trace.is_older(self.client, older_than) for trace in found)]
        for trace in chain.from_iterable(old):
            trace.remove(self.client)
        return len(old)

    def local_path(self, sha256: str) -> Path | None:  # noqa: ARG002 - the contract's
        """Return None: the content is elsewhere."""
        return None

    def signed_link(self, sha256: str, *, valid_seconds: int, media_type: str, disposition: str) -> str | None:
        """Return an address that the store itself answers, with the type and the name that we say."""
        query = {"response-content-type": media_type, "response-content-disposition": disposition}
        return self.client.signed_link(content_key(sha256), query, valid_seconds=valid_seconds)

    def _spool(self) -> Spool:
        with full_disk_told():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Spool(self._folder)


def _capped(allowance: Allowance) -> Allowance:
    return replace(allowance, most_bytes=min(allowance.most_bytes, MAX_FILE_BYTES))
