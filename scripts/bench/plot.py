"""Lines over requests as a PNG, drawn with nothing but zlib: no drawing library is worth a dependency for one picture."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 900, 480, 60, 20, 20, 40
INK, GRID, PAPER = (40, 40, 40), (225, 225, 225), (255, 255, 255)
COLOURS = ((200, 40, 40), (30, 90, 200), (30, 150, 80), (190, 120, 20), (130, 60, 170))
# Letters of 3 x 5 points, a row an octal digit: enough for an axis and a legend.
_LETTERS = {
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717", "6": "74757", "7": "71122",
    "8": "75757", "9": "75717", ".": "00002", ",": "00024", "-": "00700", " ": "00000", "a": "07577", "b": "44757",
    "c": "07447", "d": "11757", "e": "75747", "f": "34644", "g": "75717", "h": "44755", "i": "20222", "k": "45655",
    "l": "22223", "m": "05755", "n": "07555", "o": "07557", "p": "75744", "q": "75711", "r": "07444", "s": "07477",
    "t": "27223", "u": "05557", "v": "05552", "w": "05577", "x": "05255", "y": "55717", "M": "57755", "B": "65656",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line of a plot: its name, and points of (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]


class _Canvas:
    def __init__(self) -> None:
        self.rows = [bytearray(bytes(PAPER) * WIDTH) for _ in range(HEIGHT)]

    def dot(self, x: int, y: int, colour: tuple[int, int, int]) -> None:
        if 0 <= x < WIDTH and 0 <= y < HEIGHT:
            self.rows[y][3 * x : 3 * x + 3] = bytes(colour)

    def line(self, start: tuple[int, int], end: tuple[int, int], colour: tuple[int, int, int]) -> None:
        (x0, y0), (x1, y1) = start, end
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1):
            self.dot(round(x0 + (x1 - x0) * step / steps), round(y0 + (y1 - y0) * step / steps), colour)

    def write(self, x: int, y: int, words: str, colour: tuple[int, int, int] = INK) -> None:
        for number, letter in enumerate(words):
            for row, digit in enumerate(_LETTERS.get(letter, _LETTERS["-"])):
                for column in range(3):
                    if int(digit) >> 2 - column & 1:
                        self._point(x + 8 * number + 2 * column, y + 2 * row, colour)

    def _point(self, x: int, y: int, colour: tuple[int, int, int]) -> None:
        for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
            self.dot(x + right, y + down, colour)

    def png(self) -> bytes:
        head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
        rows = zlib.compress(b"".join(b"\0" + row for row in self.rows))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunks(head, rows))


def _chunks(head: bytes, rows: bytes) -> Iterator[bytes]:
    """Yield the chunks of a picture. Source: W3C, Portable Network Graphics, 5.3."""
    for name, data in ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")):
        yield struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def draw(path: Path, lines: Sequence[Line], *, across: str, upwards: str) -> None:
    """Write the picture of some lines; the axis *upwards* begins at zero, so that a flat line looks flat."""
    canvas = _Canvas()
    widest = max(x for line in lines for x, _ in line.points) or 1
    highest = _round_up(max(y for line in lines for _, y in line.points) or 1)

    def place(x: float, y: float) -> tuple[int, int]:
        return (
            LEFT + round(x / widest * (WIDTH - LEFT - RIGHT)),
            HEIGHT - BOTTOM - round(y / highest * (HEIGHT - TOP - BOTTOM)),
        )

    for part in range(6):
        _rule(canvas, place(0, highest * part / 5), place(widest, highest * part / 5), f"{highest * part / 5:g}", 0)
        _rule(canvas, place(widest * part / 5, 0), place(widest * part / 5, highest), f"{widest * part / 5:,.0f}", 1)
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        canvas.write(LEFT + 12 + 200 * (number % 4), HEIGHT - BOTTOM - 22 - 16 * (number // 4), line.name, colour)
        for start, end in pairwise(line.points):
            canvas.line(place(*start), place(*end), colour)
    canvas.write(WIDTH - RIGHT - 8 * len(across), HEIGHT - 14, across)
    canvas.write(4, 4, upwards)
    path.write_bytes(canvas.png())


def _rule(canvas: _Canvas, start: tuple[int, int], end: tuple[int, int], number: str, is_upright: int) -> None:
    canvas.line(start, end, GRID)
    x, y = start
    canvas.write(*((x - 4 * len(number), y + 6) if is_upright else (x - 8 * len(number) - 4, y - 4)), number)


def _round_up(value: float) -> float:
    step = float(10 ** (len(str(int(value))) - 1)) / 2
    return ceil(value / step) * step
