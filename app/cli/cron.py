"""``flask cron``: whatever is to be done from time to time."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from app.cli.operator import clock
from app.services.duties import Outcome, run


@click.command()
@click.option(
    "--seconds", type=click.IntRange(1, 3600), default=50, show_default=True, help="Begin nothing after so long."
)
@click.pass_context
@with_appcontext
def command(ctx: click.Context, *, seconds: int) -> None:
    """Do what is due.

    Messages that are owed are sent, requests that nobody has answered expire, and what is over is deleted. For cron, every
    minute, or as often as your host lets you: any number of these may run at once. Prints a line for each duty that did
    something; exit 1 where one failed.
    """
    outcomes = run(current_app.extensions["settings"], clock=clock, budget_seconds=seconds)
    for outcome in outcomes:
        _tell(outcome)
    ctx.exit(1 if any(outcome.state == "failed" for outcome in outcomes) else 0)


def _tell(outcome: Outcome) -> None:
    duty = outcome.duty
    if outcome.state == "failed":
        click.echo(f"error: {duty.name}: {outcome.error}", err=True)
    elif outcome.state == "unfinished":
        click.echo(f"{duty.name}: {outcome.done} {duty.did}; there is more, for the next run")
    elif outcome.done:
        click.echo(f"{duty.name}: {outcome.done} {duty.did}")
