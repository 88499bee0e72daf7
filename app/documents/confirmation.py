"""The confirmation of one booking as a PDF: what to bring along, and what to look up when something has to change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from app.documents import formats
from app.documents.messages import Messages, messages
from app.documents.pdf.fitting import fit, wrap
from app.documents.pdf.frames import BOTTOM, Frame
from app.documents.pdf.pauses import Pauses
from app.documents.pdf.pen import Pen
from app.documents.pdf.qr import draw_qr
from app.documents.pdf.streams import About, Document, pdf_chunks
from app.documents.pdf.styles import A4, ACCENT, BODY, HEAD, HEADING, MUTED, SHADE, SMALL, TITLE, Style
from app.documents.pdf.tables import Begin, Ending, table_pages
from app.documents.price_lines import draw_price_sum, price_table
from app.domain.prices import Quote

_MARGIN = 56.0
_PANEL = 152.0
_CODE = 128.0
_NOTE_LINES = 12
_LABEL_WIDTH = 92.0
_LEADING = 15.0
_TIME = Style(26, bold=True)
_DAY = Style(13, bold=True)
_VENUE = Style(12, bold=True, colour=ACCENT)
_REF = Style(10, bold=True)
_LABEL = Style(9, colour=MUTED)
_LINK = Style(9, bold=True, colour=ACCENT)
_WHITE = (1.0, 1.0, 1.0)
_STATUS = Style(9, bold=True, colour=_WHITE)
_STATUS_ROOM = 160.0


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A booking as its customer sees it; instants are aware, ``timezone`` is the venue's. What is empty is left out.

    ``code`` is what the QR code says: the reference, or a link. ``manage_url`` is printed as a link when it is given: it carries
    whatever right it carries.
    """

    venue: str
    venue_address: str
    timezone: str
    ref: str
    status: str
    service: str
    resources: tuple[str, ...]
    customer: str
    starts_at: datetime
    ends_at: datetime
    party_size: int
    quote: Quote
    issued_at: datetime
    code: str
    notes: str = ""
    manage_url: str = ""
    language: str = "en"


def confirmation(booking: Confirmation, *, packs: Path | None = None, pauses: Pauses | None = None) -> Iterator[bytes]:
    """Yield the confirmation as a PDF in chunks; one page unless the price has very many lines.

    *packs* is a folder of further fonts.

    Raises:
        ValueError: ``code`` is longer than a QR code holds.
    """
    words = messages(booking.language)
    title = f"{words.booking_confirmation} {booking.ref}"
    about = About(title, booking.venue, words.language, booking.issued_at)
    return pdf_chunks(about, lambda document: _pages(document, booking, words), packs=packs, pauses=pauses)


def _pages(document: Document, booking: Confirmation, words: Messages) -> Iterator[Pen]:
    zone = ZoneInfo(booking.timezone)
    booking = replace(booking, starts_at=booking.starts_at.astimezone(zone), ends_at=booking.ends_at.astimezone(zone))
    note = formats.footer_note(booking.issued_at, booking.timezone, words)
    frame = Frame(booking.venue, words.booking_confirmation, booking.ref, note, words, _MARGIN)

    def begin() -> tuple[Pen, float]:
        pen = document.pen(A4)
        return pen, frame.open(pen) if pen.page > 1 else _draw_booking(pen, booking, words)

    return frame.footed(_priced_pages(document, booking, words, begin))


def _draw_booking(pen: Pen, booking: Confirmation, words: Messages) -> float:
    """Draw everything above the price and return where that begins."""
    top = _draw_letterhead(pen, booking, words)
    _draw_panel(pen, top, booking, words)
    return _draw_particulars(pen, top - _PANEL - 26, booking, words) - 12


def _draw_letterhead(pen: Pen, booking: Confirmation, words: Messages) -> float:
    room = pen.width - 2 * _MARGIN
    top = pen.height - _MARGIN
    pen.text(_MARGIN, top - 4, booking.venue, _VENUE, room=room)
    pen.text(_MARGIN, top - 18, booking.venue_address, SMALL, room=room)
    pen.text(_MARGIN, top - 58, words.booking_confirmation, TITLE, room=room - _STATUS_ROOM)
    _draw_status(pen, top - 60, booking.status, words)
    return top - 78


def _draw_status(pen: Pen, bottom: float, status: str, words: Messages) -> None:
    """Draw the status as a filled field: in colour when the customer may come."""
    text = fit(pen.lettering, words.statuses.get(status, status), _STATUS, _STATUS_ROOM)
    width = pen.lettering.line(text, bold=True).at(_STATUS.size) + 16
    left = pen.width - _MARGIN - width
    pen.box(left, bottom, width, 18, ACCENT if status in {"confirmed", "checked_in"} else MUTED)
    pen.text(left + 8, bottom + 5.5, text, _STATUS)


def _draw_panel(pen: Pen, top: float, booking: Confirmation, words: Messages) -> None:
    """Draw the shaded field with the day, the time and the code."""
    left, right = _MARGIN + 18, pen.width - _MARGIN
    pen.box(_MARGIN, top - _PANEL, right - _MARGIN, _PANEL, SHADE)
    pen.box(_MARGIN, top - _PANEL, 3, _PANEL, ACCENT)
    room = right - _CODE - 30 - left
    starts, ends = booking.starts_at, booking.ends_at
    pen.text(left, top - 30, formats.long_day(starts.date(), words), _DAY, room=room)
    pen.text(left, top - 62, f"{formats.clock(starts)} – {formats.clock(ends)}", _TIME, room=room)  # noqa: RUF001 - a range
    y = top - 80
    if starts.date() != ends.date():
        pen.text(left, y, words.until.format(day=formats.long_day(ends.date(), words)), BODY, room=room)
        y -= _LEADING
    pen.text(left, y, formats.zone_name(starts, booking.timezone), SMALL, room=room)
    pen.text(left, top - 116, words.ref, HEAD)
    pen.text(left, top - 131, booking.ref, _REF, room=room)
    pen.box(right - _CODE - 12, top - _CODE - 6, _CODE, _CODE, _WHITE)  # the margin that readers look for
    draw_qr(pen, right - _CODE - 12, top - _CODE - 6, _CODE, booking.code)
    pen.text(right - 12 - _CODE / 2, top - _PANEL + 9, words.show_this, SMALL, align="centre", room=_CODE + 20)


def _draw_particulars(pen: Pen, top: float, booking: Confirmation, words: Messages) -> float:
    rows = [
        (words.service, booking.service),
        (words.resource, ", ".join(booking.resources)),
        (words.party_size, str(booking.party_size)),
        (words.booked_for, booking.customer),
    ]
    room = pen.width - 2 * _MARGIN - _LABEL_WIDTH
    for label, value in rows:
        if not value:
            continue
        pen.text(_MARGIN, top, label, _LABEL)
        for line in wrap(pen.lettering, value, BODY, room, most_lines=3):
            pen.text(_MARGIN + _LABEL_WIDTH, top, line, BODY)
            top -= _LEADING
        top -= 3
    return top


def _priced_pages(document: Document, booking: Confirmation, words: Messages, begin: Begin) -> Iterator[Pen]:
    """Draw the price below the booking, then its sum, the notes and the link."""
    width = A4[0] - 2 * _MARGIN
    notes = wrap(document.lettering, booking.notes, BODY, width, most_lines=_NOTE_LINES)
    ending = Ending(
        height=lambda: 62 + (24 + _LEADING * len(notes) if notes else 0) + (22 if booking.manage_url else 0),
        draw=lambda pen, top: _draw_ending(pen, top, booking, notes, words),
    )
    table, rows = price_table(booking.quote, words, left=_MARGIN, width=width)
    return table_pages(document, table, rows, begin=begin, bottom=BOTTOM, ending=ending)


def _draw_ending(pen: Pen, top: float, booking: Confirmation, notes: list[str], words: Messages) -> None:
    y = draw_price_sum(pen, top, booking.quote, words, left=_MARGIN) - 24
    if notes:
        pen.text(_MARGIN, y, words.notes, HEADING)
        for line in notes:
            y -= _LEADING
            pen.text(_MARGIN, y, line, BODY)
        y -= 24
    if booking.manage_url:
        width = pen.text(_MARGIN, y, words.change_or_cancel, _LINK)
        pen.line(_MARGIN, y - 2, _MARGIN + width, y - 2, colour=ACCENT)
        pen.link(_MARGIN, y - 4, width, 14, booking.manage_url)
