"""Tell other servers of bookings: what is owed to each, signed and sent, and endpoints that fail for days switched off."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec

from app.domain.actors import Actor
from app.domain.bookings import Booking
from app.domain.errors import Busy
from app.domain.times import rfc3339
from app.domain.webhooks import GIVE_UP_AFTER, booking_payload
from app.gateways import webhooks as gateway
from app.gateways.errors import DeliveryFailed
from app.gateways.webhooks import EndpointGone, Signed
from app.persistence import webhooks as stored
from app.persistence.audit import add_audit
from app.persistence.outbox import OwedMessage
from app.persistence.session import Session, give_connection_back, reading, transaction, use_case
from app.persistence.webhooks import Endpoint
from app.runtime import logs
from app.runtime.settings import Settings
from app.services.webhook_secrets import open_secrets

PRIORITY = 6
_SENDER = Actor("operator", "webhooks")


def add_deliveries(session: Session, message: OwedMessage, booking: Booking, *, now: datetime) -> int:
    """Owe an event to every webhook that is to be told of it, and return to how many; two statements, however many there are."""
    told = stored.list_told(session, booking.venue_id, message.topic)
    if not told:
        return 0
    details: Mapping[str, Any] = msgspec.json.decode(message.details) if message.details else {}
    payload = booking_payload(message.topic, booking, details, at=rfc3339(message.created_at))
    text = msgspec.json.encode(payload).decode()
    rows = [
        owed(
            webhook_id,
            message.topic,
            text,
            now=now,
            venue_id=booking.venue_id,
            object=f"booking:{booking.ref}",
            dedupe=f"{message.message_id}:webhook:{webhook_id}",
        )
        for webhook_id in told
    ]
    stored.add_owed(session, rows)
    return len(rows)


def owed(webhook_id: int, topic: str, text: str, *, now: datetime, **values: object) -> dict[str, Any]:
    """Return the row of what is owed to a webhook; *text* is sent as it stands, under the same id at every attempt."""
    fixed = {"venue_id": None, "object": f"webhook:{webhook_id}", "dedupe": None}
    return {
        **fixed,
        **values,
        "webhook_id": webhook_id,
        "topic": topic,
        "details": text,
        "message_id": secrets.token_hex(16),
        "priority": PRIORITY,
        "due": int(now.timestamp()),
        "created_at": now,
    }


def deliver(settings: Settings, message: OwedMessage, *, now: datetime) -> None:
    """Send a message to its webhook, signed now; no connection to the database is held meanwhile.

    Raises:
        DeliveryFailed: it was not taken. SealBroken: its secret cannot be opened.
    """
    endpoint = _endpoint(message)
    keys = open_secrets(settings, endpoint.id, endpoint.secret_sealed, now=now)
    signed = Signed(message.message_id, int(now.timestamp()), (message.details or "").encode(), keys)
    give_connection_back()
    try:
        gateway.post(endpoint.url, signed, allowed=settings.webhook_allowed_networks)
    except DeliveryFailed as error:
        is_over = isinstance(error, EndpointGone)
        with _not_noted():
            _note_failure(endpoint.id, str(error), failing_before=now if is_over else now - GIVE_UP_AFTER, now=now)
        raise
    if endpoint.failing_since is not None:
        with _not_noted():
            _note_success(endpoint.id)


@contextmanager
def _not_noted() -> Iterator[None]:
    """Go on when the database cannot be reached: a message that was taken would go out again, just to be noted."""
    try:
        yield
    except Busy as error:
        logs.warning("webhook_not_noted", reason=error.detail)


def _endpoint(message: OwedMessage) -> Endpoint:
    found = None if message.webhook_id is None else stored.find_endpoint(reading(), message.webhook_id)
    if found is None:
        raise DeliveryFailed("the webhook has been removed", permanent=True)
    if not found.active:
        raise DeliveryFailed("the webhook is switched off", permanent=True)
    return found


@use_case
def _note_success(webhook_id: int) -> None:
    with transaction() as session:
        stored.note_success(session, webhook_id)


@use_case
def _note_failure(webhook_id: int, error: str, *, failing_before: datetime, now: datetime) -> None:
    """Note a failure, and send no more to an endpoint that has failed since then or longer."""
    with transaction() as session:
        stored.note_failure(session, webhook_id, error=error, now=now)
        if stored.switch_off(session, webhook_id, failing_before=failing_before, now=now):
            logs.warning("webhook_switched_off", webhook_id=webhook_id, reason=error)
            add_audit(session, "webhook.switched_off", f"webhook:{webhook_id}", by=_SENDER, now=now, reason=error)
