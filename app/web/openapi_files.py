"""The part of the description that is about bodies which are files, and the headers of tus.

Loaded with ``openapi_build``, never by a server.
"""

from __future__ import annotations

from typing import Any

from app.web.routes import Route

Json = dict[str, Any]

_BYTES: Json = {"type": "string", "format": "binary"}
_BODIES: dict[str, Json] = {
    "multipart/form-data": {"type": "object", "required": ["file"], "properties": {"file": _BYTES}},
    "application/json": {
        "type": "object",
        "required": ["upload_id"],
        "properties": {"upload_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"}},
        "additionalProperties": False,
    },
}
_BYTE_COUNT = "^[0-9]{1,15}$"
# header -> what it says, and its pattern
REQUEST_HEADERS: dict[str, tuple[str, str]] = {
    "Tus-Resumable": ("The version of the protocol.", r"^1\.0\.0$"),
    "Upload-Length": ("How many bytes come, all in all.", _BYTE_COUNT),
    "Upload-Metadata": ("`filename`, `use` and `booking_ref`, with base64 values, separated by commas.", ""),
    "Upload-Offset": ("Where this piece begins.", _BYTE_COUNT),
    "Upload-Checksum": (
        "`sha256` or `sha1` and the digest in base64; without it a piece is kept as far as it came.",
        "",
    ),
    "Content-Disposition": ("The name of a file that is the body itself.", ""),
    "Range": ("One range of bytes; 206 has it.", ""),
    "If-Range": ("The ETag of the file that the range is of.", ""),
}
_TUS = {
    "uploads.create": ("Tus-Resumable", "Upload-Length", "Upload-Metadata", "Upload-Checksum"),
    "uploads.read": ("Tus-Resumable",),
    "uploads.append": ("Tus-Resumable", "Upload-Offset", "Upload-Checksum"),
    "uploads.terminate": ("Tus-Resumable",),
}
_TUS_ANSWERS = {
    "uploads.create": ("Location", "Upload-Expires", "Upload-Length", "Upload-Metadata", "Upload-Offset"),
    "uploads.read": ("Upload-Expires", "Upload-Length", "Upload-Metadata", "Upload-Offset"),
    "uploads.append": ("Upload-Expires", "Upload-Length", "Upload-Metadata", "Upload-Offset"),
}
ANSWER_HEADERS: Json = {
    name: {"description": about, "schema": {"type": kind}}
    for name, kind, about in (
        ("Location", "string", "The address of the upload."),
        ("Upload-Expires", "string", "When it is removed unless it is gone on with or attached, as an HTTP date."),
        ("Upload-Length", "integer", "How many bytes come, all in all."),
        ("Upload-Metadata", "string", "As it was sent when the upload began, if it was."),
        ("Upload-Offset", "integer", "How many bytes have come."),
    )
}


def request_headers(row: Route) -> tuple[str, ...]:
    """Return the headers of files and of tus that a route takes."""
    named = ("Content-Disposition",) if "multipart/form-data" in row.takes else ()
    return (*_TUS.get(row.view, ()), *named, *(("Range", "If-Range") if row.gives == "*/*" else ()))


def answer_headers(row: Route) -> tuple[str, ...]:
    """Return the headers of tus that a route answers with."""
    return _TUS_ANSWERS.get(row.view, ())


def request_body(row: Route) -> Json:
    """Return the body of a route that reads it itself."""
    content = {kind: {"schema": _BODIES.get(kind, _BYTES)} for kind in row.takes}
    return {"required": row.view != "uploads.create", "content": content}
