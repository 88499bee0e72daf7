"""Text becomes lines of glyphs: the font of each character, its direction and shape, widths, wrapping and the ellipsis.

Text is literal by construction: what reaches the page are the hexadecimal codes of glyphs, never a character of the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from unicodedata import category

from app.documents.pdf.directions import visual_runs
from app.documents.pdf.embedded import EmbeddedFont
from app.documents.pdf.library import library
from app.documents.pdf.missing import MissingCharacters
from app.documents.pdf.objects import ObjectFile, text_string
from app.documents.pdf.shaping import PlacedGlyph, can_shape, needs_shaping, shape
from app.documents.pdf.typefaces import Typeface

_MOST_CHARACTERS = 4000  # of one text: a long page of them; the rest is cut before any work is done on it
_REMEMBERED = 200  # lines: names of services, resources and statuses come again in every row
_REMEMBERED_CHARACTERS = 80  # of one: all that is remembered takes 0.2 MiB
_BLANKS = str.maketrans(dict.fromkeys("\t\n\r\v\f\u0085\u2028\u2029", " "))


@dataclass(frozen=True, slots=True)
class Piece:
    """Glyphs of one font: for each height (in thousandths of the font size) the operand of PDF's TJ.

    ``actual`` is what a reader copies, as a PDF string, where the glyphs themselves do not say it.
    """

    font: str
    shown: tuple[tuple[int, str], ...]
    actual: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, ready to be drawn at any size; the width is in thousandths of the font size."""

    pieces: tuple[Piece, ...]
    width: int

    def at(self, size: float) -> float:
        """Return the width in points at a font size."""
        return self.width * size / 1000


class Lettering:
    """The text of one document, and the fonts that it has used."""

    def __init__(self, file: ObjectFile, packs: Path | None = None) -> None:
        self.missing = MissingCharacters()
        self.fonts: dict[Typeface, EmbeddedFont] = {}
        self._file = file
        self._library = library(packs)
        self._plain: tuple[dict[str, tuple[str, int]], ...] = ({}, {})
        self._lines: dict[tuple[str, bool], Line] = {}

    def line(self, text: str, *, bold: bool = False) -> Line:
        """Return *text* as one line; breaks and tabs in it become blanks."""
        if len(text) > _REMEMBERED_CHARACTERS:
            return self.measure(text, bold=bold)
        found = self._lines.get((text, bold))
        if found is None:
            if len(self._lines) >= _REMEMBERED:
                self._lines.clear()
            found = self._lines[text, bold] = self.measure(text, bold=bold)
        return found

    def measure(self, text: str, *, bold: bool) -> Line:
        """Return the same as :meth:`line` for text that will hardly come again, and is not worth remembering."""
        shown = text[:_MOST_CHARACTERS].translate(_BLANKS)
        return self._set_plain(shown, bold=bold) or self._set_mixed(shown, bold=bold)

    def _set_plain(self, text: str, *, bold: bool) -> Line | None:
        """Return a line of characters that were drawn before from the plain font, as nearly all are; None for any other."""
        known = self._plain[bold]
        try:
            glyphs = [known[character] for character in text]
        except KeyError:
            return None
        if not glyphs:
            return Line((), 0)
        codes = "".join([code for code, _ in glyphs])
        font = self._font(self._library.plain(bold=bold))
        return Line((Piece(font.name, ((0, f"<{codes}>"),)),), sum([width for _, width in glyphs]))

    def _set_mixed(self, text: str, *, bold: bool) -> Line:
        pieces: list[Piece] = []
        width = 0
        for run, leftward in visual_runs(text):
            parts = self._by_font(run, bold=bold)
            for typeface, part in reversed(parts) if leftward else parts:
                drawn, advance = self._draw(typeface, part, bold=bold, leftward=leftward)
                pieces += drawn
                width += advance
        return Line(tuple(pieces), width)

    def _by_font(self, text: str, *, bold: bool) -> list[tuple[Typeface | None, str]]:
        """Return the text in stretches of one font each; marks and blanks stay with what they follow, when its font has them."""
        faces: list[Typeface | None] = []
        for character in text:
            before = faces[-1] if faces else None
            follows = category(character) in {"Mn", "Mc", "Me", "Zs"}
            if before and (_is_unseen(character) or (follows and ord(character) in before.glyphs)):
                faces.append(before)
            else:
                faces.append(self._library.find(character, bold=bold))
        pairs = groupby(zip(faces, text, strict=True), key=lambda pair: pair[0])
        return [(face, "".join(character for _, character in group)) for face, group in pairs]

    def _draw(self, face: Typeface | None, text: str, *, bold: bool, leftward: bool) -> tuple[list[Piece], int]:
        if face is None:
            return self._boxes(text, "no font has it", bold=bold)
        if not needs_shaping(text):
            return self._simple(face, text[::-1] if leftward else text, bold=bold)
        if not can_shape():
            return self._boxes(text, "uharfbuzz is not installed", bold=bold)
        return self._shaped(face, text, leftward=leftward)

    def _boxes(self, text: str, reason: str, *, bold: bool) -> tuple[list[Piece], int]:
        """Return a box for each character that cannot be shown; the reader still copies the text itself."""
        missing = [character for character in text if not _is_unseen(character)]
        if not missing:
            return [], 0
        self.missing.add(missing, reason)
        boxes = sum(category(character) != "Mn" for character in missing) or 1  # a mark stands with its letter
        plain = self._library.plain(bold=bold)
        piece = Piece(self._font(plain).name, ((0, f"<{'0000' * boxes}>"),), text_string(text))
        return [piece], plain.widths[0] * boxes

    def _simple(self, face: Typeface, text: str, *, bold: bool) -> tuple[list[Piece], int]:
        font = self._font(face)
        known = self._plain[bold] if face is self._library.plain(bold=bold) else {}
        for character in text:
            if character not in known:
                glyph = 0 if _is_unseen(character) else face.glyphs[ord(character)]
                width = face.widths[glyph] if glyph else 0
                known[character] = (f"{font.code(glyph, character):04X}" if glyph else "", width)
        codes = "".join(known[character][0] for character in text)
        return [Piece(font.name, ((0, f"<{codes}>"),))], sum(known[character][1] for character in text)

    def _shaped(self, face: Typeface, text: str, *, leftward: bool) -> tuple[list[Piece], int]:
        font = self._font(face)
        glyphs = shape(face, text, leftward=leftward)
        self.missing.add("".join(placed.text for placed in glyphs if placed.glyph == 0), "its font has no glyph for it")
        shown = tuple(
            (up, " ".join(_operand(font, placed) for placed in group))
            for up, group in groupby(glyphs, key=lambda placed: placed.up)
        )
        # Readers turn what runs leftward around by themselves, and would turn the whole text around a second time.
        actual = "" if leftward else text_string(text)
        return [Piece(font.name, shown, actual)], sum(placed.advance for placed in glyphs)

    def _font(self, face: Typeface) -> EmbeddedFont:
        if face not in self.fonts:
            self.fonts[face] = EmbeddedFont(f"F{len(self.fonts) + 1}", face, self._file.reserve())
        return self.fonts[face]


def _is_unseen(character: str) -> bool:
    """Tell whether a character only steers others: joiners, soft hyphens, variation selectors."""
    return category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"


def _operand(font: EmbeddedFont, placed: PlacedGlyph) -> str:
    """Return a shaped glyph for TJ, with the steps (to the left, in thousandths) that put it and the next one in place."""
    code = font.code(placed.glyph, placed.text)
    after = placed.advance - placed.right - font.typeface.widths[placed.glyph]
    return f"{-placed.right or ''}<{code:04X}>{-after or ''}"
