"""``flask idempotency``: answers kept for requests that come twice."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.cli.operator import clock
from app.cli.output import say_progress
from app.services.idempotency import sweep_batch

group = AppGroup("idempotency", help="Answers kept for requests that come twice: sweep the old ones.")


@group.command("sweep")
def sweep() -> None:
    """Delete answers older than a day.

    Nobody is given them again; this only keeps the table short. `cron` does it, too.
    """
    now = clock()
    swept = 0
    while (batch := sweep_batch(now=now)) > 0:
        swept += batch
        say_progress(f"deleted {swept} answers ...")
    click.echo(f"deleted {swept} {'answer' if swept == 1 else 'answers'} older than a day")
