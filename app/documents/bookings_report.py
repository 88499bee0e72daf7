"""The bookings of any range as a PDF: one line each, in the order given, with sums by status at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from app.documents import formats
from app.documents.messages import Messages, messages
from app.documents.pdf.frames import BOTTOM, Frame
from app.documents.pdf.pauses import Pauses
from app.documents.pdf.pen import Pen
from app.documents.pdf.streams import About, Document, pdf_chunks
from app.documents.pdf.styles import A4_LANDSCAPE, BODY, HEADING, INK, MUTED, Style
from app.documents.pdf.tables import Column, Ending, Row, Table, table_pages

_MARGIN = 40.0
_OVER = {"cancelled", "declined", "expired"}  # they bring nothing in, and are left out of the sum
_SUM_LINE = 15.0
_SUM_WIDTH = 300.0
_OVER_STYLE = Style(10, colour=MUTED)


@dataclass(frozen=True, slots=True)
class BookingLine:
    """A booking as the report shows it; ``starts_at`` is aware, the total is in minor units of the report's currency."""

    ref: str
    starts_at: datetime
    service: str
    resource: str
    customer: str
    status: str
    total_minor: int


@dataclass(frozen=True, slots=True)
class BookingsReport:
    """What the report is about: days of the venue's zone, the last one included. ``made_at`` is aware."""

    venue: str
    timezone: str
    currency: str
    first_on: date
    last_on: date
    made_at: datetime
    language: str = "en"


class _Sums:
    """The number and the total of the bookings of each status that went by."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, int]] = {}

    def add(self, line: BookingLine) -> None:
        count, total = self.found.get(line.status, (0, 0))
        self.found[line.status] = (count + 1, total + line.total_minor)


def bookings_report(
    report: BookingsReport, lines: Iterable[BookingLine], *, packs: Path | None = None, pauses: Pauses | None = None
) -> Iterator[bytes]:
    """Yield the report as a PDF in chunks, a page each; of *lines* only those of the next page are read ahead.

    *packs* is a folder of further fonts.
    """
    words = messages(report.language)
    about = About(f"{words.bookings_report} · {_range(report, words)}", report.venue, words.language, report.made_at)
    return pdf_chunks(about, lambda document: _pages(document, report, lines, words), packs=packs, pauses=pauses)


def _pages(document: Document, report: BookingsReport, lines: Iterable[BookingLine], words: Messages) -> Iterator[Pen]:
    zone = ZoneInfo(report.timezone)
    note = formats.footer_note(report.made_at, report.timezone, words)
    frame = Frame(report.venue, words.bookings_report, _range(report, words), note, words, _MARGIN)
    sums = _Sums()

    def begin() -> tuple[Pen, float]:
        pen = document.pen(A4_LANDSCAPE)
        return pen, frame.open(pen)

    ending = Ending(
        height=lambda: 36 + _SUM_LINE * (len(sums.found) + 1),
        draw=lambda pen, top: _draw_sums(pen, top, sums.found, report.currency, words),
    )
    rows = _rows(lines, sums, zone, report.currency, words)
    return frame.footed(table_pages(document, _table(words), rows, begin=begin, bottom=BOTTOM, ending=ending))


def _table(words: Messages) -> Table:
    return Table(
        (
            Column(words.ref, 98, bold=True),  # ten letters W fit: a reference that is cut finds nothing
            Column(words.starts, 122),
            Column(words.service, 144, lines=2),
            Column(words.resource, 102, lines=2),
            Column(words.customer, 148, lines=2),
            Column(words.status, 78, lines=2),
            Column(words.total, 69.89, figures=True),
        ),
        _MARGIN,
    )


def _rows(lines: Iterable[BookingLine], sums: _Sums, zone: ZoneInfo, currency: str, words: Messages) -> Iterator[Row]:
    for line in lines:
        sums.add(line)
        starts = formats.moment(line.starts_at.astimezone(zone), words)
        status = words.statuses.get(line.status, line.status)
        total = formats.amount(line.total_minor, currency, words)
        cells = (line.ref, starts, line.service, line.resource, line.customer, status, total)
        yield Row(cells, muted=line.status in _OVER)


def _draw_sums(pen: Pen, top: float, found: dict[str, tuple[int, int]], currency: str, words: Messages) -> None:
    right = pen.width - _MARGIN - 5
    left = right - _SUM_WIDTH
    y = top - 22
    if not found:
        pen.text(_MARGIN + 5, y, words.no_bookings, BODY)
        return
    counted = [sums for status, sums in found.items() if status not in _OVER]
    total = (sum(count for count, _ in counted), sum(minor for _, minor in counted))
    _draw_sum(pen, y, HEADING, words.total, *_figures(total, currency, words))
    pen.line(left, y - 5, right, y - 5, colour=INK)
    y -= 4
    for status in sorted(found, key=lambda status: (status in _OVER, _order(status, words))):
        y -= _SUM_LINE
        label, over = words.statuses.get(status, status), status in _OVER
        label = words.not_counted.format(status=label) if over else label
        _draw_sum(pen, y, _OVER_STYLE if over else BODY, label, *_figures(found[status], currency, words))


def _draw_sum(pen: Pen, y: float, style: Style, *cells: str) -> None:
    """Draw a label, a number and an amount."""
    right = pen.width - _MARGIN - 5
    label, number, amount = cells
    pen.text(right - _SUM_WIDTH, y, label, style)
    pen.text(right - 110, y, number, style, align="right")
    pen.text(right, y, amount, style, align="right")


def _figures(sums: tuple[int, int], currency: str, words: Messages) -> tuple[str, str]:
    return formats.whole(sums[0], words), formats.amount(sums[1], currency, words)


def _order(status: str, words: Messages) -> int:
    """Return the place of a status in a booking's life; one without a word comes last."""
    known = list(words.statuses)
    return known.index(status) if status in known else len(known)


def _range(report: BookingsReport, words: Messages) -> str:
    return formats.day_range(report.first_on, report.last_on, words)
