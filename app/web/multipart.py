"""Bodies with files, read as they come: form-data or a raw file, as events, in memory that does not grow with the body.

Nothing here says how long a body may take: that is the edge's business, and whose stream is read. What has been told as an event
has been read; nothing of it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio import multipart as sansio

from app.domain.errors import Invalid
from app.web.errors import Malformed, UnsupportedMedia

CHUNK_BYTES = 256 * 1024  # measured: 216 MiB/s; smaller is slower, larger costs memory
MAX_PREAMBLE_BYTES = 1024  # what mail programs write in front of the first part; browsers write nothing
# RFC 2046 section 5.1.1, but for the space, which no client uses
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?-]{1,70}")
_TAIL_BYTES = 128  # a boundary, its dashes, and some white space that may follow it
_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class Readable(Protocol):
    """What bytes are read from: ``request.stream``, or a file."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most *size* bytes, none at the end."""


@dataclass(frozen=True, slots=True)
class FormLimits:
    """How much a form may have beside the content of its files, which whoever keeps them counts."""

    parts: int = 50
    files: int = 1
    header_bytes: int = 8 * 1024  # of one part; a file name of 255 characters takes 2,300 at most
    name_chars: int = 200
    field_bytes: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class FormField:
    """A field that is no file, whole."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FileStart:
    """A file begins. Its name and media type are the sender's words, as they came."""

    name: str
    filename: str
    media_type: str


@dataclass(frozen=True, slots=True)
class FileChunk:
    """The next bytes of the file that has begun, hardly more than CHUNK_BYTES."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class FileEnd:
    """The file is whole."""


FormEvent = FormField | FileStart | FileChunk | FileEnd
DEFAULT_LIMITS = FormLimits()


def read_form(stream: Readable, content_type: str, limits: FormLimits = DEFAULT_LIMITS) -> Iterator[FormEvent]:
    """Yield what a body of ``multipart/form-data`` holds, as it arrives.

    Raises:
        UnsupportedMedia: the body is of another kind.
        Malformed: it is no such form, or breaks off.
        Invalid: a name is too long, or a field is no text.
        RequestEntityTooLarge: it has more parts, larger headers or fields than it may.
    """
    return _Form(stream, _boundary(content_type), limits).events()


def read_raw(
    stream: Readable, content_type: str, disposition: str, *, length: int | None = None
) -> Iterator[FormEvent]:
    """Yield a body that is a file itself as one file without a field's name.

    Args:
        stream: the body.
        content_type: the header.
        disposition: the header ``Content-Disposition``, which names the file; it may be empty.
        length: what Content-Length promises, if it was sent.

    Raises:
        Malformed: the body ends before the length.
    """
    yield FileStart("", _parameter(disposition, "filename"), content_type.partition(";")[0].strip().lower())
    arrived = 0
    while chunk := stream.read(CHUNK_BYTES):
        arrived += len(chunk)
        yield FileChunk(chunk)
    if length is not None and arrived < length:
        raise Malformed(f"The body breaks off after {arrived} of {length} bytes.")
    yield FileEnd()


def _boundary(content_type: str) -> bytes:
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise UnsupportedMedia("Send the form as multipart/form-data.")
    boundary = _parameter(content_type, "boundary")
    if not _BOUNDARY.fullmatch(boundary):
        raise Malformed("The Content-Type needs a boundary of 1 to 70 ASCII characters.")
    return boundary.encode("ascii")


def _parameter(header: str, name: str) -> str:
    return str(parse_options_header(header)[1].get(name) or "")


class _Form:
    """One form on its way: feeds the decoder, and watches what it gathers."""

    def __init__(self, stream: Readable, boundary: bytes, limits: FormLimits) -> None:
        self._stream = stream
        self._limits = limits
        self._decoder = sansio.MultipartDecoder(boundary, max_parts=limits.parts)
        self._cut = re.compile(rb"--%s[ \t]*-?\Z" % re.escape(boundary))
        self._files = 0

    def events(self) -> Iterator[FormEvent]:
        while (part := self._next()) is not None:
            if isinstance(part, sansio.File):
                yield from self._file(part)
            elif isinstance(part, sansio.Field):
                yield self._field(part)

    def _file(self, part: sansio.File) -> Iterator[FormEvent]:
        self._files += 1
        if self._files > self._limits.files:
            raise RequestEntityTooLarge
        media_type = part.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        yield FileStart(self._name(part), part.filename, media_type)
        for data in self._data():
            yield FileChunk(data)
        yield FileEnd()

    def _field(self, part: sansio.Field) -> FormField:
        name, value = self._name(part), bytearray()
        for data in self._data():
            value += data
            if len(value) > self._limits.field_bytes:
                raise RequestEntityTooLarge
        try:
            return FormField(name, value.decode())
        except UnicodeDecodeError:
            raise Invalid.field(name, "invalid", "The field is no UTF-8 text.") from None

    def _name(self, part: sansio.Field | sansio.File) -> str:
        name = part.name
        if not name:  # werkzeug passes None on where there is none
            raise Malformed("A part of the form has no name.")
        if len(name) > self._limits.name_chars:
            raise Invalid.field(
                f"{name[:20]}...", "too_long", f"A name has {self._limits.name_chars} characters at most."
            )
        return name

    def _data(self) -> Generator[bytes, None, None]:
        """Yield the content of the part that has begun."""
        while isinstance(event := self._next(), sansio.Data):
            if event.data:
                yield event.data
            if not event.more_data:
                return

    def _next(self) -> sansio.Event | None:
        """Return the next event, reading on where that takes more of the body; None behind the last boundary.

        What follows the last boundary is nobody's: it is left to the server.
        """
        while self._decoder.state is not sansio.State.EPILOGUE:
            self._refuse_long_header()
            event = self._decoded()
            if event is not sansio.NEED_DATA:
                return event
            self._refuse_long_preamble()
            self._decoder.receive_data(self._more() or None)
        return None

    def _more(self) -> bytes:
        """Return the next bytes of the body, not cut behind a boundary and the first of its closing dashes.

        There Werkzeug 3.1.9 takes the CR before the boundary for content: one file in 262,144 would have a byte too many.

        Source:
            https://github.com/pallets/werkzeug/issues/3285
        """
        data = self._stream.read(CHUNK_BYTES)
        while self._cut.search((bytes(self._decoder.buffer[-_TAIL_BYTES:]) + data[-_TAIL_BYTES:])[-_TAIL_BYTES:]):
            byte = self._stream.read(1)
            if not byte:
                break
            data += byte
        return data

    def _decoded(self) -> sansio.Event:
        try:
            return self._decoder.next_event()
        except ValueError:
            raise Malformed("The form cannot be read: it breaks off, or a part has no proper header.") from None

    def _refuse_long_header(self) -> None:
        """Refuse before the decoder takes a header to pieces, and before it gathers one without end."""
        decoder, most = self._decoder, self._limits.header_bytes
        is_header = decoder.state is sansio.State.PART
        if is_header and len(decoder.buffer) >= most and not _BLANK_LINE.search(decoder.buffer, 0, most):
            raise RequestEntityTooLarge

    def _refuse_long_preamble(self) -> None:
        if self._decoder.state is sansio.State.PREAMBLE and len(self._decoder.buffer) > MAX_PREAMBLE_BYTES:
            raise Malformed("The form does not begin with its boundary.")
