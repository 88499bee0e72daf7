"""A desk with webhooks for tests: messages as a sender claims them, and a receiver that is really there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

import msgspec
from sqlalchemy import Engine, Row, select

from app.domain.bookings import Booking
from app.domain.webhooks import Webhook
from app.persistence import tables
from app.persistence.outbox import OwedMessage
from app.persistence.session import transaction
from app.runtime.settings import Settings
from app.services import webhook_desk, webhooks
from app.services.webhook_desk import WebhookWish
from tests.gateways.receivers import LOOPBACK, Receiver, running
from tests.services.desk import OPERATOR, Desk, at

URL = "https://hooks.example.org/slotkeeper"
MADE = "booking.made"


def _now() -> datetime:
    """Return the time, read for each test: the reference library's own clock refuses a message older than five minutes."""
    return datetime.now(timezone.utc).replace(microsecond=0)


@dataclass
class Town:
    """A venue with a room, its webhooks and what is owed to them; ``settings`` allow this machine."""

    engine: Engine
    settings: Settings
    desk: Desk
    now: datetime = field(default_factory=_now)

    def add(self, url: str = URL, *events: str, **values: Any) -> tuple[str, Webhook]:
        wish = WebhookWish(url, events or (MADE,), **values)
        return webhook_desk.add(self.settings, wish, by=OPERATOR, now=self.now)

    def booking(self) -> Booking:
        made: Booking = self.desk.book(self.desk.room_service(), at("10:00"))
        return made

    def tell(self, booking: Booking, event: str = MADE, details: dict[str, Any] | None = None) -> int:
        """Owe an event to whoever is to be told of it, and return to how many."""
        with transaction() as session:
            message = event_of(booking, event, details or {}, at=self.now)
            return webhooks.add_deliveries(session, message, booking, now=self.now)

    def rows(self, table: str = "outbox") -> list[Row[Any]]:
        found = tables.metadata.tables[table]
        with self.engine.connect() as connection:
            return list(connection.execute(select(found).order_by(found.c.id)))

    def owed(self) -> list[Row[Any]]:
        return [row for row in self.rows() if row.channel == "webhook"]

    def deliver(self, row: Row[Any], now: datetime | None = None) -> None:
        """Send a row as a sender does that has claimed it."""
        webhooks.deliver(self.settings, claimed(row), now=now or self.now)

    def webhook(self) -> Row[Any]:
        return self.rows("webhooks")[-1]

    def actions(self) -> list[str]:
        return [row.action for row in self.rows("audit_log") if row.action.startswith("webhook.")]


def make_town(engine: Engine, settings: Settings) -> Town:
    return Town(engine, replace(settings, webhook_allowed_networks=LOOPBACK), Desk(engine))


@contextmanager
def receiving(town: Town, answer: bytes | None = None, *events: str) -> Iterator[tuple[str, Receiver]]:
    """Run a receiver with a webhook of its own, and give its secret."""
    receiver = Receiver() if answer is None else Receiver(answer)
    with running(receiver) as port:
        secret, _ = town.add(f"http://127.0.0.1:{port}/hook", *events)
        yield secret, receiver


def event_of(booking: Booking, event: str, details: dict[str, Any], *, at: datetime) -> OwedMessage:
    values = {"id": 1, "topic": event, "channel": "event", "message_id": "e" * 32, "object": f"booking:{booking.ref}"}
    return message_of({**values, "details": msgspec.json.encode(details).decode(), "created_at": at})


def claimed(row: Row[Any]) -> OwedMessage:
    return message_of({**row._mapping, "attempts": row.attempts + 1})


def message_of(values: dict[str, Any]) -> OwedMessage:
    """Return a message with these values, and nothing in the rest of its fields."""
    names = list(OwedMessage.__dataclass_fields__)
    blank = {"sealed": "", "expires": None, "attempts": 1, "priority": 6, "webhook_id": None, "venue_id": None}
    return OwedMessage(**{name: {**blank, **values}[name] for name in names})
