"""``flask idempotency``: answers kept for requests that come twice."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.cli.operator import clock
from app.cli.output import say_progress
from app.services import idempotency as use_cases

group = AppGroup("idempotency", help="Answers kept for requests that come twice: sweep the old ones.")


@group.command("sweep")
def sweep() -> None:
    """Delete answers older than a day.

    Nobody is given them again; this only keeps the table short. For cron, daily.
    """
    say_progress("deleting old answers ...")
    swept = use_cases.sweep(now=clock())
    click.echo(f"deleted {swept} {'answer' if swept == 1 else 'answers'} older than a day")
