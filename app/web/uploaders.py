"""Whose an upload is: the account or key that began it, or whoever has the manage token of its booking."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.attachments import Upload
from app.services import uploads
from app.services.uploads import Uploader
from app.web.actors import actor, caller_scope
from app.web.context import manage_token


def uploader() -> Uploader:
    """Return the caller as somebody who uploads."""
    return Uploader(actor("holder"), caller_scope(), manage_token())


def owns() -> Callable[[Upload], bool]:
    """Return a function that tells whether an upload is the caller's."""
    who = uploader()
    return lambda upload: uploads.owns(upload, who)
