"""A counter where files are handed over: a booking, an installation with small limits, and what lies where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from app.domain.actors import Actor
from app.domain.attachments import Attachment, Upload
from app.domain.bookings import Booking
from app.persistence.idempotency import IdempotencyKey
from app.runtime.settings import Settings
from app.services import attachments, upload_pieces, uploads
from app.services.bookings import Access
from app.services.files import Incoming
from app.services.uploads import NewUpload, Uploader
from tests.services.desk import Desk, at, holder

MIB = 1024 * 1024
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\2\0\0\0\1\x08\x02\0\0\0"


def png(number: int = 0, length: int = 100, *, width: int = 2, height: int = 1) -> bytes:
    """Return a PNG as far as its header goes, unlike that of any other number."""
    head = PNG[:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + PNG[24:]
    return head + number.to_bytes(8, "big") * ((length - len(head)) // 8 + 1)


class Counter:
    """Whoever stands there has a booking, and the time ``now``."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self.desk, self.settings, self.now = desk, settings, desk.now
        self.booking = self.book("10:00")
        self.replayed = False

    def book(self, clock: str) -> Booking:
        return self.desk.book(self.desk.room_service(), at(clock))

    @property
    def place(self) -> attachments.Desk:
        return attachments.Desk(self.settings, lambda: self.now)

    def attach(
        self,
        content: bytes | Iterable[bytes] = b"",
        name: str = "a.png",
        *,
        access: Access | None = None,
        booking: Booking | None = None,
        key: IdempotencyKey | None = None,
    ) -> Attachment:
        booking = booking or self.booking
        chunks = [content or png()] if isinstance(content, bytes) else content
        made, self.replayed = attachments.attach(
            booking.ref,
            Incoming(name, chunks),
            access=access or holder(booking),
            desk=self.place,
            key_of=lambda what: key and replace(key, body_hash=f"{hash(what):x}"),
        )
        return made

    def detach(self, attachment: Attachment, access: Access | None = None, booking: Booking | None = None) -> None:
        booking = booking or self.booking
        attachments.detach(booking.ref, attachment.id, access=access or holder(booking), desk=self.place)

    def names(self, booking: Booking | None = None) -> list[str]:
        booking = booking or self.booking
        return [found.name for found in attachments.list_for(booking.ref, holder(booking))]

    @property
    def who(self) -> Uploader:
        return Uploader(Actor("holder"), "guest", holder(self.booking).token)

    def begin(self, length: int, who: Uploader | None = None, *, ref: str | None = None, name: str = "a.png") -> Upload:
        new = NewUpload(length, name, "attachment", self.booking.ref if ref is None else ref)
        return uploads.create(new, who=who or self.who, desk=self.place)

    def go_on(self, upload: Upload, offset: int, chunks: bytes | Iterable[bytes]) -> Upload:
        found = uploads.get_own(upload.name, who=self.who, desk=self.place)
        incoming = Incoming("", [chunks] if isinstance(chunks, bytes) else chunks)
        return upload_pieces.append(found, offset, incoming, desk=self.place)

    def offset(self, upload: Upload) -> int:
        found = uploads.get_own(upload.name, who=self.who, desk=self.place)
        return uploads.offset_of(found, desk=self.place)

    def attach_upload(self, upload: Upload, access: Access | None = None) -> Attachment:
        access = access or holder(self.booking)
        return attachments.attach_upload(
            self.booking.ref,
            upload.name,
            owns=lambda found: uploads.owns(found, self.who),
            access=access,
            desk=self.place,
            key=None,
        )[0]

    def pass_hours(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    def lying(self, folder: str = "content") -> list[Path]:
        """Return the files below a folder of the store."""
        return sorted(path for path in (self.settings.upload_dir / folder).rglob("*") if path.is_file())


def customer(user_id: int) -> Access:
    return Access(Actor("customer", user_id=user_id))


def staff() -> Access:
    return Access(Actor("admin", user_id=None))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
