"""The day sheet of a resource: who comes when, to be printed and ticked off."""

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
from app.documents.pdf.qr import draw_qr
from app.documents.pdf.streams import About, Document, pdf_chunks
from app.documents.pdf.styles import A4, BODY, HEADING, Style
from app.documents.pdf.tables import Column, Ending, Row, Table, table_pages

_MARGIN = 40.0
_CELL = Style(9)
_CODE = 52.0


@dataclass(frozen=True, slots=True)
class Visit:
    """One booking on the sheet; instants are aware. ``is_expected``: it is counted, and not greyed out."""

    starts_at: datetime
    ends_at: datetime
    ref: str
    customer: str
    phone: str
    service: str
    party_size: int
    status: str
    notes: str
    is_expected: bool = True


@dataclass(frozen=True, slots=True)
class DaySheet:
    """What the sheet is about: a day of the venue's zone, on one resource. ``made_at`` is aware."""

    venue: str
    timezone: str
    resource: str
    on: date
    made_at: datetime
    code: str
    language: str = "en"


class _Count:
    """How many bookings and people went by."""

    def __init__(self) -> None:
        self.bookings = self.people = 0

    def add(self, visit: Visit) -> None:
        self.bookings += visit.is_expected
        self.people += visit.party_size * visit.is_expected


def day_sheet(
    sheet: DaySheet, visits: Iterable[Visit], *, packs: Path | None = None, pauses: Pauses | None = None
) -> Iterator[bytes]:
    """Yield the sheet as a PDF in chunks, a page each; *packs* is a folder of further fonts."""
    words = messages(sheet.language)
    about = About(f"{words.day_sheet} · {sheet.resource} · {sheet.on}", sheet.venue, words.language, sheet.made_at)
    return pdf_chunks(about, lambda document: _pages(document, sheet, visits, words), packs=packs, pauses=pauses)


def _pages(document: Document, sheet: DaySheet, visits: Iterable[Visit], words: Messages) -> Iterator[Pen]:
    zone = ZoneInfo(sheet.timezone)
    note = formats.footer_note(sheet.made_at, sheet.timezone, words)
    subtitle = f"{sheet.resource} · {words.day_sheet}"
    frame = Frame(sheet.venue, formats.long_day(sheet.on, words), subtitle, note, words, _MARGIN)
    count = _Count()

    def begin() -> tuple[Pen, float]:
        pen = document.pen(A4)
        if pen.page == 1:
            draw_qr(pen, pen.width - _MARGIN - _CODE, pen.height - _MARGIN - _CODE + 8, _CODE, sheet.code)
        return pen, frame.open(pen)

    ending = Ending(height=lambda: 30, draw=lambda pen, top: _draw_count(pen, top, count, words))
    rows = _rows(visits, count, zone, sheet.on, words)
    return frame.footed(table_pages(document, _table(words), rows, begin=begin, bottom=BOTTOM, ending=ending))


def _table(words: Messages) -> Table:
    return Table(
        (
            Column(words.here, 30, boxes=True),
            Column(words.time, 82, bold=True),
            Column(words.customer, 116, lines=6),
            Column(words.people, 46, figures=True),
            Column(words.service, 83.28, lines=2),
            Column(words.status, 62, lines=2),
            Column(words.ref, 96),  # ten letters W fit: a reference that is cut finds nothing
        ),
        _MARGIN,
        _CELL,
    )


def _rows(visits: Iterable[Visit], count: _Count, zone: ZoneInfo, on: date, words: Messages) -> Iterator[Row]:
    for visit in visits:
        count.add(visit)
        who = "\n".join(filter(None, (visit.customer, visit.phone, visit.notes)))
        status = words.statuses.get(visit.status, visit.status)
        cells = ("x", _span(visit, zone, on), who, str(visit.party_size), visit.service, status, visit.ref)
        yield Row(cells if visit.is_expected else ("", *cells[1:]), muted=not visit.is_expected)


def _span(visit: Visit, zone: ZoneInfo, on: date) -> str:
    """Return from when to when; what began before the day or ends after it has an ellipsis there."""
    starts, ends = visit.starts_at.astimezone(zone), visit.ends_at.astimezone(zone)
    first = formats.clock(starts) if starts.date() == on else "…"
    last = formats.clock(ends) if ends.date() == on else "…"
    return f"{first} – {last}"  # noqa: RUF001 - a range takes an en dash


def _draw_count(pen: Pen, top: float, count: _Count, words: Messages) -> None:
    if not count.bookings:
        pen.text(_MARGIN + 5, top - 22, words.nobody_comes, BODY)
        return
    bookings, people = (formats.whole(number, words) for number in (count.bookings, count.people))
    pen.text(_MARGIN + 5, top - 22, words.bookings_and_people.format(bookings=bookings, people=people), HEADING)
