"""A table of figures about a venue, with a line for each service and one for all: revenue, cancellations, lead times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from app.documents import formats
from app.documents.messages import Messages, messages
from app.documents.pdf.frames import BOTTOM, Frame
from app.documents.pdf.pauses import Pauses
from app.documents.pdf.pen import Pen
from app.documents.pdf.streams import About, Document, pdf_chunks
from app.documents.pdf.styles import A4, SMALL, Style
from app.documents.pdf.tables import Column, Ending, Row, Table, table_pages

_MARGIN = 40.0
_MISSED = ("cancelled", "declined", "expired", "no_show")
_COUNT, _WIDE, _NARROW = 64.0, 90.0, 43.0  # points

Kind = Literal["revenue", "cancellations", "lead_times"]


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one service: what they are depends on the report.

    Of revenue: bookings, total and deposits in minor units. Of cancellations: bookings, then cancelled, declined, expired, not
    come to, and those who were awaited. Of lead times: bookings, minutes ahead in all, and the numbers by class.
    """

    service: str
    figures: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FiguresReport:
    """Figures of a venue on days of its zone, the last one included; ``bounds`` are the hours between the classes of lead times."""

    kind: Kind
    venue: str
    timezone: str
    currency: str
    first_on: date
    last_on: date
    made_at: datetime
    lines: tuple[Line, ...]
    bounds: tuple[int, ...] = ()
    language: str = "en"


def figures_report(
    report: FiguresReport, *, packs: Path | None = None, pauses: Pauses | None = None
) -> Iterator[bytes]:
    """Yield the report as a PDF in chunks, a page each; *packs* is a folder of further fonts."""
    words = messages(report.language)
    title = f"{_title(report, words)} · {formats.day_range(report.first_on, report.last_on, words)}"
    about = About(title, report.venue, words.language, report.made_at)
    return pdf_chunks(about, lambda document: _pages(document, report, words), packs=packs, pauses=pauses)


def _pages(document: Document, report: FiguresReport, words: Messages) -> Iterator[Pen]:
    note = formats.footer_note(report.made_at, report.timezone, words)
    days = formats.day_range(report.first_on, report.last_on, words)
    frame = Frame(report.venue, _title(report, words), days, note, words, _MARGIN)

    def begin() -> tuple[Pen, float]:
        pen = document.pen(A4)
        return pen, frame.open(pen)

    rows = [Row((line.service, *_cells(report, line.figures, words))) for line in report.lines]
    if len(rows) > 1:
        whole = tuple(map(sum, zip(*(line.figures for line in report.lines), strict=True)))
        rows.append(Row((words.altogether, *_cells(report, whole, words)), bold=True))
    said = getattr(words, f"{report.kind}_note") if rows else words.no_bookings
    ending = Ending(height=lambda: 24, draw=lambda pen, top: _draw_note(pen, top, said))
    return frame.footed(table_pages(document, _table(report, words), rows, begin=begin, bottom=BOTTOM, ending=ending))


def _title(report: FiguresReport, words: Messages) -> str:
    title: str = getattr(words, report.kind)
    return title


def _table(report: FiguresReport, words: Messages) -> Table:
    heads = _heads(report, words)
    widths = (_COUNT, *[_NARROW if report.kind == "lead_times" else _WIDE] * (len(heads) - 1))
    room = A4[0] - 2 * _MARGIN - sum(widths)
    figures = (Column(head, width, figures=True) for head, width in zip(heads, widths, strict=True))
    return Table((Column(words.service, room, lines=2), *figures), _MARGIN, Style(8.5))


def _heads(report: FiguresReport, words: Messages) -> tuple[str, ...]:
    if report.kind == "revenue":
        return (words.bookings, words.total, words.deposit)
    if report.kind == "cancellations":
        return (words.bookings, *(words.statuses[status] for status in ("cancelled", "declined", "no_show")))
    return (words.bookings, words.mean, *(f"< {bound} h" for bound in report.bounds), f"{report.bounds[-1]} h +")


def _cells(report: FiguresReport, figures: tuple[int, ...], words: Messages) -> tuple[str, ...]:
    count = formats.whole(figures[0], words)
    if report.kind == "revenue":
        return (count, *(formats.amount(minor, report.currency, words) for minor in figures[1:]))
    if report.kind == "cancellations":
        cancelled, declined, expired, missed, awaited = figures[1:]
        turned_down = declined + expired
        pairs = ((cancelled, figures[0]), (turned_down, figures[0]), (missed, awaited))
        return (count, *(f"{formats.whole(part, words)} ({formats.share(part, of, words)})" for part, of in pairs))
    mean = formats.hours(figures[1] // figures[0], words) if figures[0] else ""
    return (count, f"{mean} h", *(formats.whole(number, words) for number in figures[2:]))


def _draw_note(pen: Pen, top: float, note: str) -> None:
    pen.text(_MARGIN, top - 18, note, SMALL, room=pen.width - 2 * _MARGIN)
