"""A post room for tests: what has happened becomes letters, and somebody looks into them before they leave."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Row, select

from app.domain.bookings import Booking
from app.persistence import outbox as stored
from app.persistence import tables
from app.persistence.outbox import OwedMessage
from app.persistence.session import transaction
from app.runtime.settings import Settings
from app.services import messages, notices
from tests.services.desk import Desk


@dataclass(frozen=True)
class Letter:
    """One message that is owed."""

    topic: str
    channel: str
    to: str
    fields: dict[str, str]
    language: str
    attach: str
    due: datetime
    expires: datetime | None


class PostRoom:
    """Whoever works there has the desk's time."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self.desk, self.settings = desk, replace(settings, whatsapp_url="none:")

    def rows(self) -> list[Row[Any]]:
        with self.desk.engine.connect() as connection:
            return list(connection.execute(select(tables.outbox).order_by(tables.outbox.c.id)))

    def events(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return what has happened: topic, object and details."""
        return [(row.topic, row.object, json.loads(row.details)) for row in self.rows() if row.channel == "event"]

    def claim(self, claimant: str = "a") -> OwedMessage:
        """Return the first event that nobody has seen to, claimed."""
        first = next(row for row in self.rows() if row.channel == "event" and row.status == "queued")
        with transaction() as session:
            message = stored.claim(session, first.id, claimant, now_seconds=int(self.desk.now.timestamp()))
        assert message is not None
        return message

    def expand(self) -> None:
        """See to every event that is due."""
        while any(row.channel == "event" and row.status == "queued" for row in self.rows()):
            notices.expand(self.settings, self.claim(), "a", now=self.desk.now)

    def letters(self, about: Booking | None = None) -> list[Letter]:
        """Return what is owed to people, in the order in which it was written."""
        self.expand()
        found = [row for row in self.rows() if row.channel in {"email", "sms", "whatsapp"} and row.status == "queued"]
        return [self._letter(row) for row in found if about is None or row.object == f"booking:{about.ref}"]

    def topics(self, about: Booking | None = None) -> list[tuple[str, str]]:
        """Return what is owed, and to whom."""
        return [(letter.topic, letter.to) for letter in self.letters(about)]

    def _letter(self, row: Row[Any]) -> Letter:
        owed = messages.open_owed(self.settings, row.sealed, row.message_id)
        due, expires = (
            None if at is None else datetime.fromtimestamp(at, timezone.utc) for at in (row.due, row.expires)
        )
        assert due is not None
        return Letter(row.topic, row.channel, owed.to, owed.fields, owed.language, owed.attach, due, expires)
