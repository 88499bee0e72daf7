"""Resumable uploads by the tus 1.0 protocol: begin, ask how far it came, go on, end."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, request
from msgspec import Struct

from app.domain.attachments import Upload
from app.domain.errors import Invalid
from app.domain.files import NAMELESS
from app.services import upload_pieces, uploads
from app.services.attachments import Desk
from app.services.files import Incoming
from app.services.uploads import NewUpload
from app.web import bodies, tus
from app.web.context import now, settings
from app.web.errors import UnsupportedMedia
from app.web.uploaders import uploader

_USES = ("attachment", "custom_field")
_KEYS = frozenset({"filename", "filetype", "booking_ref", "use", "name", "type"})  # the last two: of uppy


class UploadView(Struct):
    """An upload: `upload_id` attaches it to a booking, or answers a question of type file, once it is finished."""

    upload_id: str
    length: int
    offset: int
    finished: bool


def create() -> tuple[UploadView, dict[str, str]]:
    """Begin an upload; with a body its first piece comes along.

    Takes `Tus-Resumable`, `Upload-Length`, and in `Upload-Metadata` `filename`, `use` (`attachment` or `custom_field`) and
    `booking_ref`, which whoever has not signed in must send with the booking's `X-Manage-Token`.
    """
    tus.check_version()
    upload = uploads.create(_announced(), who=uploader(), desk=_desk())
    if request.mimetype:
        upload = upload_pieces.append(upload, 0, _piece(), desk=_desk())
    place = f"{urlsplit(settings().base_url).path}{tus.PREFIX}/{upload.name}"  # relative: on whichever host it came by
    return _view(upload, upload.received), {"Location": place, **tus.headers_of(upload, upload.received)}


def read(name: str) -> tuple[UploadView, dict[str, str]]:
    """Read how far an upload came; `HEAD` is what tus asks with."""
    upload = _own(name) if request.method == "HEAD" else uploads.get_own(name, who=uploader(), desk=_desk())
    offset = uploads.offset_of(upload, desk=_desk())
    return _view(upload, offset), tus.headers_of(upload, offset)


def append(name: str) -> Response:
    """Send the next piece of an upload, from `Upload-Offset` on.

    What has come stays when the connection breaks off, unless the piece has an `Upload-Checksum`.
    """
    upload = upload_pieces.append(_own(name), tus.number("Upload-Offset"), _piece(), desk=_desk())
    return Response(status=204, headers=tus.headers_of(upload, upload.received))


def terminate(name: str) -> None:
    """End an upload; what has come of it is removed."""
    uploads.end(_own(name), desk=_desk())


def _own(name: str) -> Upload:
    found = uploads.get_own(name, who=uploader(), desk=_desk())
    tus.check_version()
    return found


def _announced() -> NewUpload:
    if "Upload-Defer-Length" in request.headers:
        raise Invalid.field("Upload-Defer-Length", "invalid", "Say the length with Upload-Length.")
    length, told = tus.number("Upload-Length"), tus.metadata()
    unknown = sorted(set(told) - _KEYS)
    if unknown:
        raise Invalid.field("Upload-Metadata", "unknown", f"There is no key {unknown[0][:40]!r}.")
    if length == 0:
        raise Invalid.field("Upload-Length", "invalid", "An empty file is none.")
    use = told.get("use", "attachment")
    if use not in _USES:
        raise Invalid.field("Upload-Metadata", "invalid", f"The use must be one of: {', '.join(_USES)}.")
    name = told.get("filename") or told.get("name") or NAMELESS
    return NewUpload(length, name, use, told.get("booking_ref", ""), request.headers.get("Upload-Metadata", ""))


def _piece() -> Incoming:
    if request.mimetype != tus.PIECE:
        raise UnsupportedMedia(f"Send the piece as {tus.PIECE}.")
    expected = tus.checksum()
    chunks = bodies.chunks()
    if expected is not None:
        chunks = upload_pieces.checked(chunks, expected.algorithm, expected.digest, desk=_desk())
    return Incoming("", chunks, request.content_length)


def _desk() -> Desk:
    return Desk(settings(), now)


def _view(upload: Upload, offset: int) -> UploadView:
    return UploadView(upload.name, upload.length, offset, upload.is_finished)
