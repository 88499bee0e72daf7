"""Reports of the house to print, for who runs it."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from flask import Response
from msgspec import Meta, Struct, field

from app.services import reports
from app.services.booking_exports import Range
from app.web.actors import actor
from app.web.context import settings
from app.web.documents import asked
from app.web.exports import Day, RangeQuery, range_of
from app.web.languages import Language, told
from app.web.pages import Id
from app.web.routes.route import PDF
from app.web.streams import later, stream


class ReportQuery(RangeQuery, kw_only=True, forbid_unknown_fields=True):
    """Which bookings, and in which language."""

    lang: Language | None = None


class OccupancyQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Of which venue, and which days: from `from` up to `to`, exclusive."""

    first: Day = field(name="from")
    end: Day = field(name="to")
    venue_id: Id
    lang: Language | None = None


class DayQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which day, local to the venue."""

    on: Annotated[date, Meta(description="Local to the venue.")] = field(name="date")
    lang: Language | None = None


def export_pdf(query: ReportQuery) -> Response:
    """Print the bookings of a venue, in the order in which they start."""
    chunks = later(
        lambda: reports.iter_bookings_report(settings(), range_of(query), by=actor(), asked=asked(query.lang))
    )
    return told(stream(chunks, PDF, f"bookings-{query.first}-{query.end}.pdf", is_shown=True))


def read_day_sheet(resource_id: int, query: DayQuery) -> Response:
    """Print who comes to a resource on a day."""
    chunks = later(
        lambda: reports.iter_day_sheet(settings(), resource_id, query.on, by=actor(), asked=asked(query.lang))
    )
    return told(stream(chunks, PDF, f"day-sheet-{query.on}.pdf", is_shown=True))


def read_occupancy(query: OccupancyQuery) -> Response:
    """Print how full a venue was."""
    range_ = Range(query.first, query.end, query.venue_id)
    chunks = later(lambda: reports.iter_occupancy_report(settings(), range_, by=actor(), asked=asked(query.lang)))
    return told(stream(chunks, PDF, f"occupancy-{query.first}-{query.end}.pdf", is_shown=True))
