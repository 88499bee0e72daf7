"""Files that come in several goes, after tus 1.0: begin one, ask for it, end it; ``upload_pieces`` goes on with it."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.actors import Actor
from app.domain.attachments import MOST_UPLOADS, UPLOAD_LASTS, Upload, check_open, owner_of
from app.domain.errors import Conflict, NotFound, SignInRequired, TooLarge, UploadLocked
from app.domain.files import Allowance, display_name
from app.domain.tokens import hash_token, is_token
from app.gateways.files import Draft, Storage
from app.persistence import attachments, contents, uploads
from app.persistence.session import Session, give_connection_back, reading, transaction, use_case
from app.runtime import logs
from app.services import files
from app.services.attachments import Desk
from app.services.bookings import Access, get_for

LOCKED = "Another request is writing this upload: wait until it is over."


@dataclass(frozen=True, slots=True)
class Uploader:
    """Who sends: ``name`` is the account or key, or guest; ``token`` opens a booking."""

    by: Actor
    name: str
    token: str | None = None

    @property
    def is_known(self) -> bool:
        """Tell whether this is an account or a key."""
        return self.name != "guest"


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What is announced: how much comes, what it is called, and for what; ``ref`` names a booking."""

    length: int
    filename: str
    use: str
    ref: str = ""
    told: str = ""  # the header Upload-Metadata, to be given back


def create(new: NewUpload, *, who: Uploader, desk: Desk) -> Upload:
    """Begin an upload.

    Raises:
        SignInRequired: nobody is signed in, and no booking is named that a manage token opens.
        NotFound: there is no such booking for this caller. Conflict: it takes no files, or too many uploads are on their way.
        TooLarge, StorageFull: so much will not be taken.
    """
    booking_id = get_for(new.ref, Access(who.by, who.token)).id if new.ref else None
    if booking_id is None and not who.is_known:
        raise SignInRequired("Sign in first, or name the booking that the file is for and send its X-Manage-Token.")
    _refuse_excess(reading(), new, booking_id, who, desk)
    give_connection_back()
    with files.storage(desk.settings).start(_whole(new.length)) as draft:
        upload = _begin(draft.name, new, booking_id, who=who, desk=desk)
        draft.pause()
    return upload


@use_case
def _begin(name: str, new: NewUpload, booking_id: int | None, *, who: Uploader, desk: Desk) -> Upload:
    now = desk.clock()
    with transaction() as session:
        status = attachments.lock_owners(session, booking_id=booking_id, user_id=_quota_of(who))
        if booking_id is not None:
            check_open(status)
        _refuse_excess(session, new, booking_id, who, desk)
        row = {
            "name": name,
            "owner": _owner(who, booking_id),
            "user_id": _quota_of(who),
            "booking_id": booking_id,
            "use": new.use,
            "filename": display_name(new.filename),
            "told": new.told,
            "length": new.length,
            "expires": int((now + UPLOAD_LASTS).timestamp()),
        }
        return uploads.add_upload(session, row, now=now)


def get_own(name: str, *, who: Uploader, desk: Desk) -> Upload:
    """Return an upload of the caller's. Raises NotFound for anybody else's, and for what is over."""
    found = uploads.get_upload(reading(), name, now=desk.clock())
    if not owns(found, who):
        raise NotFound("There is no such upload.")
    return found


def owns(upload: Upload, who: Uploader) -> bool:
    """Tell whether somebody may go on with an upload, end it, and attach it."""
    if who.is_known and upload.owner == _owner(who, None):
        return True
    if who.token is None or upload.booking_id is None or upload.owner != _holders(upload.booking_id):
        return False
    token_hash = attachments.find_token_hash(reading(), upload.booking_id)
    return token_hash is not None and is_token(who.token, token_hash)


def offset_of(upload: Upload, *, desk: Desk) -> int:
    """Return how much of an upload has come, by what lies in the store.

    Raises:
        UploadLocked: it is being written. NotFound: it is gone.
    """
    if upload.is_finished:
        return upload.length
    refuse_leased(upload, desk)
    give_connection_back()
    draft = resume(files.storage(desk.settings), upload)
    draft.pause()
    return draft.offset


def end(upload: Upload, *, desk: Desk) -> bool:
    """End an upload; what has come of it goes. Tells whether there was one.

    Raises:
        UploadLocked: it is being written.
    """
    if not upload.is_finished:
        refuse_leased(upload, desk)
        give_connection_back()
        try:
            resume(files.storage(desk.settings), upload).abandon()
        except NotFound:
            logs.info("upload_had_no_draft", upload_id=upload.id)
    return forget(upload, desk=desk)


def forget(upload: Upload, *, desk: Desk) -> bool:
    """Delete an upload's row, and its content where nobody else refers to it; tell whether there was one."""
    now = desk.clock()
    was_there, is_last = _forget(upload, desk=desk)
    if is_last and upload.sha256:
        files.remove(files.storage(desk.settings), upload.sha256, until=now)
    return was_there


@use_case
def _forget(upload: Upload, *, desk: Desk) -> tuple[bool, bool]:
    with transaction() as session:
        if not uploads.delete_upload(session, upload.id, state=upload.state):
            return False, False
        return True, bool(upload.sha256) and contents.drop_reference(session, upload.sha256 or "", now=desk.clock())


def refuse_leased(upload: Upload, desk: Desk) -> None:
    """Refuse to touch an upload that another request is writing. Raises UploadLocked."""
    if upload.leased > desk.clock().timestamp():
        raise UploadLocked(LOCKED)


def resume(home: Storage, upload: Upload) -> Draft:
    """Return the draft of an upload. Raises UploadLocked, NotFound."""
    try:
        return home.resume(upload.name, _whole(upload.length))
    except Conflict:
        raise UploadLocked(LOCKED) from None


def _whole(length: int) -> Allowance:
    return Allowance(length, TooLarge(f"More than the announced {length} bytes came."))


def _refuse_excess(session: Session, new: NewUpload, booking_id: int | None, who: Uploader, desk: Desk) -> None:
    """Refuse what will not be taken, before it is sent."""
    if uploads.count_uploads(session, _owner(who, booking_id), now=desk.clock()) >= MOST_UPLOADS:
        raise Conflict(f"{MOST_UPLOADS} uploads at a time: finish, attach or delete some first.")
    used = attachments.used(session, booking_id=booking_id, user_id=_quota_of(who))
    allowance = files.allowance(desk.settings, used, user_id=_quota_of(who))
    if new.length > allowance.most_bytes:
        raise allowance.refusal


def _owner(who: Uploader, booking_id: int | None) -> str:
    return _holders(booking_id) if not who.is_known and booking_id is not None else owner_of(who.name)


def _holders(booking_id: int) -> str:
    return hash_token(f"holder of {booking_id}")


def _quota_of(who: Uploader) -> int | None:
    return None if who.by.is_operator else who.by.user_id
