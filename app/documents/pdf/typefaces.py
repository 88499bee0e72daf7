"""Font files: the glyph of each character, the width of each glyph, and subsets to embed."""

from __future__ import annotations

from array import array
from functools import cache
from pathlib import Path
from typing import Any

from reportlab.pdfbase.ttfonts import TTFontFace

FOLDER = Path(__file__).parent / "fonts"


class Typeface:
    """One TrueType file, read once a process and shared by all documents.

    ReportLab reads the file and cuts subsets. Its map of characters is taken out and replaced by one from each glyph number to
    itself, so that a subset is made of glyphs: those that shaping puts in place have no character of their own.
    """

    def __init__(self, path: Path) -> None:
        face = TTFontFace(str(path))
        scale = 1000 / face.unitsPerEm
        self._face = face
        self.glyphs: dict[int, int] = {code: glyph for code, glyph in face.charToGlyph.items() if glyph}
        self.widths = array("H", (round(advance * scale) for advance, _ in face.hmetrics))
        face.charToGlyph = range(face.numGlyphs)
        face.glyphPos = array("L", face.glyphPos)
        face.glyphToChar = face.charWidths = None  # half of what a face takes, and made for ReportLab's own text
        self.name: str = face.name.decode("ascii")
        self.units_per_em: int = face.unitsPerEm
        self.shaper: Any = None  # what shaping.py has made of this file

    @property
    def data(self) -> bytes:
        """The whole file."""
        return bytes(self._face._ttf_data)  # noqa: SLF001 - ReportLab has it in memory; a second copy costs as much again

    def subset(self, glyphs: list[int]) -> bytes:
        """Return a font file of *glyphs* (distinct, not 0): glyph 0 says "missing", the first of them is number 1, and so on."""
        return bytes(self._face.makeSubset(glyphs))

    def descriptor(self, font_name: str, file_number: int) -> str:
        """Return the font descriptor that PDF readers lay lines out by."""
        face = self._face
        box = " ".join(str(round(edge)) for edge in face.bbox)
        return (
            f"<</Type/FontDescriptor/FontName/{font_name}/Flags 4/FontBBox[{box}]/ItalicAngle {round(face.italicAngle)}"
            f"/Ascent {round(face.ascent)}/Descent {round(face.descent)}/CapHeight {round(face.capHeight)}"
            f"/StemV {round(face.stemV)}/FontFile2 {file_number} 0 R>>"
        )


@cache  # the two that are always here, and the packs that names have needed
def load(path: Path) -> Typeface:
    """Return the typeface of a file."""
    return Typeface(path)
