"""``flask db``: the database's tables."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.cli.output import say_progress
from app.persistence import migrate, schema
from app.persistence.session import engine, reading

group = AppGroup("db", help="The database's tables: bring them up to date, or see whether they are.")


@group.command("upgrade")
def upgrade() -> None:
    """Bring the tables to what this program needs; safe to run again, and by several processes at once."""
    before = schema.current(reading())
    say_progress("migrating the database ...")
    migrate.upgrade(engine())
    after = schema.current(reading())
    click.echo(
        f"the database is at {after} already" if before == after else f"the database went from {before} to {after}"
    )


@group.command("current")
@click.pass_context
def current(ctx: click.Context) -> None:
    """Show the database's revision and the one this program needs; exit with 1 where they differ."""
    revision = schema.current(reading())
    click.echo(f"database  {revision}\nprogram   {schema.HEAD}")
    if revision != schema.HEAD:
        click.echo("error: they differ: run 'flask --app app db upgrade'", err=True)
        ctx.exit(1)
