"""Fonts cut down: the same outlines and widths as in the whole font, in a file that other programs accept."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfbase.ttfonts import TTFontFace

from app.documents.pdf.font_files import Glyphs, components, read_directory, read_tables
from app.documents.pdf.pen import Pen
from app.documents.pdf.streams import About, Document, pdf_chunks
from app.documents.pdf.styles import A4, BODY
from app.documents.pdf.typefaces import FOLDER, Typeface
from tests.documents import reading

OURS = [FOLDER / "NotoSans-Regular.ttf", FOLDER / "NotoSans-Bold.ttf"]
NOTO, DEJAVU = Path("/usr/share/fonts/truetype/noto"), Path("/usr/share/fonts/truetype/dejavu")
PACKS = [
    NOTO / "NotoSansDevanagari-Regular.ttf",
    NOTO / "NotoSansArabic-Bold.ttf",
    NOTO / "NotoSansEgyptianHieroglyphs-Regular.ttf",
    DEJAVU / "DejaVuSans.ttf",
    DEJAVU / "DejaVuSansMono.ttf",
]
TEXT = "Wi1 Åéß Đặng Ελένη Жанна €½"


@pytest.fixture(params=[*OURS, *PACKS], ids=lambda path: path.name)
def file(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    if not path.exists():
        reading.missing(path.name, "apt-get install fonts-noto-core fonts-dejavu")
    return path


def spread(face: Typeface) -> list[int]:
    """Return some two hundred glyphs from all over a font, among them many that are made of others."""
    count = len(face.widths)
    return list(range(1, count, max(1, count // 200)))


def shapes(data: bytes, glyphs: list[int]) -> list[Any]:
    """Return how HarfBuzz draws each glyph, and how wide."""
    harfbuzz = reading.module("uharfbuzz")
    font = harfbuzz.Font(harfbuzz.Face(data))
    return [(font.get_glyph_h_advance(glyph), _path(harfbuzz, font, glyph)) for glyph in glyphs]


def _path(harfbuzz: Any, font: Any, glyph: int) -> list[Any]:
    drawn: list[Any] = []
    functions = harfbuzz.DrawFuncs()
    for name in ("move_to", "line_to", "quadratic_to", "cubic_to"):
        getattr(functions, f"set_{name}_func")(lambda *step, name=name: step[-1].append((name, step[:-1])))
    functions.set_close_path_func(lambda path: path.append("close"))
    font.draw_glyph(glyph, functions, drawn)
    return drawn


def test_a_cut_font_draws_what_the_whole_one_draws(file: Path) -> None:
    face = Typeface(file)
    glyphs = spread(face)
    whole = shapes(file.read_bytes(), [0, *glyphs])
    assert shapes(face.subset(glyphs), list(range(len(glyphs) + 1))) == whole
    assert sum(bool(path) for _, path in whole) > len(glyphs) / 2, "most of them should have an outline at all"


def test_the_parts_of_letters_come_along_and_no_others() -> None:
    face = Typeface(OURS[0])
    glyphs = [face.glyphs[ord(letter)] for letter in "WiÅặ1"]
    cut = Glyphs(_tables(face.subset(glyphs)))
    assert list(cut.advances)[:6] == [face._outlines.advances[glyph] for glyph in (0, *glyphs)]
    assert 6 < cut.count < 15
    parts = [part for glyph in range(cut.count) for _, part in components(cut.outline(glyph))]
    assert parts
    assert max(parts) < cut.count


def test_a_cut_font_adds_up(file: Path) -> None:
    """The sums by which a reader finds a font damaged (OpenType, "Calculating checksums")."""
    face = Typeface(file)
    data = face.subset(spread(face))
    assert _sum(data) == 0xB1B0AFBA
    for tag, stated, offset, length in _entries(data):
        table = data[offset : offset + length]
        if tag == b"head":
            table = table[:8] + bytes(4) + table[12:]
        assert _sum(table + bytes(-length % 4)) == stated, tag
        assert offset % 4 == 0


def test_a_cut_font_is_small() -> None:
    face = Typeface(OURS[0])
    glyphs = sorted({face.glyphs[ord(letter)] for letter in "The quick brown fox, 1234567890"})
    assert len(face.subset(glyphs)) < 8_000


def test_very_many_outlines_are_found_by_long_offsets() -> None:
    if not PACKS[3].exists():
        reading.missing("DejaVuSans.ttf", "apt-get install fonts-dejavu")
    face = Typeface(PACKS[3])
    data = face.subset(list(range(1, len(face.widths))))
    assert struct.unpack_from(">h", _tables(data)[b"head"], 50) == (1,)
    assert shapes(data, [5000]) == shapes(PACKS[3].read_bytes(), [5000])


def test_glyphs_of_one_width_have_it_to_the_last() -> None:
    if not PACKS[4].exists():
        reading.missing("DejaVuSansMono.ttf", "apt-get install fonts-dejavu")
    assert set(Typeface(PACKS[4]).widths) <= {0, 602}


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_a_face_says_of_itself_what_reportlab_reads_in_its_file(path: Path) -> None:
    face, theirs = Typeface(path), TTFontFace(str(path))
    box = " ".join(str(round(edge)) for edge in theirs.bbox)
    assert face.name == theirs.name.decode("ascii")
    assert face.units_per_em == theirs.unitsPerEm
    assert list(face.widths) == [advance for advance, _ in theirs.hmetrics]
    assert face.descriptor("X", 7) == (
        f"<</Type/FontDescriptor/FontName/X/Flags 4/FontBBox[{box}]/ItalicAngle {round(theirs.italicAngle)}"
        f"/Ascent {theirs.ascent}/Descent {theirs.descent}/CapHeight {theirs.capHeight}/StemV {theirs.stemV}/FontFile2 7 0 R>>"
    )


def test_a_page_in_both_fonts_is_read_by_poppler_and_qpdf(tmp_path: Path) -> None:
    def draw(document: Document) -> Iterator[Pen]:
        pen = document.pen(A4)
        pen.text(20, 700, TEXT, BODY)
        pen.text(20, 650, TEXT, BODY.strong())
        yield pen

    about = About("Names", "A", "en", datetime(2026, 1, 1, tzinfo=timezone.utc))
    data = b"".join(pdf_chunks(about, draw))
    assert reading.problems(data, tmp_path) == ""
    (tmp_path / "a.pdf").write_bytes(data)
    lines = _run("pdftotext", "-layout", str(tmp_path / "a.pdf"), "-").split("\n")
    assert [line.strip() for line in lines if line.strip()] == [TEXT, TEXT]
    fonts = _run("pdffonts", str(tmp_path / "a.pdf")).splitlines()[2:]
    assert [line.split()[0].partition("+")[2] for line in fonts] == ["NotoSans-Regular", "NotoSans-Bold"]
    assert all(line.split()[4:7] == ["yes", "yes", "yes"] for line in fonts), (
        "embedded, a subset, with a map to Unicode"
    )


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    except FileNotFoundError:
        reading.missing(command[0], "apt-get install poppler-utils")
        raise


@pytest.mark.parametrize("lost", [b"glyf", b"loca", b"maxp"])
def test_a_font_without_a_table_is_refused_by_name(lost: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.ttf"
    path.write_bytes(OURS[0].read_bytes().replace(lost, b"gone", 1))
    with pytest.raises(ValueError, match=f"odd.ttf lacks the tables {lost.decode('ascii')}"):
        read_tables(path)


def test_tables_that_only_shape_text_stay_on_the_disk() -> None:
    if not PACKS[0].exists():
        reading.missing(PACKS[0].name, "apt-get install fonts-noto-core")
    with PACKS[0].open("rb") as file:
        assert b"GSUB" in read_directory(file)
    assert b"GSUB" not in read_tables(PACKS[0])


def _entries(data: bytes) -> list[tuple[bytes, int, int, int]]:
    (count,) = struct.unpack_from(">H", data, 4)
    return [struct.unpack_from(">4sLLL", data, 12 + 16 * n) for n in range(count)]


def _tables(data: bytes) -> dict[bytes, bytes]:
    return {tag: data[at : at + size] for tag, (at, size) in read_directory(BytesIO(data)).items()}


def _sum(data: bytes) -> int:
    numbers: tuple[int, ...] = struct.unpack(f">{len(data) // 4}L", data)
    return sum(numbers) & 0xFFFFFFFF
