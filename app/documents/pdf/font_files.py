"""TrueType files: the tables that a PDF needs, and a file of a few glyphs cut out of them.

Source:
    ISO/IEC 14496-22 (OpenType) for the tables, and ISO 32000-1, 9.9, for those that an embedded font must have.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_TRUETYPE = (b"\x00\x01\x00\x00", b"true")
_NEEDED = (b"cmap", b"glyf", b"head", b"hhea", b"hmtx", b"loca", b"maxp")
_INSTRUCTIONS = (b"cvt ", b"fpgm", b"prep")  # fonts with hints have them
_KNOWN = {*_NEEDED, *_INSTRUCTIONS, b"OS/2", b"name", b"post"}
_MAGIC = 0xB1B0AFBA  # what the sums of a file and its head come to
_SHORT_LOCA_BYTES = 0x1FFFE  # more glyph data than this needs long offsets

# Of a composite glyph, what follows a component's number.
_WORDS, _SCALE, _MORE, _TWO_SCALES, _FOUR_SCALES = 0x1, 0x8, 0x20, 0x40, 0x80
_HEADER_BYTES = 10


def read_directory(file: BinaryIO) -> dict[bytes, tuple[int, int]]:
    """Return where each table of a font file stands: its offset and length in bytes.

    Raises:
        ValueError: it is no TrueType font. struct.error: it is cut.
    """
    if file.read(4) not in _TRUETYPE:
        raise ValueError("the file has no TrueType outlines: a .ttf can be embedded, an .otf or .ttc cannot")
    (count,) = struct.unpack(">H", file.read(2))
    file.seek(12)
    entries = file.read(16 * count)
    rows = (struct.unpack_from(">4sLLL", entries, 16 * n) for n in range(count))
    return {tag: (offset, length) for tag, _, offset, length in rows}


def read_tables(path: Path) -> dict[bytes, bytes]:
    """Return the tables of a font file that are of use here; those that only shape text stay on the disk.

    Raises:
        ValueError: it is no TrueType font, or a table is missing. OSError, struct.error: it cannot be read.
    """
    with path.open("rb") as file:
        tables = {}
        for tag, (offset, length) in read_directory(file).items():
            if tag in _KNOWN:
                file.seek(offset)
                tables[tag] = file.read(length)
    if lacking := [tag.decode("ascii") for tag in _NEEDED if tag not in tables]:
        raise ValueError(f"{path.name} lacks the tables {', '.join(lacking)}.")
    return tables


class Glyphs:
    """The outlines of a font, by number, and their advances in the font's own units."""

    def __init__(self, tables: dict[bytes, bytes]) -> None:
        self._tables = tables
        (self.count,) = struct.unpack_from(">H", tables[b"maxp"], 4)
        (full,) = struct.unpack_from(">H", tables[b"hhea"], 34)
        pairs = struct.unpack_from(f">{2 * full}H", tables[b"hmtx"])
        self.advances = array("H", (*pairs[::2], *[pairs[-2]] * (self.count - full)))
        self._full = full
        self._is_long = struct.unpack_from(">h", tables[b"head"], 50)[0] != 0

    def outline(self, glyph: int) -> bytes:
        """Return a glyph as it stands in the file; a blank has none."""
        loca = self._tables[b"loca"]
        start, end = struct.unpack_from(">LL", loca, 4 * glyph) if self._is_long else _doubled(loca, glyph)
        return self._tables[b"glyf"][start:end]

    def cut(self, glyphs: list[int]) -> bytes:
        """Return a font file of glyph 0 and *glyphs* in this order, then the parts that some are made of.

        It has what ISO 32000 asks of a font whose glyphs are shown by number: no map of characters, no names.
        """
        order = [0, *glyphs]
        places = {glyph: place for place, glyph in enumerate(order)}
        outlines: list[bytes] = []
        for glyph in order:  # grows: a part may have parts
            outline = bytearray(self.outline(glyph))
            for at, part in components(outline):
                if part not in places:
                    places[part] = len(order)
                    order.append(part)
                struct.pack_into(">H", outline, at, places[part])
            outlines.append(bytes(outline) + bytes(-len(outline) % 4))
        return _file(self._tables_of(order, outlines))

    def _tables_of(self, order: list[int], outlines: list[bytes]) -> dict[bytes, bytes]:
        tables = {tag: self._tables[tag] for tag in _INSTRUCTIONS if tag in self._tables}
        loca, is_long = _loca(outlines)
        tables[b"head"] = _with(_with(self._tables[b"head"], ">L", 8, 0), ">h", 50, int(is_long))
        tables[b"hhea"] = _with(self._tables[b"hhea"], ">H", 34, len(order))
        tables[b"maxp"] = _with(self._tables[b"maxp"], ">H", 4, len(order))
        tables[b"hmtx"] = b"".join(struct.pack(">Hh", self.advances[glyph], self._left_side(glyph)) for glyph in order)
        return tables | {b"loca": loca, b"glyf": b"".join(outlines)}

    def _left_side(self, glyph: int) -> int:
        at = 4 * glyph + 2 if glyph < self._full else 4 * self._full + 2 * (glyph - self._full)
        (left,) = struct.unpack_from(">h", self._tables[b"hmtx"], at)
        return int(left)


def components(outline: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """Yield the parts of a composite glyph: where the number of each stands, and the number."""
    if not outline or struct.unpack_from(">h", outline)[0] >= 0:
        return
    at, flags = _HEADER_BYTES, _MORE
    while flags & _MORE:
        flags, part = struct.unpack_from(">HH", outline, at)
        yield at + 2, part
        at += 8 if flags & _WORDS else 6
        at += next((size for flag, size in ((_SCALE, 2), (_TWO_SCALES, 4), (_FOUR_SCALES, 8)) if flags & flag), 0)


def _doubled(loca: bytes, glyph: int) -> tuple[int, int]:
    start, end = struct.unpack_from(">HH", loca, 2 * glyph)
    return 2 * start, 2 * end


def _loca(outlines: list[bytes]) -> tuple[bytes, bool]:
    """Return where each glyph begins, and the last ends, and whether these are long offsets."""
    offsets = [0]
    for outline in outlines:
        offsets.append(offsets[-1] + len(outline))
    if offsets[-1] > _SHORT_LOCA_BYTES:
        return struct.pack(f">{len(offsets)}L", *offsets), True
    return struct.pack(f">{len(offsets)}H", *(offset // 2 for offset in offsets)), False


def _with(table: bytes, form: str, at: int, value: int) -> bytes:
    changed = bytearray(table)
    struct.pack_into(form, changed, at, value)
    return bytes(changed)


def _file(tables: dict[bytes, bytes]) -> bytes:
    count = len(tables)
    power = count.bit_length() - 1
    search = 16 << power
    head = struct.pack(">4sHHHH", _TRUETYPE[0], count, search, power, 16 * count - search)
    entries, data, offset = [], [], 12 + 16 * count
    for tag, table in sorted(tables.items()):
        padded = table + bytes(-len(table) % 4)
        entries.append(struct.pack(">4sLLL", tag, _sum(padded), offset, len(table)))
        data.append(padded)
        offset += len(padded)
    file = b"".join([head, *entries, *data])
    at = next(struct.unpack_from(">L", entry, 8)[0] for entry in entries if entry.startswith(b"head"))
    return _with(file, ">L", at + 8, (_MAGIC - _sum(file)) & 0xFFFFFFFF)


def _sum(data: bytes) -> int:
    """Return the checksum of padded data: its 32-bit numbers added up."""
    numbers = array("I", data)
    if sys.byteorder == "little":
        numbers.byteswap()
    return sum(numbers) & 0xFFFFFFFF
