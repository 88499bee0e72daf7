"""Which font has a character: the two that are always here, then the packs that a venue has put into a folder.

A pack is any ``.ttf`` file in that folder; a file with "Bold" in its name serves bold text. A pack is opened when the first of its
characters is drawn, and then stays in memory: less than its file, which has 0.2 MiB for Arabic and 4 for Chinese.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from app.documents.pdf.coverage import Coverage
from app.documents.pdf.typefaces import FOLDER, Typeface, load
from app.runtime import logs

_REGULAR = FOLDER / "NotoSans-Regular.ttf"
_BOLD = FOLDER / "NotoSans-Bold.ttf"


class FontLibrary:
    """The fonts of an installation, best first."""

    def __init__(self, packs: Path | None) -> None:
        self._packs = _open_packs(packs) if packs else []

    def plain(self, *, bold: bool) -> Typeface:
        """Return the font that most text is in."""
        return load(_BOLD if bold else _REGULAR)

    def has(self, character: str) -> bool:
        """Tell whether any font has *character*, without opening a pack."""
        code = ord(character)
        return code in self.plain(bold=False).glyphs or any(code in coverage for _, coverage in self._packs)

    def find(self, character: str, *, bold: bool) -> Typeface | None:
        """Return the font that has *character*, or None when none has."""
        code = ord(character)
        plain = self.plain(bold=bold)
        if code in plain.glyphs:
            return plain
        having = [path for path, coverage in self._packs if code in coverage]
        having.sort(key=lambda path: ("bold" in path.name.lower()) != bold)  # the weight first, then the name
        return next((face for path in having if code in (face := load(path)).glyphs), None)


@lru_cache(maxsize=4)
def library(packs: Path | None = None) -> FontLibrary:
    """Return the fonts with those in the folder *packs*, whose list is read once a process."""
    return FontLibrary(packs)


def _open_packs(folder: Path) -> list[tuple[Path, Coverage]]:
    found = []
    for path in sorted(folder.glob("*.[to]t[fc]")):
        try:
            found.append((path, Coverage(path)))
        except ValueError as problem:
            logs.warning("font_pack_unusable", file=path.name, reason=str(problem))
    return found
