"""``flask outbox``: messages that are owed to somebody."""

from __future__ import annotations

from collections.abc import Sequence

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.operator import clock, operator
from app.cli.output import print_json, print_table
from app.domain.times import rfc3339
from app.persistence.deliveries import Delivery
from app.persistence.outbox import STATUSES
from app.persistence.outbox_desk import Wanted
from app.persistence.outbox_queue import CHANNELS
from app.services import outbox as use_cases
from app.services import outbox_desk as desk
from app.services.outbox_desk import ShownMessage

MOST_LISTED = 10_000

group = AppGroup("outbox", help="Messages that are owed to somebody: drain, list, show, retry, cancel.")


@group.command("drain")
@click.option(
    "--seconds", type=click.IntRange(1, 3600), default=50, show_default=True, help="Begin no message after so long."
)
def drain(seconds: int) -> None:
    """Send what is due.

    Each process that answers requests does this too; what could not be sent then is left for this, and for
    `cron`: any number of these may run at once.
    """
    settings = current_app.extensions["settings"]
    sent = use_cases.drain(settings, clock=clock, budget_seconds=seconds)
    click.echo(f"sent {sent} {'message' if sent == 1 else 'messages'}")


@group.command("list")
@click.option("--status", type=click.Choice(STATUSES), default=None, help="Only messages in this state.")
@click.option("--channel", type=click.Choice(CHANNELS), default=None, help="Only messages that go this way.")
@click.option("--topic", default="", help="Only messages of this topic: booking.confirmed.")
@click.option("--about", default="", help="Only messages that tell of this: booking:2345678CFG.")
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=100, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC.")
def list_(status: str | None, channel: str | None, topic: str, about: str, limit: int, *, as_json: bool) -> None:
    """List messages, the newest first.

    What they say is sealed, and not shown. A dead one was given up; a void one is never sent.
    """
    wanted = Wanted(status or "", channel or "", topic, about)
    found = desk.list_messages(current_app.extensions["settings"], wanted, by=operator(), limit=limit + 1)
    _print_messages(found[:limit], as_json=as_json)
    if len(found) > limit:
        click.echo(f"there are more than these {limit}: raise --limit, or say --status", err=True)


@group.command("show")
@click.argument("message_id", type=int)
def show(message_id: int) -> None:
    """Show a message by the number that `list` gives it, and each try to send it, the last one first."""
    message, deliveries = desk.get_message(current_app.extensions["settings"], message_id, by=operator())
    _print_messages([message], as_json=False)
    click.echo()
    print_table(("tried", "outcome", "milliseconds", "detail"), map(_try, deliveries))


@group.command("retry")
@click.argument("message_id", type=int)
@click.option("--to", default=None, help="To another address; of messages about bookings alone.")
def retry(message_id: int, to: str | None) -> None:
    """Send a message that waits or was given up with the next `drain`."""
    settings = current_app.extensions["settings"]
    message = desk.retry(settings, message_id, to=to, by=operator(), now=clock())
    click.echo(f"message {message_id} goes to {message.to or 'whom it concerns'} with the next drain")


@group.command("cancel")
@click.argument("message_id", type=int)
def cancel(message_id: int) -> None:
    """Never send a message that waits or was given up; what it says is wiped."""
    desk.cancel(current_app.extensions["settings"], message_id, by=operator(), now=clock())
    click.echo(f"message {message_id} is never sent")


def _print_messages(found: Sequence[ShownMessage], *, as_json: bool) -> None:
    if as_json:
        print_json([_document(message) for message in found])
        return
    headers = ("id", "topic", "channel", "status", "attempts", "made", "due", "to", "about", "last error")
    print_table(headers, map(_row, found))


def _document(message: ShownMessage) -> dict[str, object]:
    entry = message.entry
    return {
        "id": entry.id,
        "topic": entry.topic,
        "channel": entry.channel,
        "status": entry.status,
        "attempts": entry.attempts,
        "due_at": entry.due_at,
        "to": message.to,
        "about": entry.about,
        "last_error": entry.last_error,
        "created_at": entry.created_at,
        "sent_at": entry.sent_at,
    }


def _row(message: ShownMessage) -> tuple[object, ...]:
    entry = message.entry
    due = "" if entry.due_at is None else rfc3339(entry.due_at)
    state = (entry.id, entry.topic, entry.channel, entry.status, entry.attempts)
    return (*state, rfc3339(entry.created_at), due, message.to, entry.about, entry.last_error)


def _try(delivery: Delivery) -> tuple[object, ...]:
    return rfc3339(delivery.at), delivery.outcome, delivery.milliseconds, delivery.detail
