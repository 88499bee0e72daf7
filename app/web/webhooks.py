"""Servers that are told of bookings, for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from app.domain.times import rfc3339
from app.domain.webhooks import Webhook
from app.persistence import webhook_deliveries
from app.persistence import webhooks as stored
from app.persistence.session import reading
from app.persistence.webhook_deliveries import Delivery
from app.services import webhook_desk as desk
from app.services.webhook_desk import WebhookChanges, WebhookWish
from app.web.actors import actor
from app.web.context import now, settings
from app.web.inputs import expected_version
from app.web.pages import Id, Page, page_of

_BEFORE_ANY = 10**18

Url = Annotated[str, Meta(max_length=500, description="Of https; its server must be one of the internet.")]
Events = Annotated[list[str], Meta(min_length=1, max_length=20, description="`booking.made` and its like.")]
Description = Annotated[str, Meta(max_length=800)]


class NewWebhook(Struct, kw_only=True, forbid_unknown_fields=True):
    """A webhook to be added: where to, which events, and of which venue."""

    url: Url
    events: Events
    description: Description = ""
    venue_id: Annotated[Id | None, Meta(description="Every venue, if left out.")] = None


class WebhookPatch(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to change. A webhook that is made `active` again begins without failures."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class WebhookView(Struct):
    """A webhook without its secret; `failing_since` is when it last began to fail at every try."""

    id: int
    venue_id: int | None
    url: str
    description: str
    events: list[str]
    active: bool
    failing_since: str | None
    last_error: str
    version: int
    created_at: str
    updated_at: str


class MadeWebhook(Struct):
    """The secret, told this once, and the webhook."""

    secret: str
    webhook: WebhookView


class WebhooksView(Struct):
    """A page of webhooks, in the order they were made."""

    items: list[WebhookView]
    next_cursor: str | None


class TryView(Struct):
    """One try to send, and how it went."""

    at: str
    outcome: str
    detail: str
    milliseconds: int


class DeliveryView(Struct):
    """A message to a webhook; `webhook_message_id` is sent as `webhook-id`, the same at every try."""

    id: int
    webhook_message_id: str
    event: str
    about: str
    status: str
    attempts: int
    due_at: str | None
    last_error: str
    created_at: str
    sent_at: str | None
    tries: list[TryView]


class DeliveriesView(Struct):
    """A page of deliveries, the newest first."""

    items: list[DeliveryView]
    next_cursor: str | None


class Queued(Struct):
    """What was queued: the `webhook-id` that it will have."""

    webhook_message_id: str


def list_all(query: Page) -> WebhooksView:
    """List webhooks, those that are switched off included."""
    rows = stored.list_webhooks(reading(), cursor=query.after, limit=query.limit + 1)
    return WebhooksView(*page_of(rows, query, _view, lambda webhook: webhook.id))


def add(body: NewWebhook) -> tuple[MadeWebhook, dict[str, str]]:
    """Add a webhook; its secret is told this once."""
    wish = WebhookWish(body.url, body.events, body.description, body.venue_id)
    secret, made = desk.add(settings(), wish, by=actor(), now=now())
    return MadeWebhook(secret, _view(made)), _etag(made)


def read(webhook_id: int) -> tuple[WebhookView, dict[str, str]]:
    """Read a webhook."""
    found = stored.get_webhook(reading(), webhook_id)
    return _view(found), _etag(found)


def change(webhook_id: int, body: WebhookPatch) -> tuple[WebhookView, dict[str, str]]:
    """Change a webhook: its address, events or description, or switch it off or on."""
    to = WebhookChanges(**msgspec.to_builtins(body))  # without what was not said
    changed = desk.change(settings(), webhook_id, to, version=expected_version(), by=actor(), now=now())
    return _view(changed), _etag(changed)


def remove(webhook_id: int) -> None:
    """Remove a webhook; what was still to be sent to it is not sent any more."""
    desk.remove(webhook_id, version=expected_version(), by=actor(), now=now())


def rotate_secret(webhook_id: int) -> tuple[MadeWebhook, dict[str, str]]:
    """Give a webhook another secret, told this once; for a day messages carry a signature with either."""
    secret, changed = desk.rotate_secret(settings(), webhook_id, by=actor(), now=now())
    return MadeWebhook(secret, _view(changed)), _etag(changed)


def test(webhook_id: int) -> Queued:
    """Send a webhook a message of the event `webhook.test`; its deliveries tell how that went."""
    return Queued(desk.send_test(webhook_id, by=actor(), now=now()))


def list_deliveries(webhook_id: int, query: Page) -> DeliveriesView:
    """List what was sent to a webhook, or is still to be, the newest first, with every try."""
    stored.get_webhook(reading(), webhook_id)
    cursor = query.after or _BEFORE_ANY
    rows = webhook_deliveries.list_deliveries(reading(), webhook_id, cursor=cursor, limit=query.limit + 1)
    return DeliveriesView(*page_of(rows, query, _delivery, lambda delivery: delivery.id))


def replay(webhook_id: int, delivery_id: int) -> None:
    """Send a message once more, as it was and under the same `webhook-id`."""
    desk.replay(webhook_id, delivery_id, by=actor(), now=now())


def _view(webhook: Webhook) -> WebhookView:
    return WebhookView(
        id=webhook.id,
        venue_id=webhook.venue_id,
        url=webhook.url,
        description=webhook.description,
        events=list(webhook.events),
        active=webhook.active,
        failing_since=_instant(webhook.failing_since),
        last_error=webhook.last_error,
        version=webhook.version,
        created_at=rfc3339(webhook.created_at),
        updated_at=rfc3339(webhook.updated_at),
    )


def _delivery(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        webhook_message_id=delivery.message_id,
        event=delivery.event,
        about=delivery.about,
        status=delivery.status,
        attempts=delivery.attempts,
        due_at=_instant(delivery.due_at),
        last_error=delivery.last_error,
        created_at=rfc3339(delivery.created_at),
        sent_at=_instant(delivery.sent_at),
        tries=[TryView(rfc3339(one.at), one.outcome, one.detail, one.milliseconds) for one in delivery.tries],
    )


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


def _etag(webhook: Webhook) -> dict[str, str]:
    return {"ETag": f'W/"{webhook.version}"'}
