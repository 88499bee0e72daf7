"""That a phone reads these codes was seen by hand: 18 texts up to 425 bytes, drawn as pixels, were decoded by OpenCV."""

from __future__ import annotations

import re

import pytest
from reportlab.graphics.barcode.qrencoder import QR8bitByte, QRCode, QRErrorCorrectLevel

from app.cli.qr import QUIET_ZONE, qr_matrix, terminal_qr

URI = "otpauth://totp/Slotkeeper:clerk%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Slotkeeper"
FINDER = ["#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"]
HALVES = {" ": "..", "\u2580": "#.", "\u2584": ".#", "\u2588": "##"}


def seen(shown: str) -> list[str]:
    """Return what an eye sees, one row of modules after the other."""
    rows = []
    for line in shown.splitlines():
        halves = [HALVES[letter] for letter in re.sub(r"\x1b\[[0-9;]*m", "", line)]
        rows += ["".join(half[0] for half in halves), "".join(half[1] for half in halves)]
    return rows


def module_rows(text: str) -> list[str]:
    """Return the modules without the quiet zone, after a look that the zone is there."""
    rows = seen(terminal_qr(text))
    width = len(rows[0])
    assert {len(row) for row in rows} == {width}
    blank = "." * width
    assert rows[:QUIET_ZONE] == [blank] * QUIET_ZONE
    assert rows[width - QUIET_ZONE :] == [blank] * (QUIET_ZONE + 1)  # and the half line that fills up the last one
    assert {row[:QUIET_ZONE] + row[-QUIET_ZONE:] for row in rows} == {"." * 2 * QUIET_ZONE}
    return [row[QUIET_ZONE:-QUIET_ZONE] for row in rows[QUIET_ZONE : width - QUIET_ZONE]]


@pytest.mark.parametrize("text", ["x", URI, "Gr\u00fc\u00dfe", "0123456789" * 42])
def test_three_corners_hold_the_finder_patterns_and_two_lines_the_timing(text: str) -> None:
    rows = module_rows(text)
    size = len(rows)
    assert size % 4 == 1
    assert [row[:7] for row in rows[:7]] == FINDER
    assert [row[-7:] for row in rows[:7]] == FINDER
    assert [row[:7] for row in rows[-7:]] == FINDER
    expected = ("#." * size)[8 : size - 8]
    assert rows[6][8 : size - 8] == expected
    assert "".join(row[6] for row in rows)[8 : size - 8] == expected


@pytest.mark.parametrize("text", ["x", URI])
def test_the_modules_are_those_of_the_encoder(text: str) -> None:
    code = QRCode(None, QRErrorCorrectLevel.L)
    code.addData(QR8bitByte(text))
    code.make()
    expected = ["".join("#" if dark else "." for dark in row) for row in code.modules]
    assert module_rows(text) == expected
    assert ["".join("#" if dark else "." for dark in row) for row in qr_matrix(text)] == expected


def test_the_colours_are_said_on_every_line_and_taken_back() -> None:
    for line in terminal_qr(URI).splitlines():
        assert re.fullmatch("\x1b\\[38;5;16;48;5;231m[ \u2580\u2584\u2588]+\x1b\\[0m", line)


def test_the_longest_text_fits_a_terminal_and_a_longer_one_is_refused() -> None:
    assert len(seen(terminal_qr("x" * 425))[0]) == 77
    with pytest.raises(ValueError, match="425"):
        terminal_qr("x" * 426)
    with pytest.raises(ValueError, match="425"):
        terminal_qr("\u00fc" * 213)
