"""A quote on paper: its lines as a table, taxes among them, and the sum below."""

from __future__ import annotations

from app.documents import formats
from app.documents.messages import Messages
from app.documents.pdf.pen import Pen
from app.documents.pdf.styles import BODY, Style
from app.documents.pdf.tables import Column, Row, Table
from app.domain.prices import Line, Quote

_CELL = Style(9.5)
_SUM = Style(13, bold=True)
_INSET = 5.0  # the figures end where those of the table do
_SUM_WIDTH = 160.0


def price_table(quote: Quote, words: Messages, *, left: float, width: float) -> tuple[Table, list[Row]]:
    """Return the table of a quote's lines and its rows; without lines it has no columns, and so no head."""
    columns = (
        Column(words.description, width - 230, lines=2),
        Column(words.quantity, 60, figures=True),
        Column(words.unit_price, 90, figures=True),
        Column(words.amount, 80, figures=True),
    )
    rows = [_row(line, quote.currency, words) for line in quote.lines]
    return Table(columns if rows else (), left, _CELL), rows


def _row(line: Line, currency: str, words: Messages) -> Row:
    label, quantity, unit = line.label, str(line.quantity), formats.amount(line.unit_minor, currency, words)
    if line.kind == "time":
        quantity, unit = words.minutes.format(count=line.quantity), words.per_hour.format(amount=unit)
    elif line.kind == "tax":
        quantity = unit = ""
        label = label.replace("Tax ", f"{words.tax} ", 1).replace(".", words.decimal)
    return Row((label, quantity, unit, formats.amount(line.amount_minor, currency, words)))


def draw_price_sum(pen: Pen, top: float, quote: Quote, words: Messages, *, left: float) -> float:
    """Draw the total and the deposit between the margins *left* wide, and return the last base line."""
    right, y = pen.width - left - _INSET, top - 20
    if not quote.lines:
        pen.text(left, y, words.nothing_to_pay, BODY)
        return y
    pen.text(right - _SUM_WIDTH, y, words.total, _SUM)
    pen.text(right, y, formats.amount(quote.total_minor, quote.currency, words), _SUM, align="right")
    if quote.deposit_minor:
        y -= 18
        pen.text(right - _SUM_WIDTH, y, words.deposit, BODY)
        pen.text(right, y, formats.amount(quote.deposit_minor, quote.currency, words), BODY, align="right")
    return y
