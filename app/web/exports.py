"""Exports of the house for programs, for who runs it: rows, and a last line that proves they are all there."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from flask import Response
from msgspec import Meta, Struct, field

from app.services import booking_exports
from app.services.booking_exports import Range
from app.web.actors import actor
from app.web.pages import Id
from app.web.routes.route import CSV, JSON_LINES
from app.web.streams import later, stream

Day = Annotated[date, Meta(description="Local to the venue.")]
Status = Literal[
    "pending", "confirmed", "checked_in", "completed", "declined", "cancelled", "expired", "no_show"
]  # those of domain.bookings.STATES; a test compares


class RangeQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which bookings: those that start from `from` up to `to`, exclusive."""

    first: Day = field(name="from")
    end: Day = field(name="to")
    venue_id: Id | None = None
    status: Status | None = None


class CsvQuery(RangeQuery, kw_only=True, forbid_unknown_fields=True):
    """Which bookings; with `bom=1` a byte order mark stands in front, which old spreadsheets take for UTF-8."""

    bom: Literal["0", "1"] = "0"


def export_csv(query: CsvQuery) -> Response:
    """Export bookings as CSV.

    Venue by venue, in the order in which they start. The last line is `#rows=N`: without it the file was cut. Text that a spreadsheet
    would compute has an apostrophe in front.
    """
    chunks = later(lambda: booking_exports.iter_csv(range_of(query), by=actor(), bom=query.bom == "1"))
    return stream(chunks, CSV, f"bookings-{query.first}-{query.end}.csv")


def export_json_lines(query: RangeQuery) -> Response:
    """Export bookings as JSON Lines.

    Venue by venue, in the order in which they start, an object a line. The last line is `{"rows":N}`: without it the file was cut.
    """
    chunks = later(lambda: booking_exports.iter_json_lines(range_of(query), by=actor()))
    return stream(chunks, JSON_LINES, f"bookings-{query.first}-{query.end}.jsonl")


def range_of(query: RangeQuery) -> Range:
    """Return which bookings are asked for."""
    return Range(query.first, query.end, query.venue_id, query.status or "")
