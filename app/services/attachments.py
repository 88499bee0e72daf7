"""Files of bookings: add one as it arrives, list them, remove one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from app.domain.attachments import Attachment, Upload, check_open, check_removal
from app.domain.bookings import Booking
from app.domain.errors import Busy, Conflict, NotFound
from app.domain.files import Allowance
from app.persistence import attachments, contents, uploads
from app.persistence.audit import add_audit
from app.persistence.idempotency import IdempotencyKey, add_answer
from app.persistence.session import Session, give_connection_back, reading, transaction, use_case
from app.runtime.settings import Settings
from app.services import files
from app.services.bookings import Access, get_for, view_for
from app.services.files import Incoming, Received
from app.services.idempotency import once

USE = "attachment"
_FRAME_BYTES = 64 * 1024  # that a form has around its file, at most
_ATTACHMENT = msgspec.json.Decoder(Attachment)
KeyOf = Callable[[str], IdempotencyKey | None]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where and when: this installation, and a clock, as a body takes its time."""

    settings: Settings
    clock: Callable[[], datetime]


def attach(ref: str, incoming: Incoming, *, access: Access, desk: Desk, key_of: KeyOf) -> tuple[Attachment, bool]:
    """Add a file to a booking as it arrives; return it, and whether it is the answer to an earlier try.

    No database connection is held while it arrives. *key_of* makes the idempotency key from what has arrived.

    Raises:
        NotFound: there is no such booking for this caller. Conflict: it takes no files.
        TooLarge, StorageFull: there is too much. Invalid: the file is of no type that is taken.
        Busy: the same file was removed at this moment.
    """
    booking = get_for(ref, access)
    allowance = _allowance(reading(), booking, access, desk.settings)
    if incoming.declared_bytes is not None and incoming.declared_bytes > allowance.most_bytes + _FRAME_BYTES:
        raise allowance.refusal
    give_connection_back()
    home = files.storage(desk.settings)
    with home.start(allowance) as draft:
        received = files.receive(home, draft, incoming, USE, now=desk.clock())
    now = desk.clock()
    with files.discarding(home, received.stored.sha256, now=now):
        key = key_of(f"{ref}\0{received.name}\0{received.stored.sha256}")
        return once(key, lambda: _attach(ref, received, access=access, desk=desk, key=key), _ATTACHMENT.decode, now=now)


@use_case
def _attach(ref: str, received: Received, *, access: Access, desk: Desk, key: IdempotencyKey | None) -> Attachment:
    now = desk.clock()
    booking = get_for(ref, access)
    with transaction() as session:
        check_open(attachments.lock_owners(session, booking_id=booking.id, user_id=quota_of(access)))
        allowance = _allowance(session, booking, access, desk.settings)
        if received.stored.size_bytes > allowance.most_bytes:
            raise allowance.refusal
        files.keep(session, files.storage(desk.settings), received.stored, now=now)
        made = _add(session, booking, access, received.columns(), now=now)
        _answer(session, key, made, now=now)
    return made


def attach_upload(
    ref: str, name: str, *, owns: Callable[[Upload], bool], access: Access, desk: Desk, key: IdempotencyKey | None
) -> tuple[Attachment, bool]:
    """Add a finished upload to a booking; return it, and whether it is the answer to an earlier try.

    Raises:
        NotFound: there is no such booking or upload for this caller.
        Conflict: the upload is not finished, or the booking takes no files. StorageFull: there is too much.
    """
    return once(
        key,
        lambda: _attach_upload(ref, name, owns=owns, access=access, desk=desk, key=key),
        _ATTACHMENT.decode,
        now=desk.clock(),
    )


@use_case
def _attach_upload(
    ref: str, name: str, *, owns: Callable[[Upload], bool], access: Access, desk: Desk, key: IdempotencyKey | None
) -> Attachment:
    now = desk.clock()
    booking = get_for(ref, access)
    known = uploads.get_upload(reading(), name, now=now)
    if not owns(known):
        raise NotFound("There is no such upload.")
    with transaction() as session:
        check_open(attachments.lock_owners(session, booking_id=booking.id, user_id=quota_of(access)))
        upload = use_up(session, name, booking, now=now)
        allowance = _allowance(session, booking, access, desk.settings)
        if upload.length > allowance.most_bytes:
            raise allowance.refusal
        made = _add(session, booking, access, _columns(upload), now=now)
        _answer(session, key, made, now=now)
    return made


def use_up(session: Session, name: str, booking: Booking, *, now: datetime) -> Upload:
    """Return a finished upload and delete its row: what refers to its content from now on is the caller's row.

    Raises:
        NotFound: it is gone. Conflict: it is not finished, or is for another booking or another use.
    """
    upload = uploads.get_upload(session, name, now=now)
    if not upload.is_finished:
        raise Conflict("The upload is not finished.")
    if upload.use == "resource_photo" or upload.booking_id not in {None, booking.id}:
        raise Conflict("The upload is for something else.")
    if not uploads.delete_upload(session, upload.id, state=upload.state):
        raise NotFound("There is no such upload.")
    return upload


@use_case
def detach(ref: str, attachment_id: int, *, access: Access, desk: Desk) -> None:
    """Remove a file of a booking; its content goes when nobody else refers to it.

    Raises:
        NotFound: there is no such booking for this caller, or no such file.
        Forbidden: the file is the venue's and the caller is not.
    """
    now = desk.clock()
    with transaction() as session:
        booking, found = _shown(session, ref, attachment_id, access)
        check_removal(found, by_venue=runs_venue(booking, access))
        if not attachments.delete_attachment(session, attachment_id):
            raise NotFound("There is no such file.")
        is_last = contents.drop_reference(session, found.sha256, now=now)
        add_audit(session, "attachment.removed", f"booking:{ref}", by=access.by, now=now, id=attachment_id)
    if is_last:
        files.remove(files.storage(desk.settings), found.sha256, until=now)


def list_for(ref: str, access: Access) -> list[Attachment]:
    """Return the files of a booking that the caller may see; a manage link alone opens no answers. Raises NotFound."""
    booking, is_all = view_for(ref, access)
    found = attachments.list_attachments(reading(), booking.id)
    return [file for file in found if is_all or file.field_key is None]


def get_file(ref: str, attachment_id: int, access: Access) -> Attachment:
    """Return a file of a booking that the caller may see. Raises NotFound."""
    return _shown(reading(), ref, attachment_id, access)[1]


def _shown(session: Session, ref: str, attachment_id: int, access: Access) -> tuple[Booking, Attachment]:
    booking, is_all = view_for(ref, access)
    found = attachments.get_attachment(session, booking.id, attachment_id)
    if found.field_key is not None and not is_all:
        raise NotFound("There is no such file.")
    return booking, found


def runs_venue(booking: Booking, access: Access) -> bool:
    """Tell whether the caller runs the booking's venue."""
    return access.by.reaches(booking.venue_id, [resource_id for resource_id, _ in booking.resources])


def quota_of(access: Access) -> int | None:
    """Return the account whose quota a file takes from; those who run the venue have none."""
    return None if access.by.is_operator else access.by.user_id


def _allowance(session: Session, booking: Booking, access: Access, settings: Settings) -> Allowance:
    check_open(booking.status)
    user_id = quota_of(access)
    used = attachments.used(session, booking_id=booking.id, user_id=user_id)
    return files.allowance(settings, used, user_id=user_id)


def _add(
    session: Session, booking: Booking, access: Access, columns: dict[str, str | int], *, now: datetime
) -> Attachment:
    row = {
        **columns,
        "booking_id": booking.id,
        "uploaded_by": str(access.by),
        "user_id": quota_of(access),
        "field_key": None,
    }
    made = attachments.add_attachment(session, row, now=now)
    detail = {"id": made.id, "size_bytes": made.size_bytes, "media_type": made.media_type}
    add_audit(session, "attachment.added", f"booking:{booking.ref}", by=access.by, now=now, **detail)
    return made


def _answer(session: Session, key: IdempotencyKey | None, made: Attachment, *, now: datetime) -> None:
    if key is not None:
        add_answer(session, key, msgspec.json.encode(made).decode(), now=now)


def _columns(upload: Upload) -> dict[str, str | int]:
    if upload.sha256 is None:
        raise Busy("The upload is not stored yet.")
    return {
        "sha256": upload.sha256,
        "name": upload.filename,
        "media_type": upload.media_type,
        "size_bytes": upload.length,
    }
