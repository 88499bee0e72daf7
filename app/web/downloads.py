"""A kept file as an answer: whole or in part, from here or by the web server in front."""

from __future__ import annotations

from flask import Response, g, request

from app.domain.attachments import File
from app.domain.files import ByteRange, content_disposition, parse_range
from app.persistence.session import give_connection_back
from app.services import downloads
from app.web.context import settings

PRIVATE = "no-store"  # an ID leaves no copy in a browser that others use
KEPT_IN = "default-src 'none'; frame-ancestors 'none'; sandbox"  # whatever it is, it runs nothing
FOREVER = "public, max-age=31536000, immutable"  # a year, the most that caches keep


def send(file: File, *, caching: str = PRIVATE, inline: bool = False) -> Response:
    """Return the file, the part of it that Range asks for, or 304.

    Raises:
        NotFound: its content is gone. RangeNotSatisfiable: it ends before the range.
    """
    g.carries_token = (
        True  # it goes out as it is: compressed it would be another thing than its ETag and its ranges say
    )
    tag = f'"{file.sha256}"'
    if file.sha256 in request.if_none_match:
        return Response(status=304, headers={"ETag": tag, "Cache-Control": caching})
    response = _whole_or_part(file, content_disposition(file.name, file.kind, inline=inline), tag)
    response.headers.update(
        {"ETag": tag, "Cache-Control": caching, "Accept-Ranges": "bytes", "Content-Security-Policy": KEPT_IN}
    )
    return response


def _whole_or_part(file: File, disposition: str, tag: str) -> Response:
    how = downloads.handed_on(settings(), file, disposition=disposition)
    give_connection_back()
    headers = {"Content-Disposition": disposition, "Content-Type": file.media_type}
    if how is not None and how[0] == "Location":
        return Response(status=302, headers={"Location": how[1]})
    if how is not None:
        return Response(status=200, headers={**headers, how[0]: how[1]})
    part = _part(file, tag)
    if part is None:
        return _streamed(file, ByteRange(0, file.size_bytes), 200, headers)
    return _streamed(file, part, 206, {**headers, "Content-Range": part.content_range(file.size_bytes)})


def _part(file: File, tag: str) -> ByteRange | None:
    """Return the part asked for; none where the client's own part is of something else."""
    if request.headers.get("If-Range", tag) != tag:
        return None
    return parse_range(request.headers.get("Range"), file.size_bytes)


def _streamed(file: File, part: ByteRange, status: int, headers: dict[str, str]) -> Response:
    reading = downloads.open_content(settings(), file, part)
    response = Response(reading, status=status, headers=headers)  # closes it, read or not
    response.content_length = part.length
    return response
