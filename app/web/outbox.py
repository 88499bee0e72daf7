"""Messages that are owed, were sent, or could not be, for staff and admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from app.domain.times import rfc3339
from app.persistence.deliveries import Delivery
from app.persistence.outbox_desk import Wanted
from app.services import outbox_desk as desk
from app.services.outbox_desk import ShownMessage
from app.web.actors import actor
from app.web.context import now, settings
from app.web.pages import Page, page_of

Status = Annotated[str, Meta(pattern="^(queued|sent|dead|expired|void)$")]
Channel = Annotated[str, Meta(pattern="^(event|email|sms|whatsapp|webhook)$")]
Topic = Annotated[str, Meta(pattern="^[a-z_.]{1,64}$", description="Such as `booking.confirmed`.")]
About = Annotated[str, Meta(max_length=64, description="What they tell of: `booking:2345678CFG`.")]


class OutboxQuery(Page, kw_only=True, forbid_unknown_fields=True):
    """Which messages."""

    status: Status | None = None
    channel: Channel | None = None
    topic: Topic | None = None
    about: About | None = None


class MessageView(Struct):
    """A message. `to` is masked, and empty once it was sent. A `dead` one was given up, a `void` one is never sent."""

    id: int
    topic: str
    channel: str
    venue_id: int | None
    webhook_id: int | None
    about: str
    to: str
    status: str
    attempts: int
    due_at: str | None
    last_error: str
    created_at: str
    sent_at: str | None


class OutboxView(Struct):
    """A page of messages, the newest first."""

    items: list[MessageView]
    next_cursor: str | None


class DeliveryTryView(Struct):
    """A try to send: `sent`, `failed` (it may be tried again) or `refused`, and how long it took."""

    at: str
    outcome: str
    detail: str
    milliseconds: int


class MessageWithTries(MessageView):
    """A message, and the tries to send it, the last one first."""

    deliveries: list[DeliveryTryView]


class Retry(Struct, kw_only=True, forbid_unknown_fields=True):
    """Where to send it, if not to where it was to go."""

    to: Annotated[str, Meta(max_length=254)] | None = None


def list_all(query: OutboxQuery) -> OutboxView:
    """List messages; staff see those of their part of the house."""
    wanted = Wanted(query.status or "", query.channel or "", query.topic or "", query.about or "")
    found = desk.list_messages(settings(), wanted, by=actor(), cursor=query.after, limit=query.limit + 1)
    return OutboxView(*page_of(found, query, _view, lambda message: message.entry.id))


def read(outbox_id: int) -> MessageWithTries:
    """Read a message, with each try to send it."""
    message, deliveries = desk.get_message(settings(), outbox_id, by=actor())
    return MessageWithTries(**_columns(message), deliveries=[_try(delivery) for delivery in deliveries])


def retry(outbox_id: int, body: Retry) -> MessageView:
    """Send a message that waits or was given up again, now; to another address, if it is about a booking."""
    return _view(desk.retry(settings(), outbox_id, to=body.to, by=actor(), now=now()))


def cancel(outbox_id: int) -> MessageView:
    """Never send a message that waits or was given up."""
    return _view(desk.cancel(settings(), outbox_id, by=actor(), now=now()))


def _view(message: ShownMessage) -> MessageView:
    return MessageView(**_columns(message))


def _columns(message: ShownMessage) -> dict[str, Any]:
    found = message.entry
    return {
        "id": found.id,
        "topic": found.topic,
        "channel": found.channel,
        "venue_id": found.venue_id,
        "webhook_id": found.webhook_id,
        "about": found.about,
        "to": message.to,
        "status": found.status,
        "attempts": found.attempts,
        "due_at": _instant(found.due_at),
        "last_error": found.last_error,
        "created_at": rfc3339(found.created_at),
        "sent_at": _instant(found.sent_at),
    }


def _try(delivery: Delivery) -> DeliveryTryView:
    return DeliveryTryView(rfc3339(delivery.at), delivery.outcome, delivery.detail, delivery.milliseconds)


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
