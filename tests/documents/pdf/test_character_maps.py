"""The glyph of each character, as the font's own index says it, against what ReportLab makes of the same file."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from reportlab.pdfbase.ttfonts import TTFontFace

from app.documents.pdf.character_maps import CharacterMap
from app.documents.pdf.typefaces import FOLDER, load
from tests.documents import reading

NOTO = Path("/usr/share/fonts/truetype/noto")
FILES = [
    FOLDER / "NotoSans-Regular.ttf",
    FOLDER / "NotoSans-Bold.ttf",
    NOTO / "NotoSansDevanagari-Regular.ttf",
    NOTO / "NotoSansEgyptianHieroglyphs-Regular.ttf",  # beyond the first 65,536 characters
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf"),
]
NO_BREAK_SPACE = 0xA0  # ReportLab draws it as a blank, whatever the font has


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_character_has_the_glyph_that_reportlab_finds(path: Path) -> None:
    if not path.exists():
        reading.missing(path.name, "apt-get install fonts-noto-core fonts-dejavu")
    ours, theirs = load(path).glyphs, TTFontFace(str(path)).charToGlyph
    codes = set(range(0x20000)) - {NO_BREAK_SPACE}
    assert [hex(code) for code in sorted(codes) if ours[code] != theirs.get(code, 0)] == []
    assert sum(code in ours for code in codes) > 100


def segments(steps: int) -> bytes:
    """Return a map of format 4 of A to C: by a difference where *steps* is 0, else by the list at its end."""
    ends, starts = (ord("C"), 0xFFFF), (ord("A"), 0xFFFF)
    deltas = (5 - ord("A") if not steps else 1, 1)
    words = (*ends, 0, *starts, *(delta & 0xFFFF for delta in deltas), steps, 0, 7, 0, 9)
    body = struct.pack(f">7H{len(words)}H", 4, 14 + 2 * len(words), 0, 4, 4, 1, 0, *words)
    return struct.pack(">HHHHL", 0, 1, 3, 1, 12) + body


def test_a_range_counts_on_from_its_first_glyph() -> None:
    found = CharacterMap(segments(0))
    assert [found[ord(letter)] for letter in "@ABCD"] == [0, 5, 6, 7, 0]
    assert found[0xFFFF] == 0


def test_a_range_may_list_its_glyphs_and_leave_some_out() -> None:
    found = CharacterMap(segments(4))
    assert [found[ord(letter)] for letter in "@ABCD"] == [0, 8, 0, 10, 0]
    assert ord("B") not in found


def test_a_list_that_is_cut_has_no_glyph_and_breaks_no_document() -> None:
    assert CharacterMap(segments(4)[:-2])[ord("C")] == 0


@pytest.mark.parametrize("table", [b"", bytes(4), segments(0)[:30], struct.pack(">HHHHLHH", 0, 1, 3, 1, 12, 6, 0)])
def test_a_map_that_cannot_be_read_is_refused(table: bytes) -> None:
    with pytest.raises((ValueError, struct.error)):
        CharacterMap(table)
