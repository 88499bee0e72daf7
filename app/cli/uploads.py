"""``flask uploads``: files on their way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.operator import clock
from app.cli.output import print_json, print_table
from app.domain.attachments import Upload
from app.domain.times import rfc3339
from app.persistence.session import reading
from app.persistence.uploads import list_uploads
from app.services import uploads_sweep

MOST_LISTED = 10_000

group = AppGroup("uploads", help="Files on their way: sweep what is over, list.")


@group.command("sweep")
def sweep() -> None:
    """Remove what nobody needs.

    Uploads that nobody has gone on with for a day, what a kill has left of others, and files that no booking and no
    resource refers to any more. `cron` does it, too: any number of these may run at once.
    """
    done = uploads_sweep.sweep(current_app.extensions["settings"], clock=clock)
    click.echo(
        f"removed {done.uploads} uploads, {done.drafts} drafts, {done.contents} files given up, {done.strays} stray files"
    )


@group.command("list")
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=100, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC.")
def list_(limit: int, *, as_json: bool) -> None:
    """List uploads that are on their way, or finished and not yet attached.

    Their ids are not shown: an id opens its upload.
    """
    found = list_uploads(reading(), limit=limit + 1)
    _print_uploads(found[:limit], as_json=as_json)
    if len(found) > limit:
        click.echo(f"there are more than these {limit}: raise --limit", err=True)


def _print_uploads(found: Sequence[Upload], *, as_json: bool) -> None:
    headers = ("id", "use", "file", "received", "length", "state", "booking", "user", "expires")
    if as_json:
        print_json([dict(zip(headers, row, strict=True)) for row in _rows(found)])
        return
    print_table(headers, _rows(found))


def _rows(found: Sequence[Upload]) -> Iterator[tuple[Any, ...]]:
    for item in found:
        expires = rfc3339(datetime.fromtimestamp(item.expires, timezone.utc))
        size = (item.received, item.length)
        yield item.id, item.use, item.filename, *size, item.state, item.booking_id, item.user_id, expires
