"""What admins do with webhooks: add, change and remove them, renew a secret, try one out, send something again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from app.domain.actors import Actor
from app.domain.errors import Conflict, NotFound, VersionMismatch
from app.domain.times import rfc3339
from app.domain.webhooks import MOST_WEBHOOKS, TEST, Webhook, check_description, check_events, check_url
from app.persistence import listings, webhook_deliveries
from app.persistence import webhooks as stored
from app.persistence.audit import add_audit
from app.persistence.session import Session, transaction, use_case
from app.runtime.settings import Settings
from app.services.webhook_secrets import make_secret, seal_next, seal_secret, show_secret
from app.services.webhooks import owed


@dataclass(frozen=True, slots=True)
class WebhookWish:
    """A webhook as somebody wants it; ``venue_id`` None is every venue."""

    url: str
    events: Sequence[str]
    description: str = ""
    venue_id: int | None = None


@dataclass(frozen=True, slots=True)
class WebhookChanges:
    """What is to be different; what is None stays."""

    url: str | None = None
    events: Sequence[str] | None = None
    description: str | None = None
    active: bool | None = None


@use_case
def add(settings: Settings, wish: WebhookWish, *, by: Actor, now: datetime) -> tuple[str, Webhook]:
    """Add a webhook and return its secret, told this once, and the webhook.

    Raises:
        Invalid: the address, an event or the description cannot be used. NotFound: there is no such venue.
        Conflict: there are as many as there may be.
    """
    row = {
        "url": check_url(wish.url, allowed=settings.webhook_allowed_networks),
        "events": " ".join(check_events(wish.events)),
        "description": check_description(wish.description),
        "venue_id": wish.venue_id,
    }
    key = make_secret()
    with transaction() as session:
        if wish.venue_id is not None and not listings.has_place(session, wish.venue_id, None):
            raise NotFound(f"There is no venue {wish.venue_id}.")
        if stored.count_webhooks(session) >= MOST_WEBHOOKS:
            raise Conflict(f"There are {MOST_WEBHOOKS} webhooks already: remove one first.")
        webhook_id = stored.add_webhook(session, row, now=now)
        stored.seal_secret(session, webhook_id, seal_secret(settings, webhook_id, key), now=now)
        add_audit(session, "webhook.added", f"webhook:{webhook_id}", by=by, now=now, **row)
        return show_secret(key), stored.get_webhook(session, webhook_id)


@use_case
def change(
    settings: Settings, webhook_id: int, to: WebhookChanges, *, version: int | None = None, by: Actor, now: datetime
) -> Webhook:
    """Change a webhook; one that is switched on again, or leads elsewhere, begins without failures.

    Raises:
        NotFound: there is none of that number. VersionMismatch: it has changed since it was read.
        Invalid: the address, an event or the description cannot be used.
    """
    with transaction() as session:
        before = _lock(session, webhook_id, version)
        after = _changed(settings, before, to)
        if after != before:
            stored.change_webhook(session, after, now=now)
            add_audit(session, "webhook.changed", f"webhook:{webhook_id}", by=by, now=now, **_difference(before, after))
        return stored.get_webhook(session, webhook_id)


@use_case
def remove(webhook_id: int, *, version: int | None = None, by: Actor, now: datetime) -> None:
    """Remove a webhook; what was still to be sent to it is not sent any more.

    Raises:
        NotFound: there is none of that number. VersionMismatch: it has changed since it was read.
    """
    with transaction() as session:
        before = _lock(session, webhook_id, version)
        webhook_deliveries.leave_webhook(session, webhook_id)
        stored.delete_webhook(session, webhook_id)
        add_audit(session, "webhook.removed", f"webhook:{webhook_id}", by=by, now=now, url=before.url)


@use_case
def rotate_secret(settings: Settings, webhook_id: int, *, by: Actor, now: datetime) -> tuple[str, Webhook]:
    """Give a webhook another secret and return it, told this once; the one so far signs beside it for a day.

    Raises:
        NotFound: there is none of that number.
    """
    key = make_secret()
    with transaction() as session:
        stored.lock_webhook(session, webhook_id)
        endpoint = stored.find_endpoint(session, webhook_id)
        if endpoint is None:
            raise NotFound("There is no such webhook.")
        sealed = seal_next(settings, webhook_id, endpoint.secret_sealed, key, now=now)
        stored.seal_secret(session, webhook_id, sealed, now=now)
        add_audit(session, "webhook.secret_rotated", f"webhook:{webhook_id}", by=by, now=now)
        return show_secret(key), stored.get_webhook(session, webhook_id)


@use_case
def send_test(webhook_id: int, *, by: Actor, now: datetime) -> str:
    """Owe a webhook a message that says nothing, and return its id; how it went is told by its deliveries.

    Raises:
        NotFound: there is none of that number. Conflict: it is switched off.
    """
    payload = {"type": TEST, "timestamp": rfc3339(now), "data": {"webhook_id": webhook_id}}
    row = owed(webhook_id, TEST, msgspec.json.encode(payload).decode(), now=now)
    with transaction() as session:
        _check_active(stored.lock_webhook(session, webhook_id))
        stored.add_owed(session, [row])
        add_audit(session, "webhook.tested", f"webhook:{webhook_id}", by=by, now=now)
    return str(row["message_id"])


@use_case
def replay(webhook_id: int, delivery_id: int, *, by: Actor, now: datetime) -> None:
    """Send a message once more, as it was, under its id: a receiver that has it already knows it by that.

    Raises:
        NotFound: there is no such webhook or delivery. Conflict: the webhook is switched off, or it is on its way already.
    """
    with transaction() as session:
        _check_active(stored.lock_webhook(session, webhook_id))
        webhook_deliveries.send_again(session, webhook_id, delivery_id, now=now)
        add_audit(session, "webhook.replayed", f"webhook:{webhook_id}", by=by, now=now, delivery_id=delivery_id)


def _lock(session: Session, webhook_id: int, version: int | None) -> Webhook:
    found = stored.lock_webhook(session, webhook_id)
    if version is not None and version != found.version:
        raise VersionMismatch(f"The webhook is at version {found.version} by now; read it again.")
    return found


def _changed(settings: Settings, before: Webhook, to: WebhookChanges) -> Webhook:
    after = replace(
        before,
        url=before.url if to.url is None else check_url(to.url, allowed=settings.webhook_allowed_networks),
        events=before.events if to.events is None else check_events(to.events),
        description=before.description if to.description is None else check_description(to.description),
        active=before.active if to.active is None else to.active,
    )
    begins_anew = after.url != before.url or (after.active and not before.active)
    return replace(after, failing_since=None, last_error="") if begins_anew else after


def _difference(before: Webhook, after: Webhook) -> dict[str, object]:
    names = ("url", "events", "description", "active")
    return {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}


def _check_active(webhook: Webhook) -> None:
    if not webhook.active:
        raise Conflict("The webhook is switched off: switch it on first.")
