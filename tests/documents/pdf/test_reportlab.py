"""What ReportLab must keep doing: these are its internals that the writer leans on, each with what it is taken to mean.

When one of these fails after an upgrade, the module named beside it has to change, or the upgrade has to wait.
"""

from __future__ import annotations

from io import BytesIO

import pytest
from reportlab.pdfbase import ttfonts

from app.documents.pdf import qr
from app.documents.pdf.typefaces import FOLDER, Typeface

FILE = FOLDER / "NotoSans-Regular.ttf"


@pytest.fixture
def face() -> ttfonts.TTFontFace:
    return ttfonts.TTFontFace(str(FILE))


def test_a_face_tells_the_glyph_of_a_character_and_the_width_of_a_glyph(face: ttfonts.TTFontFace) -> None:
    """typefaces.py."""
    assert isinstance(face.charToGlyph, dict)
    assert 0 < face.charToGlyph[ord("A")] < face.numGlyphs
    assert len(face.hmetrics) == face.numGlyphs
    assert [face.hmetrics[face.charToGlyph[ord(letter)]][0] for letter in "iW1"] == [258, 930, 572]
    assert face.unitsPerEm == 1000
    assert face.name == b"NotoSans-Regular"


def test_a_face_has_the_metrics_of_a_font_descriptor(face: ttfonts.TTFontFace) -> None:
    """typefaces.py, descriptor."""
    assert (round(face.ascent), round(face.descent), round(face.capHeight)) == (1069, -293, 714)
    assert len(face.bbox) == 4
    assert face.italicAngle == 0
    assert face.stemV > 0


def test_a_subset_takes_glyph_numbers_and_keeps_their_order() -> None:
    """typefaces.py, subset, and embedded.py, where a glyph's code is its place in the subset."""
    typeface = Typeface(FILE)
    glyphs = [typeface.glyphs[ord(letter)] for letter in "WiÅ1"]
    cut = ttfonts.TTFontFace(BytesIO(typeface.subset(glyphs)))
    widths = [advance for advance, _ in cut.hmetrics]
    assert widths[:5] == [typeface.widths[glyph] for glyph in (0, *glyphs)]
    assert cut.numGlyphs < 12, "the letters, glyph 0, and the parts that Å is made of"


def test_a_face_keeps_the_file_for_the_shaper(face: ttfonts.TTFontFace) -> None:
    """typefaces.py, data."""
    assert bytes(face._ttf_data) == FILE.read_bytes()


def test_the_shaper_is_told_by_the_module_of_fonts() -> None:
    """shaping.py: None says that uharfbuzz is not installed."""
    assert ttfonts.uharfbuzz is None or hasattr(ttfonts.uharfbuzz, "shape")


def test_the_qr_encoder_loads_without_its_package() -> None:
    """qr.py."""
    code = qr._ENCODER.QRCode(None, qr._ENCODER.QRErrorCorrectLevel.M)
    code.addData(qr._ENCODER.QR8bitByte(b"x"))
    code.make()
    assert code.getModuleCount() == 21
    assert code.isDark(0, 0)
    assert not code.isDark(7, 7)
