"""Hand files out: opened here, named to the web server in front, or by a link that is good for a while."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from hmac import compare_digest

from app.domain.attachments import Attachment, File
from app.domain.errors import NotFound
from app.domain.files import ByteRange
from app.domain.tokens import derive_token
from app.gateways.files import Reading
from app.persistence import attachments
from app.persistence.session import reading
from app.runtime import logs
from app.runtime.settings import Settings
from app.services import files

STORE_LINK_SECONDS = 300  # in which a browser follows a redirect to the store; a download that has begun goes on
_LINK = re.compile(r"(?P<file>[1-9][0-9]{0,17})-(?P<expires>[0-9]{1,12})-(?P<mac>[A-Za-z0-9_-]{22})")
_FRONT = {"x-accel": "X-Accel-Redirect", "litespeed": "X-LiteSpeed-Location"}


def open_content(settings: Settings, file: File, part: ByteRange) -> Reading:
    """Return the bytes of a part of a file; close it, read or not.

    Raises:
        NotFound: the content is gone from the store, which ``flask doctor`` tells, too.
    """
    try:
        return files.storage(settings).open(file.sha256, part.start, part.length)
    except NotFound:
        logs.error("content_missing", sha256=file.sha256)
        raise


def handed_on(settings: Settings, file: File, *, disposition: str) -> tuple[str, str] | None:
    """Return the header by which another server sends the file; None where this program does, or says that it is gone.

    ``Location`` asks for a redirect.
    """
    home, (word, _, prefix) = files.storage(settings), settings.file_sending.partition(":")
    if word == "redirect":
        kind = {"media_type": file.media_type, "disposition": disposition}
        link = home.signed_link(file.sha256, valid_seconds=STORE_LINK_SECONDS, **kind)
        return ("Location", link) if link else None
    path = home.local_path(file.sha256)
    if path is None or word == "stream" or not path.exists():
        return None
    if word == "x-sendfile":
        return "X-Sendfile", str(path)
    return _FRONT[word], prefix + path.relative_to(settings.upload_dir).as_posix()


def file_link(settings: Settings, attachment_id: int, *, valid: timedelta, now: datetime) -> str:
    """Return an address, for a message, from which anybody who has it may read the file for a while."""
    named = f"{attachment_id}-{int((now + valid).timestamp())}"
    return f"{settings.base_url}/api/v1/files/{named}-{_mac(settings, named)}"


def get_linked(settings: Settings, token: str, *, now: datetime) -> Attachment:
    """Return the file that a link's token opens.

    Raises:
        NotFound: the token was not made here, or its time is over, or the file is gone.
    """
    found = _LINK.fullmatch(token)
    if found is None or int(found["expires"]) <= now.timestamp():
        raise NotFound("The link is over. Ask for a new one.")
    if not compare_digest(_mac(settings, f"{found['file']}-{found['expires']}"), found["mac"]):
        raise NotFound("The link is over. Ask for a new one.")
    return attachments.get_by_id(reading(), int(found["file"]))


def _mac(settings: Settings, named: str) -> str:
    return derive_token(settings.secret_key, "file", named)
