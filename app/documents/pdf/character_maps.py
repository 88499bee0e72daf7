"""The glyph of each character, looked up in a font's own index: a thousandth of what a dictionary of it would take."""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_right

_SEGMENTS, _GROUPS = 4, 12  # formats: 12 knows all of Unicode, 4 its first 65,536 characters
_LAST_GLYPH = 0xFFFF


class CharacterMap:
    """What the table ``cmap`` of a font file says, as ranges of characters.

    Source:
        ISO/IEC 14496-22 (OpenType), cmap: formats 4 and 12.

    Raises:
        ValueError: the font has no map of Unicode. struct.error: the table is cut.
    """

    def __init__(self, table: bytes) -> None:
        (count,) = struct.unpack_from(">H", table, 2)
        offsets = [struct.unpack_from(">HHL", table, 4 + 8 * n)[2] for n in range(count)]
        found = {struct.unpack_from(">H", table, offset)[0]: offset for offset in offsets}
        if _GROUPS in found:
            self._read_groups(table, found[_GROUPS])
        elif _SEGMENTS in found:
            self._read_segments(table, found[_SEGMENTS])
        else:
            raise ValueError("the file has no Unicode map")

    def __contains__(self, code: int) -> bool:
        return self[code] != 0

    def __getitem__(self, code: int) -> int:
        """Return the glyph of a character; 0 is the one that says "missing"."""
        at = bisect_right(self._starts, code) - 1
        if at < 0 or code > self._ends[at]:
            return 0
        place = self._places[at]
        if not place:
            return (code + self._deltas[at]) & _LAST_GLYPH
        place += code - self._starts[at]
        glyph = self._words[place] if place < len(self._words) else 0
        return (glyph + self._deltas[at]) & _LAST_GLYPH if glyph else 0

    def _read_groups(self, table: bytes, at: int) -> None:
        (count,) = struct.unpack_from(">L", table, at + 12)
        groups = _numbers("I", table[at + 16 : at + 16 + 12 * count], 3 * count)
        self._starts, self._ends = groups[::3], groups[1::3]
        self._deltas = array("q", map(int.__sub__, groups[2::3], self._starts))
        self._places = array("I", [0]) * count
        self._words = array("H")

    def _read_segments(self, table: bytes, at: int) -> None:
        (twice,) = struct.unpack_from(">H", table, at + 6)
        count = twice // 2
        words = _numbers("H", table[at + 14 : at + (len(table) - at) // 2 * 2], 4 * count + 1)
        self._ends, self._starts = words[:count], words[count + 1 : 2 * count + 1]
        self._deltas, steps = words[2 * count + 1 : 3 * count + 1], words[3 * count + 1 : 4 * count + 1]
        # A step counts bytes from where it stands itself to the glyph of its range's first character; 0 says that there is none.
        self._places = array("I", (step and 3 * count + 1 + n + step // 2 for n, step in enumerate(steps)))
        self._words = words


def _numbers(kind: str, data: bytes, least: int) -> array[int]:
    """Return the numbers of *data*, which has the high byte first.

    Raises:
        struct.error: there are fewer than *least*.
    """
    numbers = array(kind, data)
    if len(numbers) < least:
        raise struct.error(f"a map of characters has {len(numbers)} numbers, and should have {least}")
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
