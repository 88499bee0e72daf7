"""Files of a booking: list, add, download, remove."""

from __future__ import annotations

from typing import Annotated

from flask import Response, request
from msgspec import Meta, Struct

from app.domain.attachments import Attachment
from app.domain.times import rfc3339
from app.persistence.idempotency import IdempotencyKey
from app.services import attachments
from app.services.attachments import Desk
from app.web import bodies, uploaders
from app.web.access_to_bookings import access
from app.web.actors import caller_scope
from app.web.context import now, settings
from app.web.downloads import send
from app.web.inputs import body_of, idempotency_key


class FinishedUpload(Struct, kw_only=True, forbid_unknown_fields=True):
    """An upload that is finished: the last part of its address."""

    upload_id: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


class Arrived(Struct):
    """What an idempotency key stands for."""

    what: str


class AttachmentView(Struct):
    """A file of a booking; `from_venue` tells whether the venue has sent it, and not the customer."""

    id: int
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    from_venue: bool
    field_key: str | None
    created_at: str


class AttachmentsView(Struct):
    """The files of a booking, in the order they came: at most twenty."""

    items: list[AttachmentView]


_upload_of = body_of(FinishedUpload)


def list_all(ref: str) -> AttachmentsView:
    """List the files of a booking."""
    return AttachmentsView([_view(found) for found in attachments.list_for(ref, access())])


def attach(ref: str) -> tuple[AttachmentView, dict[str, str]]:
    """Add a file to a booking.

    Send a form with one file in the field `file`, or the file itself with its Content-Type and its name in
    Content-Disposition, or the id of a finished upload as JSON. What it is, is told by its first bytes.
    """
    if request.mimetype == "application/json":
        body = _upload_of()
        key = _key(body.upload_id)
        made = attachments.attach_upload(
            ref, body.upload_id, owns=uploaders.owns(), access=access(), desk=desk(), key=key
        )
    else:
        made = attachments.attach(ref, bodies.incoming_file(), access=access(), desk=desk(), key_of=_key)
    return _view(made[0]), {"Idempotency-Replayed": "true"} if made[1] else {}


def read(ref: str, attachment_id: int) -> Response:
    """Download a file of a booking.

    Takes Range and If-Range. It is always sent as it was received, to be saved and not to be shown.
    """
    return send(attachments.get_file(ref, attachment_id, access()))


def remove(ref: str, attachment_id: int) -> None:
    """Remove a file of a booking; customers remove their own, the venue any."""
    attachments.detach(ref, attachment_id, access=access(), desk=desk())


def desk() -> Desk:
    """Return this installation and its clock."""
    return Desk(settings(), now)


def _key(what: str) -> IdempotencyKey | None:
    return idempotency_key(f"{caller_scope()}:attach", Arrived(what))


def _view(found: Attachment) -> AttachmentView:
    return AttachmentView(
        found.id,
        found.name,
        found.media_type,
        found.size_bytes,
        found.sha256,
        found.is_the_venues,
        found.field_key,
        rfc3339(found.created_at),
    )
