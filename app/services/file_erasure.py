"""The files of somebody who takes their account away: what they have sent, and what belongs to their bookings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.persistence import attachments, contents, uploads
from app.persistence.session import Session
from app.runtime.settings import Settings
from app.services import files


def erase_files(session: Session, user_id: int, *, now: datetime) -> list[str]:
    """Delete the rows, and return the content that nobody refers to any more, for :func:`remove_contents` afterwards."""
    gone = [sha256 for sha256 in _deleted(session, user_id) if contents.drop_reference(session, sha256, now=now)]
    return sorted(set(gone))


def remove_contents(settings: Settings, names: Iterable[str], *, now: datetime) -> None:
    """Remove content from the store, once its rows are gone for good; what a kill leaves is swept."""
    home = files.storage(settings)
    for sha256 in names:
        files.remove(home, sha256, until=now)


def _deleted(session: Session, user_id: int) -> Iterable[str]:
    for attachment_id, sha256 in attachments.list_of_user(session, user_id):
        attachments.delete_attachment(session, attachment_id)
        yield sha256
    for upload in uploads.list_of_user(session, user_id):
        if uploads.delete_upload(session, upload.id, state=upload.state) and upload.sha256:
            yield upload.sha256
