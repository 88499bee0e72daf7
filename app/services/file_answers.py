"""Answers that are files: a finished upload becomes a file of the booking that it answers a question of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from app.domain.actors import Actor
from app.domain.attachments import Upload, account_name, owner_of
from app.domain.bookings import Booking
from app.domain.custom_fields import CustomField
from app.domain.errors import Invalid, NotFound
from app.persistence import attachments, uploads
from app.persistence.session import Session


def take_uploads(
    session: Session, questions: Sequence[CustomField], booking: Booking, *, by: Actor, now: datetime
) -> tuple[Booking, Mapping[str, Upload]]:
    """Return the booking with the names of files for answers, and the uploads by question; their rows are used up.

    Raises:
        Invalid: an upload is not finished, is not the caller's, is over, or answers two questions.
    """
    asked = [question.key for question in questions if question.type == "file" and question.key in booking.answers]
    taken = {key: _take(session, key, str(booking.answers[key]), by=by, now=now) for key in asked}
    names = {key: upload.filename for key, upload in taken.items()}
    return (replace(booking, answers={**booking.answers, **names}) if names else booking), taken


def add_answers(session: Session, booking_id: int, taken: Mapping[str, Upload], *, by: Actor, now: datetime) -> None:
    """Insert the files that answer questions; what the uploads referred to, these refer to."""
    for key, upload in taken.items():
        row = {
            "sha256": upload.sha256,
            "name": upload.filename,
            "media_type": upload.media_type,
            "size_bytes": upload.length,
            "booking_id": booking_id,
            "uploaded_by": str(by),
            "user_id": upload.user_id,
            "field_key": key,
        }
        attachments.add_attachment(session, row, now=now)


def _take(session: Session, key: str, name: str, *, by: Actor, now: datetime) -> Upload:
    """Return an upload and delete its row."""
    try:
        upload = uploads.get_upload(session, name, now=now)
    except NotFound:
        raise _unknown(key) from None
    is_own = upload.owner == owner_of(account_name(by)) and upload.use == "custom_field" and upload.booking_id is None
    if by.kind == "guest" or not is_own:
        raise _unknown(key)
    if not upload.is_finished:
        raise Invalid.field(f"answers.{key}", "unfinished", "The upload is not finished.")
    if not uploads.delete_upload(session, upload.id, state=upload.state):
        raise _unknown(key)
    return upload


def _unknown(key: str) -> Invalid:
    return Invalid.field(f"answers.{key}", "unknown_upload", "There is no such upload of yours: upload the file again.")
