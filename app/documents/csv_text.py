"""Rows as CSV that opens in a spreadsheet and does nothing there, with a last line that proves it is all there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from app.documents.pdf.pauses import Pauses

CHUNK_CHARACTERS = 32 * 1024
_BOM = "\ufeff"
_STARTS_A_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - the wide ones count, too, where people write with them

Cell = str | int


def csv_chunks(
    heads: Sequence[str], pages: Iterable[Sequence[Sequence[Cell]]], *, bom: bool = False, pauses: Pauses | None = None
) -> Iterator[bytes]:
    """Yield UTF-8 text after RFC 4180 in chunks of some 32 KiB; whatever is there at the end of a page leaves with it.

    Text that a spreadsheet would compute gets an apostrophe in front; numbers stay numbers. The last line is ``#rows=N``, with the
    number of rows between it and the heads: without it, the file was cut.
    """
    pauses = pauses or Pauses()
    text = io.StringIO(newline="")
    write = csv.writer(text, lineterminator="\r\n").writerow
    text.write(_BOM if bom else "")
    write(heads)
    count = 0
    for page in pages:
        for row in page:
            write([_harmless(cell) for cell in row])
            count += 1
            if text.tell() >= CHUNK_CHARACTERS:
                yield _taken(text)
                pauses.worked()
        yield _taken(text)
        pauses.worked()
    text.write(f"#rows={count}\r\n")
    yield _taken(text)


def as_written(text: str) -> str:
    """Return a cell of such a file as it was before: without the apostrophe that keeps a spreadsheet from computing it."""
    return text[1:] if text[:1] == "'" and text[1:2] in _STARTS_A_FORMULA and text[1:] else text


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in _STARTS_A_FORMULA and cell else cell


def _taken(text: io.StringIO) -> bytes:
    taken = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return taken
