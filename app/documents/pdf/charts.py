"""Bars that show shares of a whole, drawn with the pen."""

from __future__ import annotations

from dataclasses import dataclass

from app.documents.pdf.pen import Pen
from app.documents.pdf.styles import ACCENT, RULE, SHADE, SMALL

_AXIS = 34.0  # to the left of the bars
_FOOT = 14.0  # below them
_GAP = 0.28  # of a bar's room
_WIDEST = 36.0
_LABEL_ROOM = 44.0  # a label takes this much, so that not every bar has one where they are many
_TOLD = 1.05  # of the whole: what is less over would be told as 1.0
_GRID = (0, 25, 50, 75, 100)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: *part* of *whole*; a whole of nothing has no bar and no ground."""

    label: str
    part: int
    whole: int


def draw_bars(  # noqa: PLR0913 - a rectangle and what is in it
    pen: Pen, left: float, bottom: float, width: float, height: float, bars: list[Bar], *, decimal: str = "."
) -> None:
    """Draw bars over a grid from 0 to 100 % into a rectangle; more than 100 % touches the top and says how much."""
    base, room = bottom + _FOOT, height - _FOOT - 10
    for percent in _GRID:
        y = base + room * percent / 100
        pen.line(left + _AXIS, y, left + width, y, width=0.4, colour=RULE)
        pen.text(left + _AXIS - 6, y - 2.8, f"{percent} %", SMALL, align="right")
    if bars:
        _draw_all(pen, left + _AXIS, bottom, (width - _AXIS) / len(bars), room, bars, decimal)


def _draw_all(  # noqa: PLR0913, PLR0917 - as above
    pen: Pen, left: float, bottom: float, step: float, room: float, bars: list[Bar], decimal: str
) -> None:
    thick, base = min(step * (1 - _GAP), _WIDEST), bottom + _FOOT
    every = -(-int(_LABEL_ROOM) // max(int(step), 1))
    places = [(left + step * at + (step - thick) / 2, bar) for at, bar in enumerate(bars)]
    grounds = [(x, base, thick, room) for x, bar in places if bar.whole]
    filled = [(x, base, thick, room * min(bar.part / bar.whole, 1)) for x, bar in places if bar.part and bar.whole]
    for boxes, colour in ((grounds, SHADE), (filled, ACCENT)):
        if boxes:
            pen.boxes(boxes, colour)
    for x, bar in places[::every]:
        pen.text(x + thick / 2, bottom + 2, bar.label, SMALL, align="centre")
    for x, bar in places:
        if bar.whole and bar.part / bar.whole >= _TOLD:
            times = f"{bar.part / bar.whole:.1f}×".replace(".", decimal)  # noqa: RUF001 - times
            pen.text(x + thick / 2, base + room + 3, times, SMALL, align="centre")
