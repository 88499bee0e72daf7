"""Which characters a font file has, read from its index without loading the font."""

from __future__ import annotations

import struct
from bisect import bisect_right
from pathlib import Path
from typing import BinaryIO

_TRUETYPE = (b"\x00\x01\x00\x00", b"true")
_HEADER_BYTES = 12
_FORMATS = (12, 4)  # by preference: 12 knows all of Unicode, 4 its first 65,536 characters


class Coverage:
    """The characters of one file, as ranges.

    Raises:
        ValueError: the file is no TrueType font with a Unicode map.
    """

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                ranges = sorted(_ranges(_character_map(file)))
        except (OSError, struct.error, IndexError) as problem:
            raise ValueError(f"{path.name} cannot be read as a font ({problem}).") from problem
        self._starts = [start for start, _ in ranges]
        self._ends = [end for _, end in ranges]

    def __contains__(self, code: int) -> bool:
        at = bisect_right(self._starts, code) - 1
        return at >= 0 and code <= self._ends[at]


def _character_map(file: BinaryIO) -> bytes:
    if file.read(4) not in _TRUETYPE:
        raise ValueError("the file has no TrueType outlines: ReportLab embeds .ttf, not .otf or .ttc")
    (tables,) = struct.unpack(">H", file.read(2))
    file.seek(_HEADER_BYTES)
    directory = file.read(16 * tables)
    for at in range(0, len(directory), 16):
        tag, _, offset, length = struct.unpack_from(">4sLLL", directory, at)
        if tag == b"cmap":
            file.seek(offset)
            return file.read(length)
    raise ValueError("the file has no map of characters")


def _ranges(table: bytes) -> list[tuple[int, int]]:
    (count,) = struct.unpack_from(">H", table, 2)
    offsets = [struct.unpack_from(">HHL", table, 4 + 8 * n)[2] for n in range(count)]
    found = {struct.unpack_from(">H", table, offset)[0]: offset for offset in offsets}
    for kind in _FORMATS:
        if kind in found:
            return (_segments if kind == 4 else _groups)(table, found[kind])  # noqa: PLR2004 - the format's own number
    raise ValueError("the file has no Unicode map")


def _segments(table: bytes, at: int) -> list[tuple[int, int]]:
    """Return the ranges of a map in format 4."""
    (twice,) = struct.unpack_from(">H", table, at + 6)
    ends = struct.unpack_from(f">{twice // 2}H", table, at + 14)
    starts = struct.unpack_from(f">{twice // 2}H", table, at + 16 + twice)
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start != 0xFFFF]  # noqa: PLR2004 - the end mark


def _groups(table: bytes, at: int) -> list[tuple[int, int]]:
    """Return the ranges of a map in format 12."""
    (count,) = struct.unpack_from(">L", table, at + 12)
    return [struct.unpack_from(">LL", table, at + 16 + 12 * n) for n in range(count)]
