"""``flask demo``: a hall to try things on."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from app.cli.operator import clock, operator
from app.services.catalogue import import_catalogue
from app.services.catalogue_file import parse

FILE = Path(__file__).with_name("demo.toml")

group = AppGroup("demo", help="A hall to try things on.")


@group.command("load")
def load() -> None:
    """Put the demo venue into the catalogue.

    Run again, it changes nothing that is as it was.
    """
    changes = import_catalogue(
        parse(FILE.read_text(encoding="utf-8"), FILE.name), by=operator(), now=clock(), dry_run=False
    )
    created = sum(change.what == "created" for change in changes)
    click.echo(
        f"demo catalogue: {len(changes)} entries, {created} of them new; see 'catalogue show' and 'slots list practice'"
    )
