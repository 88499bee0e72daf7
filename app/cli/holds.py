"""``flask holds``: times that were kept for somebody who filled in a form."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.cli.operator import clock
from app.cli.output import say_progress
from app.services.holds import SWEEP_SIZE, sweep_batch

group = AppGroup("holds", help="Times kept while a form is filled in: sweep those that are over.")


@group.command("sweep")
def sweep() -> None:
    """Delete the holds that are over.

    They block nothing; this only keeps the table short. `cron` does it, too.
    """
    now = clock()
    swept = 0
    while (batch := sweep_batch(now=now)) > 0:
        swept += batch
        if batch == SWEEP_SIZE:
            say_progress(f"deleted {swept} holds ...")
    click.echo(f"deleted {swept} {'hold that was' if swept == 1 else 'holds that were'} over")
