"""``flask webhooks``: servers that are told of bookings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.operator import clock, operator
from app.cli.output import print_json, print_table
from app.domain.times import rfc3339
from app.domain.webhooks import EVENTS, Webhook
from app.persistence import webhook_deliveries
from app.persistence import webhooks as stored
from app.persistence.catalogue import list_catalogue
from app.persistence.session import reading
from app.persistence.webhook_deliveries import Delivery
from app.runtime.settings import Settings
from app.services import webhook_desk as desk
from app.services.blackouts import find_place
from app.services.webhook_desk import WebhookWish

MOST_LISTED = 100
_BEFORE_ANY = 10**18

group = AppGroup(
    "webhooks", help="Servers that are told of bookings: list, add, show, remove, rotate, test, deliveries, replay."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC.")
_which = click.argument("webhook_id", type=click.IntRange(1, 2**62), metavar="ID")


@group.command("list")
@_json
def list_(*, as_json: bool) -> None:
    """List webhooks in the order they were made."""
    found = stored.list_webhooks(reading(), limit=MOST_LISTED)
    if as_json:
        print_json(found)
    else:
        print_table(("id", "state", "venue", "url", "events", "description", "last error"), _rows(found))


@group.command("add")
@click.argument("url")
@click.option(
    "--event",
    "events",
    required=True,
    multiple=True,
    type=click.Choice(EVENTS),
    metavar="EVENT",
    help=f"What it is told of: {', '.join(EVENTS)}. Again for more.",
)
@click.option("--description", default="", help="What it is for.")
@click.option("--venue", default="", metavar="SLUG", help="Of one venue instead of all.")
@_json
def add(url: str, events: tuple[str, ...], description: str, venue: str, *, as_json: bool) -> None:
    """Add a webhook and print its secret, this once.

    URL begins with https://, and its server must be one of the internet: WEBHOOK_ALLOWED_NETWORKS names others.
    """
    venue_id = find_place(venue).venue_id if venue else None
    wish = WebhookWish(url, events, description, venue_id)
    secret, made = desk.add(_settings(), wish, by=operator(), now=clock())
    _print_secret(secret, made, f"added webhook {made.id} to {made.url}", as_json=as_json)


@group.command("show")
@_which
@_json
def show(webhook_id: int, *, as_json: bool) -> None:
    """Show one webhook."""
    found = stored.get_webhook(reading(), webhook_id)
    if as_json:
        print_json(found)
    else:
        values = {**asdict(found), "events": " ".join(found.events)}
        print_table(("field", "value"), values.items())


@group.command("remove")
@_which
def remove(webhook_id: int) -> None:
    """Remove a webhook; what was still to be sent to it is not sent any more."""
    desk.remove(webhook_id, by=operator(), now=clock())
    click.echo(f"removed webhook {webhook_id}")


@group.command("rotate")
@_which
@_json
def rotate(webhook_id: int, *, as_json: bool) -> None:
    """Give a webhook another secret and print it, this once.

    For a day messages carry a signature with either.
    """
    secret, changed = desk.rotate_secret(_settings(), webhook_id, by=operator(), now=clock())
    _print_secret(secret, changed, f"webhook {webhook_id} has another secret", as_json=as_json)


@group.command("test")
@_which
def test(webhook_id: int) -> None:
    """Queue a message of the event webhook.test; 'flask outbox drain' or cron sends it."""
    message_id = desk.send_test(webhook_id, by=operator(), now=clock())
    click.echo(f"queued message {message_id}; 'flask webhooks deliveries {webhook_id}' tells how it went")


@group.command("deliveries")
@_which
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=20, show_default=True, help="At most so many.")
@_json
def deliveries(webhook_id: int, limit: int, *, as_json: bool) -> None:
    """List what was sent to a webhook, or is still to be, the newest first."""
    stored.get_webhook(reading(), webhook_id)
    found = webhook_deliveries.list_deliveries(reading(), webhook_id, cursor=_BEFORE_ANY, limit=limit)
    if as_json:
        print_json(found)
    else:
        headers = ("id", "event", "about", "status", "attempts", "made", "last try", "milliseconds", "last error")
        print_table(headers, map(_delivery, found))


@group.command("replay")
@_which
@click.argument("delivery_id", type=click.IntRange(1, 2**62), metavar="DELIVERY")
def replay(webhook_id: int, delivery_id: int) -> None:
    """Queue a message once more, as it was and under the same id.

    DELIVERY is the first column of 'webhooks deliveries'.
    """
    desk.replay(webhook_id, delivery_id, by=operator(), now=clock())
    click.echo(f"queued delivery {delivery_id} again")


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def _print_secret(secret: str, webhook: Webhook, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"secret": secret, "webhook": webhook})
        return
    click.echo(what)
    click.echo(secret)
    click.echo("Keep it now: it is not shown again. The receiver checks signatures with it.")


def _rows(found: list[Webhook]) -> Iterator[tuple[object, ...]]:
    venues = {venue.id: venue.entry.slug for venue in list_catalogue(reading()).values()}
    for one in found:
        venue = "(all)" if one.venue_id is None else venues[one.venue_id]
        yield one.id, _state(one), venue, one.url, ",".join(one.events), one.description, one.last_error


def _state(webhook: Webhook) -> str:
    if not webhook.active:
        return "off"
    return f"failing since {rfc3339(webhook.failing_since)}" if webhook.failing_since else "on"


def _delivery(one: Delivery) -> tuple[object, ...]:
    last = one.tries[-1] if one.tries else None
    tried = (rfc3339(last.at), last.milliseconds) if last else ("", "")
    return one.id, one.event, one.about, one.status, one.attempts, rfc3339(one.created_at), *tried, one.last_error
