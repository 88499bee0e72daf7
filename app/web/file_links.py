"""Files behind the links in messages."""

from __future__ import annotations

from flask import Response

from app.services import downloads
from app.web.context import now, settings
from app.web.downloads import send


def read(link: str) -> Response:
    """Download a file by a link from a message, as long as the link is good."""
    return send(downloads.get_linked(settings(), link, now=now()))
