"""What a booking costs, as a page that can be filed: net, each tax, the total, and who owes it to whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from app.documents import formats
from app.documents.messages import Messages, messages
from app.documents.pdf.frames import BOTTOM, Frame
from app.documents.pdf.pauses import Pauses
from app.documents.pdf.pen import Pen
from app.documents.pdf.qr import draw_qr
from app.documents.pdf.streams import About, Document, pdf_chunks
from app.documents.pdf.styles import A4, ACCENT, BODY, INK, MUTED, SMALL, TITLE, Style
from app.documents.pdf.tables import Ending, table_pages
from app.documents.price_lines import draw_price_sum, price_table
from app.domain.prices import Quote

_MARGIN = 56.0
_CODE = 72.0
_LEADING = 14.0
_VENUE = Style(12, bold=True, colour=ACCENT)
_LABEL = Style(9, colour=MUTED)
_STRONG = BODY.strong()


@dataclass(frozen=True, slots=True)
class PrintedQuote:
    """The price of a booking and whom it is for; instants are aware, ``timezone`` is the venue's. What is empty is left out."""

    venue: str
    venue_address: str
    venue_email: str
    timezone: str
    ref: str
    service: str
    customer: str
    customer_address: str
    starts_at: datetime
    ends_at: datetime
    quote: Quote
    issued_at: datetime
    language: str = "en"


def quote_document(value: PrintedQuote, *, packs: Path | None = None, pauses: Pauses | None = None) -> Iterator[bytes]:
    """Yield the quote as a PDF in chunks; *packs* is a folder of further fonts."""
    words = messages(value.language)
    about = About(f"{words.price_quote} {value.ref}", value.venue, words.language, value.issued_at)
    return pdf_chunks(about, lambda document: _pages(document, value, words), packs=packs, pauses=pauses)


def _pages(document: Document, value: PrintedQuote, words: Messages) -> Iterator[Pen]:
    zone = ZoneInfo(value.timezone)
    note = formats.footer_note(value.issued_at, value.timezone, words)
    frame = Frame(value.venue, words.price_quote, value.ref, note, words, _MARGIN)

    def begin() -> tuple[Pen, float]:
        pen = document.pen(A4)
        return pen, frame.open(pen) if pen.page > 1 else _draw_head(pen, value, zone, words)

    table, rows = price_table(value.quote, words, left=_MARGIN, width=A4[0] - 2 * _MARGIN)
    ending = Ending(height=lambda: 120, draw=lambda pen, top: _draw_sums(pen, top, value.quote, words))
    return frame.footed(table_pages(document, table, rows, begin=begin, bottom=BOTTOM, ending=ending))


def _draw_head(pen: Pen, value: PrintedQuote, zone: ZoneInfo, words: Messages) -> float:
    """Draw who, whom and what for, and return where the table begins."""
    top, right = pen.height - _MARGIN, pen.width - _MARGIN
    room = right - _MARGIN - _CODE - 20
    pen.text(_MARGIN, top - 4, value.venue, _VENUE, room=room)
    pen.text(_MARGIN, top - 18, " · ".join(filter(None, (value.venue_address, value.venue_email))), SMALL, room=room)
    pen.text(_MARGIN, top - 58, words.price_quote, TITLE, room=room)
    draw_qr(pen, right - _CODE, top - _CODE + 8, _CODE, value.ref)
    starts, ends = value.starts_at.astimezone(zone), value.ends_at.astimezone(zone)
    end = formats.clock(ends) if starts.date() == ends.date() else formats.moment(ends, words)
    rows = (
        (words.ref, (value.ref,)),
        (words.service, (value.service, f"{formats.moment(starts, words)} – {end}")),  # noqa: RUF001 - a range
        (words.quote_for, (value.customer, value.customer_address)),
    )
    y = top - 92
    for label, lines in rows:
        y = _draw_lines(pen, y, label, [line for line in lines if line])
    return y - 8


def _draw_lines(pen: Pen, y: float, label: str, lines: list[str]) -> float:
    """Draw lines beside their label, the first one strong, and return where the next stand; nothing without a line."""
    if not lines:
        return y
    pen.text(_MARGIN, y, label, _LABEL)
    for at, line in enumerate(lines):
        pen.text(_MARGIN + 92, y, line, BODY if at else _STRONG, room=pen.width - 2 * _MARGIN - 92)
        y -= _LEADING
    return y - 6


def _draw_sums(pen: Pen, top: float, quote: Quote, words: Messages) -> None:
    tax = sum(line.amount_minor for line in quote.lines if line.kind == "tax")
    right = pen.width - _MARGIN - 5
    y = top - 18
    if tax:
        for label, minor in ((words.net, quote.total_minor - tax), (words.tax, tax)):
            pen.text(right - 160, y, label, BODY)
            pen.text(right, y, formats.amount(minor, quote.currency, words), BODY, align="right")
            y -= 15
        pen.line(right - 160, y + 8, right, y + 8, colour=INK)
    y = draw_price_sum(pen, y + 10, quote, words, left=_MARGIN)
    if tax:
        note = words.tax_note.format(tax=formats.amount(tax, quote.currency, words))
        pen.text(right, y - 22, note, SMALL, align="right")
