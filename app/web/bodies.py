"""Bodies that are files, of any length: read as they come, by handlers whose route says what it ``takes``."""

from __future__ import annotations

from collections.abc import Iterator

from flask import request

from app.domain.errors import Invalid
from app.services.files import Incoming
from app.web.errors import Malformed, UnsupportedMedia
from app.web.multipart import CHUNK_BYTES, FileChunk, FileStart, FormEvent, FormField, Readable, read_form, read_raw

FORM = "multipart/form-data"
_NO_LIMIT = 1 << 60  # None would stand for the limit of all other routes


def stream() -> Readable:
    """Return the body, without the limit that other routes have: who reads it counts.

    Raises:
        UnsupportedMedia: it is compressed.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("Send the body as it is, without Content-Encoding.")
    request.max_content_length = _NO_LIMIT
    return request.stream


def incoming_file(*, name: str = "") -> Incoming:
    """Return the file in the body: the one file of a form, or the body itself, whatever its type, by Content-Disposition.

    Raises:
        UnsupportedMedia: the body is compressed, or has no type.
        Invalid: the form has no file, or a field of another name comes before it.
        Malformed: the form cannot be read.
    """
    length = request.content_length
    if not request.mimetype:
        raise UnsupportedMedia("Send a form, or the file itself with its Content-Type.")
    if request.mimetype == FORM:
        events = read_form(stream(), request.headers["Content-Type"])
    else:
        events = read_raw(stream(), request.mimetype, request.headers.get("Content-Disposition", ""), length=length)
    start = _begin(events)
    return Incoming(start.filename or name, _chunks(events), length)


def chunks() -> Iterator[bytes]:
    """Yield the body in pieces.

    Raises:
        Malformed: it breaks off before the end that its length promises.
    """
    body, arrived = stream(), 0
    while chunk := body.read(CHUNK_BYTES):
        arrived += len(chunk)
        yield chunk
    if arrived < (request.content_length or 0):
        raise Malformed(f"The body breaks off after {arrived} of {request.content_length} bytes.")


def _begin(events: Iterator[FormEvent]) -> FileStart:
    for event in events:
        if isinstance(event, FileStart):
            if event.name not in {"", "file"}:
                raise Invalid.field(event.name, "unknown", "The file's field is called 'file'.")
            return event
        _refuse_field(event)
    raise Invalid.field("file", "required", "The form has no file.")


def _chunks(events: Iterator[FormEvent]) -> Iterator[bytes]:
    """Yield the file, and read the form to its end: what is wrong behind the file is told before the file is kept."""
    for event in events:
        if isinstance(event, FileChunk):
            yield event.data
        _refuse_field(event)


def _refuse_field(event: FormEvent) -> None:
    if isinstance(event, FormField):
        raise Invalid.field(event.name, "unknown", "There is no such field.")
