"""``flask outbox``: messages that are owed to somebody."""

from __future__ import annotations

from collections.abc import Sequence

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.operator import clock
from app.cli.output import print_json, print_table
from app.domain.times import rfc3339
from app.persistence.outbox import STATUSES, OutboxEntry, list_messages
from app.persistence.session import reading
from app.services import outbox as use_cases

MOST_LISTED = 10_000

group = AppGroup("outbox", help="Messages that are owed to somebody: drain, list.")


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
@click.option("--status", type=click.Choice(STATUSES), help="Only messages in this state.")
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=100, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC.")
def list_(status: str | None, limit: int, *, as_json: bool) -> None:
    """List messages, the newest first.

    To whom they go and what they say is sealed, and not shown. A dead one was given up; a void one was never meant
    to be sent.
    """
    found = list_messages(reading(), status=status or "", limit=limit + 1)
    _print_messages(found[:limit], as_json=as_json)
    if len(found) > limit:
        click.echo(f"there are more than these {limit}: raise --limit, or say --status", err=True)


def _print_messages(found: Sequence[OutboxEntry], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    headers = ("id", "topic", "channel", "status", "attempts", "made", "due", "last error")
    rows = (
        (item.id, item.topic, item.channel, item.status, item.attempts, *_times(item), item.last_error)
        for item in found
    )
    print_table(headers, rows)


def _times(item: OutboxEntry) -> tuple[str, str]:
    return rfc3339(item.created_at), "" if item.due_at is None else rfc3339(item.due_at)
