"""How full a venue was: a chart over the range, and a line for each resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from app.documents import formats
from app.documents.messages import Messages, messages
from app.documents.pdf.charts import Bar, draw_bars
from app.documents.pdf.frames import BOTTOM, Frame
from app.documents.pdf.pauses import Pauses
from app.documents.pdf.pen import Pen
from app.documents.pdf.streams import About, Document, pdf_chunks
from app.documents.pdf.styles import A4, HEADING, SMALL, Style
from app.documents.pdf.tables import Column, Ending, Row, Table, table_pages

_MARGIN = 40.0
_CHART = 190.0
_FIGURE = Style(30, bold=True)

Step = Literal["day", "week", "month"]


@dataclass(frozen=True, slots=True)
class Use:
    """Minutes of capacity that were open, and of these the booked ones, with the number of bookings."""

    open_minutes: int = 0
    booked_minutes: int = 0
    bookings: int = 0

    def __add__(self, other: Use) -> Use:
        return Use(
            self.open_minutes + other.open_minutes,
            self.booked_minutes + other.booked_minutes,
            self.bookings + other.bookings,
        )


@dataclass(frozen=True, slots=True)
class OccupancyReport:
    """The use of a venue on days of its zone, the last one included.

    ``steps`` are the bars of the chart, each by its first day; ``resources`` the lines below it, in their order. Both add up to the
    same whole, but for the number of bookings: one that has two resources counts with each.
    """

    venue: str
    timezone: str
    first_on: date
    last_on: date
    made_at: datetime
    step: Step
    steps: tuple[tuple[date, Use], ...]
    resources: tuple[tuple[str, Use], ...]
    language: str = "en"


def occupancy_report(
    report: OccupancyReport, *, packs: Path | None = None, pauses: Pauses | None = None
) -> Iterator[bytes]:
    """Yield the report as a PDF in chunks, a page each; *packs* is a folder of further fonts."""
    words = messages(report.language)
    title = f"{words.occupancy_report} · {formats.day_range(report.first_on, report.last_on, words)}"
    about = About(title, report.venue, words.language, report.made_at)
    return pdf_chunks(about, lambda document: _pages(document, report, words), packs=packs, pauses=pauses)


def _pages(document: Document, report: OccupancyReport, words: Messages) -> Iterator[Pen]:
    note = formats.footer_note(report.made_at, report.timezone, words)
    days = formats.day_range(report.first_on, report.last_on, words)
    frame = Frame(report.venue, words.occupancy_report, days, note, words, _MARGIN)
    whole = sum((use for _, use in report.resources), Use())

    def begin() -> tuple[Pen, float]:
        pen = document.pen(A4)
        top = frame.open(pen)
        return pen, _draw_chart(pen, top, report, whole, words) if pen.page == 1 else top

    rows = [Row((name, *_figures(use, words))) for name, use in report.resources]
    if len(rows) > 1:
        rows.append(Row((words.altogether, *_figures(whole, words)), bold=True))
    ending = Ending(
        height=lambda: 24,
        draw=lambda pen, top: _draw_note(pen, top, words.occupancy_note if rows else words.nothing_open),
    )
    return frame.footed(table_pages(document, _table(words), rows, begin=begin, bottom=BOTTOM, ending=ending))


def _draw_chart(pen: Pen, top: float, report: OccupancyReport, whole: Use, words: Messages) -> float:
    """Draw the one figure that matters and the chart below it, and return where the table begins."""
    width = pen.text(_MARGIN, top - 34, formats.share(whole.booked_minutes, whole.open_minutes, words), _FIGURE)
    pen.text(_MARGIN + width + 10, top - 34, words.occupancy, SMALL)
    heading = {"day": words.by_day, "week": words.by_week, "month": words.by_month}[report.step]
    pen.text(_MARGIN, top - 62, heading, HEADING)
    bars = [Bar(_label(on, report.step, words), use.booked_minutes, use.open_minutes) for on, use in report.steps]
    draw_bars(pen, _MARGIN, top - 74 - _CHART, pen.width - 2 * _MARGIN, _CHART, bars, decimal=words.decimal)
    pen.text(_MARGIN, top - 106 - _CHART, words.by_resource, HEADING)
    return top - 114 - _CHART


def _label(on: date, step: Step, words: Messages) -> str:
    month = words.short_months[on.month - 1]
    return f"{month} {on.year}" if step == "month" else f"{on.day} {month}"


def _figures(use: Use, words: Messages) -> tuple[str, ...]:
    return (
        formats.whole(use.bookings, words),
        formats.hours(use.booked_minutes, words),
        formats.hours(use.open_minutes, words),
        formats.share(use.booked_minutes, use.open_minutes, words),
    )


def _table(words: Messages) -> Table:
    figures = (words.bookings, words.booked_hours, words.open_hours, words.occupancy)
    columns = (Column(title, 80, figures=True, bold=title == words.occupancy) for title in figures)
    return Table((Column(words.resource, A4[0] - 2 * _MARGIN - 320, lines=2), *columns), _MARGIN, Style(9))


def _draw_note(pen: Pen, top: float, note: str) -> None:
    pen.text(_MARGIN, top - 18, note, SMALL, room=pen.width - 2 * _MARGIN)
