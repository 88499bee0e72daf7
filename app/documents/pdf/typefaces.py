"""Font files: the glyph of each character, the width of each glyph, and subsets to embed."""

from __future__ import annotations

import struct
from array import array
from functools import cache
from pathlib import Path
from typing import Any

from app.documents.pdf.character_maps import CharacterMap
from app.documents.pdf.font_files import Glyphs, read_tables

FOLDER = Path(__file__).parent / "fonts"
_MEDIUM = 500  # the weight of a font that says none
_POSTSCRIPT_NAME = 6
_WITH_CAPITALS = 2  # the version of OS/2 from which on it tells the height of capital letters


class Typeface:
    """One TrueType file, read once a process and shared by all documents."""

    def __init__(self, path: Path) -> None:
        tables = read_tables(path)
        (self.units_per_em,) = struct.unpack_from(">H", tables[b"head"], 18)
        scale = self._scale = 1000 / self.units_per_em
        self._path = path
        self._outlines = Glyphs(tables)
        self.glyphs = CharacterMap(tables.pop(b"cmap"))
        self.widths = array("H", (round(advance * scale) for advance in self._outlines.advances))
        self.name = _name(tables.pop(b"name", b"")) or "Font"
        self._metrics = _metrics(tables.pop(b"OS/2", b""), tables.pop(b"post", b""), tables[b"head"], scale)
        self.shaper: Any = None  # what shaping.py has made of this file

    @property
    def data(self) -> bytes:
        """The whole file, read anew: only a shaper asks, once, and needs the tables that are not kept here."""
        return self._path.read_bytes()

    def subset(self, glyphs: list[int]) -> bytes:
        """Return a font file of *glyphs* (distinct, not 0): glyph 0 says "missing", the first of them is number 1, and so on."""
        return self._outlines.cut(glyphs)

    def descriptor(self, font_name: str, file_number: int) -> str:
        """Return the font descriptor that PDF readers lay lines out by."""
        return f"<</Type/FontDescriptor/FontName/{font_name}/Flags 4{self._metrics}/FontFile2 {file_number} 0 R>>"


@cache  # the two that are always here, and the packs that names have needed
def load(path: Path) -> Typeface:
    """Return the typeface of a file."""
    return Typeface(path)


def _metrics(os2: bytes, post: bytes, head: bytes, scale: float) -> str:
    """Return the entries of a font descriptor that measure; a font without OS/2, as Apple's may be, is measured by its box."""
    box = [round(edge * scale) for edge in struct.unpack_from(">4h", head, 36)]
    ascent, descent, capitals, weight = box[3], box[1], box[3], _MEDIUM
    if os2:
        version, weight = struct.unpack_from(">H2xH", os2)
        ascent, descent = (round(height * scale) for height in struct.unpack_from(">hh", os2, 68))
        capitals = round(struct.unpack_from(">h", os2, 88)[0] * scale) if version >= _WITH_CAPITALS else ascent
    angle = round(struct.unpack_from(">l", post, 4)[0] / 65536) if post else 0
    stem = 50 + int((weight / 65) ** 2)  # no table has it; this is how PDFlib guesses
    edges = " ".join(map(str, box))
    return f"/FontBBox[{edges}]/ItalicAngle {angle}/Ascent {ascent}/Descent {descent}/CapHeight {capitals}/StemV {stem}"


def _name(table: bytes) -> str:
    """Return a font's PostScript name, of what a name in a PDF may hold."""
    count, strings = struct.unpack_from(">2xHH", table) if table else (0, 0)
    for n in range(count):
        platform, _, _, kind, length, offset = struct.unpack_from(">6H", table, 6 + 12 * n)
        if kind == _POSTSCRIPT_NAME:
            raw = table[strings + offset : strings + offset + length]
            text = raw.decode("latin-1" if platform == 1 else "utf-16-be", "replace")
            return "".join(letter for letter in text if letter.isascii() and (letter.isalnum() or letter in "-_."))
    return ""
