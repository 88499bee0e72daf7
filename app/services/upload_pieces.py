"""The pieces of an upload: each is written where the last one ended, and the last one makes it a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from app.domain.attachments import UPLOAD_LASTS, Upload
from app.domain.errors import Conflict, DomainError, NotFound, TooLarge, UploadLocked
from app.gateways.files import Draft
from app.gateways.tally import HEAD_BYTES, StoredFile
from app.gateways.verified import verified
from app.persistence import uploads
from app.persistence.session import give_connection_back, transaction, use_case
from app.services import files
from app.services.attachments import Desk
from app.services.files import Incoming, Received
from app.services.uploads import LOCKED, forget, resume

_LEASE = timedelta(seconds=60)
_RENEW_AFTER = timedelta(seconds=20)


def append(upload: Upload, offset: int, incoming: Incoming, *, desk: Desk) -> Upload:
    """Add what comes to an upload, from *offset* on; return it as it is then. What has come stays, however the body ends.

    Raises:
        Conflict: the offset is another. UploadLocked: another request is writing it.
        TooLarge: more comes than was announced. Invalid: it is of no type that is taken; the upload is over.
        StorageFull: there is no room; the upload is over.
        DomainError: what the body raises.
    """
    _check_room(upload, offset + (incoming.declared_bytes or 0))
    if upload.is_finished:
        _check_offset(offset, upload.length)
        return upload
    renew = _lease(upload, desk)
    give_connection_back()
    with resume(files.storage(desk.settings), upload) as draft:
        _pour(draft, upload, offset, incoming, renew=renew, desk=desk)
        if draft.offset < upload.length:
            draft.pause()
            return _note(upload, draft.offset, desk=desk)
        stored = _finished(draft, upload, desk)
    return _keep(upload, stored, desk=desk)


def checked(chunks: Iterable[bytes], algorithm: str, digest: bytes, *, desk: Desk) -> Iterator[bytes]:
    """Yield a piece once all of it has come and is what its checksum says. Raises ChecksumMismatch; nothing of it is kept."""
    return verified(chunks, algorithm, digest, desk.settings.upload_dir)


def _pour(
    draft: Draft, upload: Upload, offset: int, incoming: Incoming, *, renew: Callable[[], None], desk: Desk
) -> None:
    """Write a piece. A draft that has lost what it had takes its row with it; any other is kept as far as it came."""
    is_known = False
    try:
        _check_offset(offset, draft.offset)
        for chunk in incoming.chunks:
            _check_room(upload, draft.offset + len(chunk))
            with _forgetting(upload, desk), _abandoning(draft):
                draft.write(chunk)
                is_known = is_known or _check_type(draft, upload)
            renew()
    except BaseException:
        draft.pause()
        _note(upload, draft.offset, desk=desk)
        raise


def _check_type(draft: Draft, upload: Upload) -> bool:
    """Tell whether enough has come to know the type, if it came in one go. Raises Invalid: it is none that is taken."""
    is_known = len(draft.head) >= HEAD_BYTES
    if is_known:
        files.recognised(draft.head, upload.filename, upload.use)
    return is_known


def _finished(draft: Draft, upload: Upload, desk: Desk) -> StoredFile:
    with _forgetting(upload, desk), _abandoning(draft):
        if draft.head:
            files.refuse_bomb(files.recognised(draft.head, upload.filename, upload.use), draft.head)
        return draft.finish()


def _keep(upload: Upload, stored: StoredFile, *, desk: Desk) -> Upload:
    """Say what a file is that is whole, and count its content; what is refused leaves nothing."""
    home, now = files.storage(desk.settings), desk.clock()
    with files.discarding(home, stored.sha256, now=now), _forgetting(upload, desk):
        return _finish(upload, files.examine(home, stored, upload.filename, upload.use), desk=desk)


@use_case
def _finish(upload: Upload, received: Received, *, desk: Desk) -> Upload:
    now = desk.clock()
    with transaction() as session:
        files.keep(session, files.storage(desk.settings), received.stored, now=now)
        facts = {"sha256": received.stored.sha256, "name": received.name, "media_type": received.kind.media_type}
        if not uploads.finish(session, upload.id, **facts, until=now + UPLOAD_LASTS):
            raise NotFound("There is no such upload.")
        return uploads.get_upload(session, upload.name, now=now)


@use_case
def _note(upload: Upload, offset: int, *, desk: Desk) -> Upload:
    until = desk.clock() + UPLOAD_LASTS
    with transaction() as session:
        uploads.note_received(session, upload.id, offset, until=until)
    return replace(upload, received=offset, leased=0, expires=int(until.timestamp()))


@contextmanager
def _abandoning(draft: Draft) -> Iterator[None]:
    try:
        yield
    except DomainError:
        draft.abandon()
        raise


@contextmanager
def _forgetting(upload: Upload, desk: Desk) -> Iterator[None]:
    """Delete the upload's row where the block is refused: its draft is gone, or nobody can do anything with it."""
    try:
        yield
    except DomainError:
        forget(upload, desk=desk)
        raise


def _lease(upload: Upload, desk: Desk) -> Callable[[], None]:
    """Let no other request write; return what is to be called now and then meanwhile.

    A local home locks the draft itself, and a lock ends with its process: a lease would keep the next try out for a minute.
    """
    if not desk.settings.s3_endpoint:
        return lambda: None
    _take_lease(upload, desk)
    due = desk.clock() + _RENEW_AFTER

    def renew() -> None:
        nonlocal due
        if desk.clock() >= due:
            _renew_lease(upload, desk)
            due = desk.clock() + _RENEW_AFTER

    return renew


@use_case
def _take_lease(upload: Upload, desk: Desk) -> None:
    now = desk.clock()
    with transaction() as session:
        if not uploads.lease(session, upload.id, now=now, until=now + _LEASE):
            raise UploadLocked(LOCKED)


@use_case
def _renew_lease(upload: Upload, desk: Desk) -> None:
    with transaction() as session:
        if not uploads.renew_lease(session, upload.id, until=desk.clock() + _LEASE):
            raise NotFound("There is no such upload.")


def _check_offset(given: int, true: int) -> None:
    if given != true:
        raise Conflict(f"The upload has {true} bytes: go on from there.")


def _check_room(upload: Upload, end: int) -> None:
    if end > upload.length:
        raise TooLarge(f"More than the announced {upload.length} bytes came.")
