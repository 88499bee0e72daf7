"""Tables that run over pages: fixed column widths, a head on every page, cells cut with an ellipsis or wrapped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from app.documents.pdf.fitting import fit, wrap
from app.documents.pdf.pen import Pen
from app.documents.pdf.streams import Document
from app.documents.pdf.styles import CELL, HEAD, INK, MUTED, RULE, SHADE, Style

_GAP = 10.0  # between two columns
_LEADING = 1.3  # from line to line, in font sizes
_PADDING = 3.2  # above and below the text of a row
_HEAD_HEIGHT = 19.0

Begin = Callable[[], tuple[Pen, float]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of *width* points; a cell that needs more than *lines* lines ends in an ellipsis. Figures stand to the right.

    Of a column of *boxes* each cell with anything in it is a box to tick.
    """

    title: str
    width: float
    figures: bool = False
    lines: int = 1
    bold: bool = False
    boxes: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row; what no longer counts is muted."""

    cells: tuple[str, ...]
    muted: bool = False
    bold: bool = False


class Table:
    """A table whose left edge is at *left*."""

    def __init__(self, columns: tuple[Column, ...], left: float, style: Style = CELL) -> None:
        self._places = _places(columns, left)
        self._left = left
        self._looks = {
            (bold, muted): replace(style, bold=bold, colour=MUTED if muted else style.colour)
            for bold in (False, True)
            for muted in (False, True)
        }
        self._size = style.size
        self.width = sum(column.width for column in columns)

    def head(self, pen: Pen, top: float) -> float:
        """Draw the titles of the columns and return where the first row begins."""
        pen.box(self._left, top - _HEAD_HEIGHT, self.width, _HEAD_HEIGHT, SHADE)
        for column, x in self._places:
            title = fit(pen.lettering, column.title, HEAD, column.width - _GAP / 2)
            self._cell(pen, column, x, top - 12.5, title, HEAD)
        return top - _HEAD_HEIGHT

    def lines(self, pen: Pen, row: Row) -> list[list[str]]:
        """Return the lines of each cell."""
        return [
            wrap(pen.lettering, cell, self._look(column, row), column.width - _GAP, most_lines=column.lines)
            for (column, _), cell in zip(self._places, row.cells, strict=True)
        ]

    def height(self, lines: list[list[str]]) -> float:
        """Return how much room a row of these lines takes."""
        return max(map(len, lines), default=1) * self._size * _LEADING + 2 * _PADDING

    def draw(self, pen: Pen, top: float, row: Row, lines: list[list[str]]) -> float:
        """Draw a row below *top* and return where the next one begins."""
        base = top - _PADDING - self._size
        for (column, x), cell in zip(self._places, lines, strict=True):
            if column.boxes:
                self._box(pen, x, base, cell)
                continue
            for at, line in enumerate(cell):
                self._cell(pen, column, x, base - at * self._size * _LEADING, line, self._look(column, row))
        bottom = top - self.height(lines)
        pen.line(self._left, bottom, self._left + self.width, bottom, width=0.4, colour=RULE)
        return bottom

    def _box(self, pen: Pen, x: float, base: float, cell: list[str]) -> None:
        """Draw a box to tick, as high as the letters beside it."""
        if not cell:
            return
        left, right, low, high = x + _GAP / 2, x + _GAP / 2 + self._size, base - 1, base - 1 + self._size
        edges = ((left, low, right, low), (right, low, right, high), (right, high, left, high), (left, high, left, low))
        for edge in edges:
            pen.line(*edge, width=0.7, colour=INK)

    def _look(self, column: Column, row: Row) -> Style:
        return self._looks[column.bold or row.bold, row.muted]

    def _cell(self, pen: Pen, column: Column, x: float, y: float, text: str, style: Style) -> None:
        if column.figures:
            pen.text(x + column.width - _GAP / 2, y, text, style, align="right")
        else:
            pen.text(x + _GAP / 2, y, text, style)


def _places(columns: tuple[Column, ...], left: float) -> list[tuple[Column, float]]:
    """Return each column with its left edge."""
    edges = accumulate((column.width for column in columns), initial=left)
    return list(zip(columns, edges, strict=False))


@dataclass(frozen=True, slots=True)
class Ending:
    """What follows the last row: how much room it takes, asked when all rows are read, and how it is drawn below a height."""

    height: Callable[[], float]
    draw: Callable[[Pen, float], None]


def table_pages(
    document: Document,
    table: Table,
    rows: Iterable[Row],
    *,
    begin: Begin,
    bottom: float,
    ending: Ending,
) -> Iterator[Pen]:
    """Yield each page when it is full: of *rows* no more is read than the first that no longer fits on it.

    ``begin`` starts a page and returns where its content begins; nothing is drawn below ``bottom``.
    """
    pen, y = begin()
    y = table.head(pen, y)
    for row in rows:
        lines = table.lines(pen, row)
        if y - table.height(lines) < bottom:
            yield pen
            pen, y = begin()
            y = table.head(pen, y)
        y = table.draw(pen, y, row, lines)
        document.pauses.worked()
    if y - ending.height() < bottom:
        yield pen
        pen, y = begin()
    ending.draw(pen, y)
    yield pen
