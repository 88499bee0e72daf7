"""QR codes: the squares that a reader (zxing) has read back as this text, and how they stand on the page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from app.documents.pdf.pen import Pen
from app.documents.pdf.qr import draw_qr, qr_rows
from app.documents.pdf.streams import About, Document, pdf_chunks
from app.documents.pdf.styles import A4
from tests.documents import reading

READ_AS_K7Q_4M2P = """
#######.####..#######
#.....#.......#.....#
#.###.#..#.##.#.###.#
#.###.#.##.#..#.###.#
#.###.#.#####.#.###.#
#.....#.##..#.#.....#
#######.#.#.#.#######
........#.#..........
#...#.###.#.######..#
.#.#.#.#.##.####.##..
......#...#.#...#.#..
#.##....#.###..#...##
#...#.###.##.##..###.
........#..##..##.###
#######.#..#..###..#.
#.....#...#..##.##...
#.###.#.#.#.#####..#.
#.###.#..##.###..#.##
#.###.#...#.##..#....
#.....#..#.##..###...
#######.##.#..##.#..#
"""


def test_a_code_has_the_squares_that_were_read_back() -> None:
    rows = ["".join("#" if dark else "." for dark in row) for row in qr_rows("K7Q-4M2P")]
    assert rows == READ_AS_K7Q_4M2P.split()


@pytest.mark.parametrize(("length", "side"), [(14, 21), (26, 25), (62, 33), (500, 85)])
def test_a_code_is_as_large_as_its_text_needs(length: int, side: int) -> None:
    assert len(qr_rows("x" * length)) == side


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 500 bytes; the text has 502"):
        qr_rows("é" * 251)


def test_a_code_is_drawn_as_one_shape_inside_its_square(tmp_path: Path) -> None:
    def draw(document: Document) -> Iterator[Pen]:
        pen = document.pen(A4)
        draw_qr(pen, 100, 200, 87, "K7Q-4M2P")
        yield pen

    data = b"".join(pdf_chunks(About("Q", "A", "en", datetime(2026, 1, 1, tzinfo=timezone.utc)), draw))
    content = reading.contents(data).decode("ascii")
    assert content.count(" f") == 1
    numbers = content.split("rg")[1].replace(" f", "").split("re")[:-1]
    boxes = [tuple(map(float, box.split())) for box in numbers]
    unit = 87 / 29  # 21 squares and 4 of white on each side
    assert min(x for x, *_ in boxes) == 100 + 4 * unit
    assert max(x + w for x, _, w, _ in boxes) == pytest.approx(100 + 25 * unit)
    assert max(y + h for _, y, _, h in boxes) == pytest.approx(200 + 25 * unit)
    dark = READ_AS_K7Q_4M2P.count("#")
    assert sum(w * h for _, _, w, h in boxes) == pytest.approx(dark * unit * unit)
    assert reading.problems(data, tmp_path) == ""
