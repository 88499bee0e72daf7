"""QR codes for a terminal: half a character high a module, in black on white whatever the terminal's own colours."""

from __future__ import annotations

from reportlab.graphics.barcode.qrencoder import QR8bitByte, QRCode, QRErrorCorrectLevel

QUIET_ZONE = 4  # modules left white on every side, ISO/IEC 18004
MAX_BYTES = 425  # version 13 at level L: 69 modules and the quiet zone are 77 columns, which a terminal of 80 has
_BLACK_ON_WHITE = "\x1b[38;5;16;48;5;231m"  # of the fixed part of the palette, which no theme changes
_RESET = "\x1b[0m"
_HALVES = {(False, False): " ", (True, False): "\u2580", (False, True): "\u2584", (True, True): "\u2588"}

Matrix = list[list[bool]]


def terminal_qr(text: str) -> str:
    """Return lines that show *text* as a QR code, to be scanned from the screen.

    Raises:
        ValueError: the text has more than 425 bytes.
    """
    rows = _framed(qr_matrix(text))
    rows.append([False] * len(rows[0]))  # their number is odd, and two make a line
    return "".join(_line(upper, lower) for upper, lower in zip(rows[::2], rows[1::2], strict=True))


def _line(upper: list[bool], lower: list[bool]) -> str:
    halves = "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
    return f"{_BLACK_ON_WHITE}{halves}{_RESET}\n"


def qr_matrix(text: str) -> Matrix:
    """Return the modules row by row, true where they are dark, as small as the text allows.

    Raises:
        ValueError: as for :func:`terminal_qr`.
    """
    if len(text.encode()) > MAX_BYTES:
        raise ValueError(f"A QR code for a terminal holds {MAX_BYTES} bytes.")
    code = QRCode(None, QRErrorCorrectLevel.L)  # a screen has no scratches
    code.addData(QR8bitByte(text))
    code.make()
    size = range(code.getModuleCount())
    return [[bool(code.isDark(row, column)) for column in size] for row in size]


def _framed(matrix: Matrix) -> Matrix:
    side = [False] * QUIET_ZONE
    blank = [[False] * (len(matrix) + 2 * QUIET_ZONE) for _ in range(QUIET_ZONE)]
    return [*blank, *([*side, *row, *side] for row in matrix), *blank]
