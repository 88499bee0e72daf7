"""What a font has, as its index says it before the font is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.documents.pdf.coverage import Coverage
from app.documents.pdf.typefaces import FOLDER, load


@pytest.mark.parametrize("name", ["NotoSans-Regular.ttf", "NotoSans-Bold.ttf"])
def test_the_index_agrees_with_the_font(name: str) -> None:
    coverage, glyphs = Coverage(FOLDER / name), load(FOLDER / name).glyphs
    assert [hex(code) for code in range(0x11000) if (code in coverage) != (code in glyphs)] == []


@pytest.mark.parametrize("name", ["NotoSans-Regular.ttf", "NotoSans-Bold.ttf"])
def test_the_fonts_that_are_always_here_have_what_names_and_prices_need(name: str) -> None:
    coverage = Coverage(FOLDER / name)
    vietnamese = range(0x1EA0, 0x1EFA)
    needed = [*range(0x20, 0x7F), *range(0xA1, 0x180), *range(0x400, 0x500), *vietnamese, *range(0x3B1, 0x3CA)]
    needed += map(ord, "₹€₺₦₫₴₩₪₽¥£…–—‘’“”•·×№½")  # noqa: RUF001 - typographic on purpose
    assert [chr(code) for code in needed if code not in coverage] == []


def test_the_licence_stands_beside_the_fonts() -> None:
    licence = (FOLDER / "OFL.txt").read_text("utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert "2015 Google" in licence


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"OTTO" + bytes(50), b"ttcf" + bytes(50), b"\x00\x01\x00\x00\x00\x09" + bytes(99)]
)
def test_what_cannot_be_embedded_is_refused(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "odd.ttf"
    file.write_bytes(data)
    with pytest.raises(ValueError, match=r"."):
        Coverage(file)
