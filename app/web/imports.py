"""Files of bookings and customers, as admins send them."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import request
from msgspec import Meta, Struct

from app.persistence.letterheads import get_of_venue
from app.persistence.session import reading
from app.services.csv_rows import CsvFile
from app.services.imports import Problem, Tally, Terms, import_bookings, import_customers
from app.web.actors import actor
from app.web.bodies import chunks
from app.web.context import now, settings
from app.web.errors import UnsupportedMedia
from app.web.pages import Id

MOST_ROWS = 5_000
MOST_SHOWN = 100
NAME = "body"  # what a file is called that has no name
_TYPE = "text/csv"


class ImportQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """How the file is read; with `dry_run=1` every row is tried and nothing is kept."""

    dry_run: Literal["0", "1"] = "0"


class BookingsImportQuery(ImportQuery, kw_only=True):
    """How the bookings are taken: into which venue, and whether outside its rules; customers are told with `notify=1`."""

    venue_id: Annotated[Id | None, Meta(description="Where all rows belong; else each names its venue.")] = None
    override: Literal["0", "1"] = "0"
    notify: Literal["0", "1"] = "0"


class RowError(Struct):
    """A row that was refused: its line in the file, from 1, and the column where there is one."""

    line: int
    field: str
    message: str


class ImportView(Struct):
    """What became of the rows; `errors` are the first hundred of `failed`."""

    created: int
    skipped: int
    failed: int
    errors: list[RowError]


def bookings(query: BookingsImportQuery) -> ImportView:
    """Import bookings from a CSV file, 5,000 rows at most.

    The columns are those of `/admin/bookings/export.csv`. Each row takes its time as any booking does; one that cannot be taken is
    told with its line, and the rest goes on. What is past or over is kept as a record. A row that was imported before, by its `ref`
    or else by what it says, is skipped, so a request that broke off is simply sent again.
    """
    venue = "" if query.venue_id is None else get_of_venue(reading(), query.venue_id).subject
    terms = _terms(query, override=query.override == "1", notify=query.notify == "1")
    tally, errors = Tally(), _Errors()
    import_bookings(_file(), terms, tally, venue=venue, tell=errors.add, most=MOST_ROWS)
    return _view(tally, errors)


def customers(query: ImportQuery) -> ImportView:
    """Import customers from a CSV file with the columns `name`, `email` and `phone`, 5,000 rows at most.

    Who is there already as exactly that is skipped.
    """
    tally, errors = Tally(), _Errors()
    import_customers(_file(), _terms(query), tally, tell=errors.add, most=MOST_ROWS)
    return _view(tally, errors)


class _Errors:
    """The first rows that were refused."""

    def __init__(self) -> None:
        self.first: list[RowError] = []

    def add(self, problem: Problem) -> None:
        if len(self.first) < MOST_SHOWN:
            self.first.append(RowError(problem.line, problem.column, problem.message))


def _terms(query: ImportQuery, *, override: bool = False, notify: bool = False) -> Terms:
    dry_run = query.dry_run == "1"
    return Terms(settings().secret_key, actor(), now(), override=override, notify=notify, dry_run=dry_run)


def _file() -> CsvFile:
    if request.mimetype != _TYPE:
        raise UnsupportedMedia(f"Send the file itself, with Content-Type: {_TYPE}.")
    return CsvFile(chunks(), NAME)


def _view(tally: Tally, errors: _Errors) -> ImportView:
    return ImportView(tally.created, tally.skipped, tally.failed, errors.first)
