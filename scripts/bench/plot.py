"""Lines over requests as a PNG, drawn by Pillow, which ReportLab brings along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 1600, 840, 130, 130, 60, 120
INK, GRID, PAPER = "#333333", "#e3e3e3", "#ffffff"
COLOURS = ("#c0392b", "#1f5fbf", "#1e8f55", "#b9770e", "#7d3c98")
LETTERS, STROKE = 28, 4
RULES = 5  # about so many, each way
_ROUND = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Line:
    """One line of a plot: its name, and points of (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class _Frame:
    """Where values lie on the picture; both axes begin at zero, so that a flat line looks flat."""

    widest: float
    highest: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + x / self.widest * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - y / self.highest * (HEIGHT - TOP - BOTTOM),
        )


def draw(path: Path, lines: Sequence[Line], *, across: str, upwards: str) -> None:
    """Write the picture of some lines."""
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - drawn once, at the end of a bench

    frame = _Frame(
        max(x for line in lines for x, _ in line.points) or 1,
        1.1 * max(y for line in lines for _, y in line.points) or 1,
    )
    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    canvas = ImageDraw.Draw(picture)
    canvas.font = ImageFont.load_default(LETTERS)
    _draw_axes(canvas, frame, across, upwards)
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        canvas.line([frame.place(*point) for point in line.points], colour, STROKE, joint="curve")
    _draw_legend(canvas, [line.name for line in lines])
    picture.save(path, optimize=True)


def _draw_axes(canvas: ImageDraw, frame: _Frame, across: str, upwards: str) -> None:
    for y in _steps(frame.highest):
        canvas.line([frame.place(0, y), frame.place(frame.widest, y)], GRID, 2)
        canvas.text((LEFT - 16, frame.place(0, y)[1]), f"{y:g}", INK, anchor="rm")
    for x in _steps(frame.widest):
        canvas.text((frame.place(x, 0)[0], HEIGHT - BOTTOM + 16), f"{x:,.0f}", INK, anchor="ma")
    canvas.text((WIDTH - RIGHT, HEIGHT - 24), across, INK, anchor="rs")
    canvas.text((LEFT - 16, TOP - 24), upwards, INK, anchor="rs")


def _draw_legend(canvas: ImageDraw, names: Sequence[str]) -> None:
    x: float = LEFT
    for number, name in enumerate(names):
        canvas.line([(x, 56), (x + 40, 56)], COLOURS[number % len(COLOURS)], 2 * STROKE)
        canvas.text((x + 54, 56), name, INK, anchor="lm")
        x += 54 + canvas.textlength(name) + 48


def _steps(highest: float) -> Iterator[float]:
    """Yield round values from zero on, about RULES of them."""
    rough = highest / RULES
    power = 10 ** floor(log10(rough))
    step = next(power * one for one in _ROUND if power * one >= rough)
    return (step * number for number in range(ceil(highest / step) + 1) if step * number <= highest)
