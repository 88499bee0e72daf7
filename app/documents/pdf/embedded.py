"""The fonts of one document: they collect the glyphs that were drawn and are written, cut down to those, at its end."""

from __future__ import annotations

from collections.abc import Iterator

from app.documents.pdf.objects import ObjectFile
from app.documents.pdf.typefaces import Typeface

_CMAP_BLOCK = 100  # a ToUnicode map may hold no more entries in one block


class EmbeddedFont:
    """A typeface in one document. A glyph's code is its place in the subset: 0 is the box that says "missing"."""

    def __init__(self, name: str, typeface: Typeface, number: int) -> None:
        self.name = name
        self.typeface = typeface
        self.number = number
        self._codes: dict[int, int] = {}
        self._texts: list[str] = []

    def code(self, glyph: int, text: str) -> int:
        """Return the code that shows *glyph*; *text* is what a reader copies from it."""
        if glyph == 0:
            return 0
        code = self._codes.get(glyph)
        if code is None:
            code = self._codes[glyph] = len(self._codes) + 1
            self._texts.append(text)
        return code

    def write(self, file: ObjectFile) -> Iterator[bytes]:
        """Yield the font and what belongs to it, as objects of *file*."""
        glyphs = list(self._codes)
        descendant, descriptor, font_file, to_unicode = (file.reserve() for _ in range(4))
        name = f"{_tag(self.number)}+{self.typeface.name}"
        data = self.typeface.subset(glyphs)
        yield file.write_stream(font_file, data, f"/Length1 {len(data)}")
        yield file.write(descriptor, self.typeface.descriptor(name, font_file).encode("ascii"))
        yield file.write(descendant, self._descendant(name, descriptor, glyphs).encode("ascii"))
        yield file.write_stream(to_unicode, _to_unicode(self._texts))
        font = (
            f"<</Type/Font/Subtype/Type0/BaseFont/{name}/Encoding/Identity-H"
            f"/DescendantFonts[{descendant} 0 R]/ToUnicode {to_unicode} 0 R>>"
        )
        yield file.write(self.number, font.encode("ascii"))

    def _descendant(self, name: str, descriptor: int, glyphs: list[int]) -> str:
        widths = " ".join(str(self.typeface.widths[glyph]) for glyph in (0, *glyphs))
        return (
            f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{name}/CIDToGIDMap/Identity/FontDescriptor {descriptor} 0 R"
            f"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/W[0[{widths}]]>>"
        )


def _tag(number: int) -> str:
    """Return six capital letters, different for each font of a document: the mark of a subset."""
    return "".join(chr(ord("A") + int(digit)) for digit in f"{number:06d}")


def _to_unicode(texts: list[str]) -> bytes:
    """Return the map from codes to text, for copying and searching."""
    lines = [
        "/CIDInit/ProcSet findresource begin 12 dict begin begincmap",
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def /CMapName/Adobe-Identity-UCS def /CMapType 2 def",
        "1 begincodespacerange <0000><FFFF> endcodespacerange",
    ]
    entries = [f"<{code:04X}><{text.encode('utf-16-be').hex()}>" for code, text in enumerate(texts, start=1)]
    for start in range(0, len(entries), _CMAP_BLOCK):
        block = entries[start : start + _CMAP_BLOCK]
        lines += [f"{len(block)} beginbfchar", *block, "endbfchar"]
    return "\n".join([*lines, "endcmap CMapName currentdict/CMap defineresource pop end end"]).encode("ascii")
