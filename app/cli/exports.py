"""``flask exports``: bookings, day sheets and occupancy as files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.operator import clock, operator
from app.cli.output import say_progress
from app.domain.bookings import STATES
from app.domain.errors import Conflict, Invalid, NotFound
from app.runtime.settings import Settings
from app.services import booking_exports, reports
from app.services.blackouts import find_place
from app.services.booking_exports import Range
from app.services.documents import Asked

_TOLD_BYTES = 1024 * 1024

group = AppGroup("exports", help="Bookings, day sheets and occupancy as files.")
_day = click.DateTime(["%Y-%m-%d"])
_first = click.option(
    "--from", "first", type=_day, required=True, help='First day, as "2026-12-01"; local to the venue.'
)
_end = click.option("--to", "end", type=_day, required=True, help="Day after the last.")
_lang = click.option(
    "--lang", type=click.Choice(["en", "de", "hi"]), default="en", show_default=True, help="Of the PDF."
)
_output = click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write; it must not exist.",
)


@group.command("bookings")
@_first
@_end
@click.option("--venue", default="", metavar="SLUG", help="One venue instead of all; a PDF is of one.")
@click.option("--status", type=click.Choice(sorted(STATES)), help="Only bookings in this state.")
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl", "pdf"]), default="csv", show_default=True)
@click.option("--bom", is_flag=True, help="A byte order mark in front of CSV, for old spreadsheets.")
@_lang
@_output
def bookings(*, venue: str, kind: str, output: Path, lang: str, bom: bool, **which: Any) -> None:  # noqa: ANN401
    """Write the bookings that start from one day up to another."""
    venue_id = find_place(venue).venue_id if venue else None
    range_ = Range(which["first"].date(), which["end"].date(), venue_id, which["status"] or "")
    makers = {
        "csv": lambda: booking_exports.iter_csv(range_, by=operator(), bom=bom),
        "jsonl": lambda: booking_exports.iter_json_lines(range_, by=operator()),
        "pdf": lambda: reports.iter_bookings_report(_settings(), range_, by=operator(), asked=Asked(lang, clock())),
    }
    write_whole(output, makers[kind]())


@group.command("day-sheet")
@click.argument("place", metavar="VENUE/RESOURCE")
@click.option("--date", "on", type=_day, required=True, help="The day, local to the venue.")
@_lang
@_output
def day_sheet(place: str, on: datetime, lang: str, output: Path) -> None:
    """Write who comes to a resource on a day, as a PDF."""
    venue, _, resource = place.partition("/")
    found = find_place(venue, resource)
    if found.resource_id is None:
        raise NotFound(f"{place} is no resource: write VENUE/RESOURCE.")
    asked = Asked(lang, clock())
    write_whole(output, reports.iter_day_sheet(_settings(), found.resource_id, on.date(), by=operator(), asked=asked))


@group.command("occupancy")
@_first
@_end
@click.option("--venue", required=True, metavar="SLUG", help="Of which venue.")
@_lang
@_output
def occupancy(first: datetime, end: datetime, venue: str, lang: str, output: Path) -> None:
    """Write how full a venue was, as a PDF."""
    range_ = Range(first.date(), end.date(), find_place(venue).venue_id)
    write_whole(output, reports.iter_occupancy_report(_settings(), range_, by=operator(), asked=Asked(lang, clock())))


def write_whole(output: Path, chunks: Iterator[bytes]) -> None:
    """Write a file that is there when it is whole, and not before; tell somebody who waits how much there is."""
    part, size, told = output.with_name(f"{output.name}.part"), 0, 0
    if output.exists():
        raise Conflict(f"{output} is there already.")
    try:
        with part.open("wb") as file:
            for chunk in chunks:
                size += file.write(chunk)
                if size - told >= _TOLD_BYTES:
                    told = size
                    say_progress(f"{size // _TOLD_BYTES} MiB ...")
        part.rename(output)
    except OSError as error:
        raise Invalid(f"{output} cannot be written: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"wrote {output}, {size} bytes")


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found
