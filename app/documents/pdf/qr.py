"""QR codes as shapes that stay sharp at any size."""

from __future__ import annotations

from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from itertools import groupby
from pathlib import Path
from typing import Any

import reportlab

from app.documents.pdf.pen import Pen
from app.documents.pdf.styles import INK, Colour

_QUIET = 4  # modules of white around the code (ISO/IEC 18004, 6.3.8)
_MOST_BYTES = 500  # beyond it the squares of a printed code of 3 cm get too small for a telephone


def _load_encoder() -> Any:  # noqa: ANN401 - ReportLab ships no types
    """Load ReportLab's encoder by itself: its package would bring platypus, Pillow and 4 MiB of other bar codes."""
    folder = Path(reportlab.__file__).parent / "graphics" / "barcode"
    spec = PathFinder.find_spec("qrencoder", [str(folder)])
    if spec is None or spec.loader is None:
        raise ImportError(f"ReportLab's QR encoder is not in {folder}; this version of ReportLab is not supported.")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_ENCODER = _load_encoder()


def qr_rows(text: str) -> list[list[bool]]:
    """Return the squares of a QR code for *text*, row by row from the top, dark ones True; 15 % may be damaged.

    Raises:
        ValueError: the text is longer than 500 bytes.
    """
    data = text.encode("utf-8")
    if len(data) > _MOST_BYTES:
        raise ValueError(f"A QR code holds at most {_MOST_BYTES} bytes; the text has {len(data)}.")
    code = _ENCODER.QRCode(None, _ENCODER.QRErrorCorrectLevel.M)
    code.addData(_ENCODER.QR8bitByte(data))
    code.make()
    size = range(code.getModuleCount())
    return [[bool(code.isDark(row, column)) for column in size] for row in size]


def draw_qr(pen: Pen, x: float, y: float, side: float, text: str, *, colour: Colour = INK) -> None:
    """Draw a QR code into the square of *side* points at (*x*, *y*), its white margin included."""
    rows = qr_rows(text)
    unit = side / (len(rows) + 2 * _QUIET)
    boxes = []
    for row, squares in enumerate(rows):
        column = 0
        for dark, group in groupby(squares):
            run = len(list(group))
            if dark:
                boxes.append((x + (column + _QUIET) * unit, y + side - (row + _QUIET + 1) * unit, run * unit, unit))
            column += run
    pen.boxes(boxes, colour)
