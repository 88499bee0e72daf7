"""``flask imports``: bookings and customers from CSV files, busy times from calendar files."""

from __future__ import annotations

import csv
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.files import read_file
from app.cli.operator import clock, operator
from app.runtime.settings import Settings
from app.services.blackouts import Closing, find_place, import_blackouts
from app.services.busy_refresh import read_times
from app.services.csv_rows import CsvFile
from app.services.import_rows import COLUMNS, CUSTOMER_COLUMNS
from app.services.imports import Problem, Tally, Terms, import_bookings, import_customers

MOST_SHOWN = 100
_CHUNK_BYTES = 64 * 1024

group = AppGroup("imports", help="Bookings and customers from CSV, busy times from calendar files.")
_file = click.argument("file", type=click.File("rb"))
_dry_run = click.option("--dry-run", is_flag=True, help="Try every row, say what is wrong, and keep nothing.")
_errors = click.option(
    "--errors", type=click.File("w", encoding="utf-8", lazy=True), help="Write every row that was refused here, as CSV."
)


@group.command(
    "bookings",
    help=f"""Import bookings from a CSV FILE, '-' for what is piped in.

    The first line names the columns: {", ".join(COLUMNS)}. Needed are service, starts_at and customer, with an e-mail address
    or a telephone number; a file of 'exports bookings' has all of them. Times are RFC 3339, or local to the venue.

    Each row takes its time like any booking. One that cannot be taken is told with its line, and the rest goes on. What is past
    or over is kept as a record. Run it again after it was cut off: what was imported is known by its ref, or by what the row says,
    and skipped. A dry run looks at 50 rows at a time: that two rows further apart want the same time, the import itself tells.
    """,
)
@_file
@click.option("--venue", default="", metavar="SLUG", help="Put all rows into this venue, whatever they name.")
@click.option("--override", is_flag=True, help="Take times outside opening hours, in blackouts, or beyond the horizon.")
@click.option("--notify", is_flag=True, help="Tell customers of bookings to come. Nobody is told otherwise.")
@_dry_run
@_errors
@click.pass_context
def bookings(ctx: click.Context, /, file: BinaryIO, venue: str, errors: IO[str] | None, **flags: bool) -> None:
    """Import the bookings of a file."""
    terms = Terms(_settings().secret_key, operator(), clock(), **flags)
    with _reporting(ctx, file.name, errors, is_dry=terms.dry_run) as report, ExitStack() as bar:
        wanted = CsvFile(_read(file, bar), file.name)
        import_bookings(wanted, terms, report.tally, venue=venue, tell=report.tell)


@group.command(
    "customers",
    help=f"""Import customers from a CSV FILE, '-' for what is piped in.

    The first line names the columns: {", ".join(CUSTOMER_COLUMNS)}. A row needs a name, and an e-mail address or a telephone number.
    Who is there already as exactly that is skipped.
    """,
)
@_file
@_dry_run
@_errors
@click.pass_context
def customers(ctx: click.Context, file: BinaryIO, errors: IO[str] | None, *, dry_run: bool) -> None:
    """Import the customers of a file."""
    terms = Terms(_settings().secret_key, operator(), clock(), dry_run=dry_run)
    with _reporting(ctx, file.name, errors, is_dry=dry_run) as report, ExitStack() as bar:
        import_customers(CsvFile(_read(file, bar), file.name), terms, report.tally, tell=report.tell)


@group.command("busy")
@click.argument("file")
@click.option("--venue", required=True, metavar="SLUG", help="The venue.")
@click.option("--resource", required=True, metavar="SLUG", help="What the events keep busy.")
@click.option("--reason", default="Busy", show_default=True, help="What visitors may read where they ask why.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
def busy(file: str, venue: str, resource: str, reason: str, *, dry_run: bool) -> None:
    """Close the busy times of a calendar FILE (iCalendar), as they are today, up to 400 days ahead.

    Events that repeat are closed each time. Those marked as free, or called off, are left out. What is imported again is found by
    its UID and moved; what is no longer in the file stays: 'busy-calendars add' follows a calendar as it changes.
    """
    place = find_place(venue, resource)
    times = read_times(read_file(file), file, place.zone, now=clock())
    closings = [Closing(f"busy:{time.uid}", time.starts, time.ends, reason) for time in times]
    changes = import_blackouts(place, closings, by=operator(), now=clock(), dry_run=dry_run)
    counts = Counter(change.what for change in changes)
    summary = ", ".join(f"{counts[what]} {what}" for what in ("created", "updated", "unchanged") if counts[what])
    click.echo((summary or "the file has no busy times") + _dry(is_dry=dry_run))
    inside = sum(change.bookings_inside for change in changes)
    if inside:
        click.echo(f"{inside} {'booking stands' if inside == 1 else 'bookings stand'} inside: see 'bookings list'")


@dataclass
class _Report:
    """What was refused: the first hundred on stderr, all of them in a file."""

    name: str
    errors: IO[str] | None
    tally: Tally = field(default_factory=Tally)
    count: int = 0
    _writer: Any = field(default=None, init=False)

    def tell(self, problem: Problem) -> None:
        self.count += 1
        if self.count <= MOST_SHOWN:
            click.echo(problem.text(self.name), err=True)
        if self.errors is not None:
            self._write(problem)

    def _write(self, problem: Problem) -> None:
        if self._writer is None:
            self._writer = csv.writer(self.errors)  # type: ignore[arg-type]  # click's lazy file writes as files do
            self._writer.writerow(("line", "column", "message"))
        self._writer.writerow((problem.line, problem.column, problem.message))

    def close(self) -> None:
        if self.errors is not None:
            self.errors.close()


def _read(file: BinaryIO, stack: ExitStack) -> Iterator[bytes]:
    """Yield a file in pieces, with a bar for somebody who waits at a terminal."""
    size = _size(file)
    bar = None
    if size and _is_watched():
        bar = stack.enter_context(click.progressbar(length=size, label="importing", file=sys.stderr))
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk
        if bar is not None:  # when the rows of a piece are done, not when it is read
            bar.update(len(chunk))


def _is_watched() -> bool:
    return sys.stderr.isatty()


def _size(file: BinaryIO) -> int:
    try:
        return os.fstat(file.fileno()).st_size
    except (OSError, ValueError):  # nothing that lies on a disk
        return 0


@contextmanager
def _reporting(ctx: click.Context, name: str, errors: IO[str] | None, *, is_dry: bool) -> Iterator[_Report]:
    """Give the report of an import, and print it at the end, however that comes; exit 1 where rows were refused."""
    report = _Report(name, errors)
    try:
        yield report
    finally:
        report.close()
        _print(report, is_dry=is_dry)
    ctx.exit(1 if report.tally.failed else 0)


def _print(report: _Report, *, is_dry: bool) -> None:
    tally = report.tally
    if report.count > MOST_SHOWN:
        click.echo(
            f"and {report.count - MOST_SHOWN} more rows that were refused: --errors FILE writes them all", err=True
        )
    counts = f"{tally.created} created, {tally.skipped} skipped, {tally.failed} refused"
    click.echo(f"{tally.rows} rows: {counts}{_dry(is_dry=is_dry)}")


def _dry(*, is_dry: bool) -> str:
    return " (dry run: nothing was written)" if is_dry else ""


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found
