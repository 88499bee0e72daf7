"""What tus 1.0 says in headers: read from a request, and put on whatever is answered below its address.

Source:
    https://tus.io/protocols/resumable-upload: core, creation, creation-with-upload, checksum, expiration, termination.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import format_datetime

from flask import Flask, Response, request

from app.domain.attachments import Upload
from app.domain.errors import Invalid, VersionMismatch

VERSION, PREFIX, PIECE = "1.0.0", "/api/v1/uploads", "application/offset+octet-stream"
CHECKSUMS = ("sha256", "sha1")  # sha1: the one that the protocol demands; it guards against accidents alone
_WHOLE = re.compile(r"[0-9]{1,15}")
_KEY = re.compile(r"[!-+\--~]+")  # visible ASCII but for the comma
_MAX_METADATA = 4096  # characters


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a piece must come to."""

    algorithm: str
    digest: bytes


def init_app(app: Flask) -> None:
    """Say on every answer below the address of uploads what is spoken there."""
    most = app.extensions["settings"].max_file_mib * 1024 * 1024
    abilities = {
        "Tus-Version": VERSION,
        "Tus-Extension": "creation,creation-with-upload,checksum,expiration,termination",
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
        "Tus-Max-Size": str(most),
    }

    def tell(response: Response) -> Response:
        if request.path == PREFIX or request.path.startswith(f"{PREFIX}/"):
            response.headers["Tus-Resumable"] = VERSION
            if request.method == "OPTIONS":
                response.headers.update(abilities)
            elif response.status_code == 412:  # noqa: PLR2004 - Precondition Failed: the version is not spoken here
                response.headers["Tus-Version"] = VERSION
        return response

    app.after_request(tell)


def check_version() -> None:
    """Refuse a client that speaks another version, or does not say which.

    Raises:
        VersionMismatch: that.
    """
    if request.headers.get("Tus-Resumable") != VERSION:
        raise VersionMismatch(f"Send Tus-Resumable: {VERSION}.")


def number(name: str) -> int:
    """Return the whole number in a header. Raises Invalid where there is none."""
    value = request.headers.get(name, "")
    if not _WHOLE.fullmatch(value):
        raise Invalid.field(name, "invalid", "The header must be a whole number of bytes.")
    return int(value)


def metadata() -> Mapping[str, str]:
    """Return what Upload-Metadata says.

    Raises:
        Invalid: it is not as the protocol has it, or no UTF-8.
    """
    header = request.headers.get("Upload-Metadata", "")
    if len(header) > _MAX_METADATA:
        raise Invalid.field("Upload-Metadata", "too_long", f"The header has {_MAX_METADATA} characters at most.")
    pairs = [pair.strip().partition(" ") for pair in header.split(",") if pair.strip()]
    found = {key: _decoded(value.strip()) for key, _, value in pairs if _KEY.fullmatch(key)}
    if len(found) < len(pairs):
        raise Invalid.field("Upload-Metadata", "invalid", "The header has a key twice, or one that is none.")
    return found


def checksum() -> Checksum | None:
    """Return what Upload-Checksum says; None where it is not sent.

    Raises:
        Invalid: it is of a kind that is not offered, or no checksum.
    """
    header = request.headers.get("Upload-Checksum")
    if header is None:
        return None
    algorithm, _, value = header.partition(" ")
    if algorithm not in CHECKSUMS:
        raise Invalid.field("Upload-Checksum", "unknown", f"The checksum must be one of: {', '.join(CHECKSUMS)}.")
    digest = _bytes("Upload-Checksum", value.strip())
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise Invalid.field("Upload-Checksum", "invalid", "The checksum has another length than that.")
    return Checksum(algorithm, digest)


def headers_of(upload: Upload, offset: int) -> dict[str, str]:
    """Return what an answer says of an upload."""
    told = {"Upload-Offset": str(offset), "Upload-Length": str(upload.length)}
    if upload.told:
        told["Upload-Metadata"] = upload.told
    expires = datetime.fromtimestamp(upload.expires, timezone.utc)
    return {**told, "Upload-Expires": format_datetime(expires, usegmt=True), "Cache-Control": "no-store"}


def _decoded(value: str) -> str:
    try:
        return _bytes("Upload-Metadata", value).decode()
    except UnicodeDecodeError:
        raise Invalid.field("Upload-Metadata", "invalid", "A value is no UTF-8.") from None


def _bytes(name: str, value: str) -> bytes:
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid.field(name, "invalid", "The header has something that is no base64.") from None
