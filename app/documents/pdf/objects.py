"""The numbered objects of a PDF file: each is written once and forgotten, and only its offset stays (8 bytes)."""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Iterator

_HEADER = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"
_XREF_ROWS = 1000  # a chunk of 20 KB
_MISSING = 0
# 64 KiB of working memory instead of zlib's usual 256; pages come out within 0.2 % of the same size.
_WINDOW_BITS, _MEMORY_LEVEL = 13, 6


class ObjectFile:
    """Turns objects into the bytes of a file, in the order in which they are given, and ends the file with its index."""

    def __init__(self) -> None:
        self._offsets = array("Q")
        self._length = len(_HEADER)
        self._digest = hashlib.sha256()
        self.header = _HEADER

    def reserve(self) -> int:
        """Return the number of an object that will be written later, and may be referred to before."""
        self._offsets.append(_MISSING)
        return len(self._offsets)

    def write(self, number: int, body: bytes) -> bytes:
        """Return an object as the next bytes of the file."""
        data = b"%d 0 obj\n%b\nendobj\n" % (number, body)
        self._offsets[number - 1] = self._length
        self._length += len(data)
        self._digest.update(data)
        return data

    def write_stream(self, number: int, content: bytes, entries: str = "") -> bytes:
        """Return a compressed stream as the next bytes of the file; *entries* stand in its dictionary."""
        deflate = zlib.compressobj(6, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
        packed = deflate.compress(content) + deflate.flush()
        head = f"<<{entries}/Filter/FlateDecode/Length {len(packed)}>>\nstream\n"
        return self.write(number, head.encode("ascii") + packed + b"\nendstream")

    def end(self, root: int, info: int) -> Iterator[bytes]:
        """Yield the index of all objects and the trailer that closes the file.

        Raises:
            ValueError: a reserved object was never written.
        """
        if _MISSING in self._offsets:
            raise ValueError(f"Object {self._offsets.index(_MISSING) + 1} of the PDF was reserved and never written.")
        size = len(self._offsets) + 1
        yield b"xref\n0 %d\n0000000000 65535 f \n" % size
        for start in range(0, len(self._offsets), _XREF_ROWS):
            yield b"".join(b"%010d 00000 n \n" % offset for offset in self._offsets[start : start + _XREF_ROWS])
        name = self._digest.hexdigest()[:32]
        trailer = f"trailer\n<</Size {size}/Root {root} 0 R/Info {info} 0 R/ID[<{name}><{name}>]>>\n"
        yield f"{trailer}startxref\n{self._length}\n%%EOF\n".encode("ascii")


def text_string(text: str) -> str:
    """Return *text* as a PDF string in hexadecimal, which nothing in the text can end or escape."""
    return f"<FEFF{text.encode('utf-16-be', 'replace').hex().upper()}>"


def number(value: float) -> str:
    """Return a number as PDF writes it, to a hundredth."""
    return f"{value:.2f}"
