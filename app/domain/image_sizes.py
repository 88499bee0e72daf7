"""How large an image is, read from its header without decoding, so that a bomb is refused unread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from app.domain.errors import Invalid
from app.domain.file_types import GIF, JPEG, PNG, WEBP, FileType

# read(offset, length) returns that part of the file, shorter at its end.
Read = Callable[[int, int], bytes]

MAX_SIDE = 16_383  # pixels: the most that WebP can have
MAX_PIXELS = 200_000_000  # a telephone of 200 megapixels makes 16,320 x 12,240; a bomb of 30k x 30k has 900 million
_MAX_SEGMENTS = 500  # of a JPEG: an extended XMP or a colour profile of 1 MB takes 16
_MAX_FILL = 64  # bytes of padding before a marker
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15; DHT, JPG and DAC lie between
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
_END = frozenset({0xD8, 0xD9, 0xDA})  # the scan begins, or the image is over: no frame came


@dataclass(frozen=True, slots=True)
class ImageSize:
    """Width and height in pixels."""

    width: int
    height: int


def read_image_size(kind: FileType, read: Read) -> ImageSize | None:
    """Return how large an image is; None for what is no image, or HEIC, which nothing here or in browsers decodes.

    Raises:
        Invalid: the header is broken, or the image is too large to be shown.
    """
    reader = _READERS.get(kind)
    if reader is None:
        return None
    size = reader(read)
    if size is None or size.width == 0 or size.height == 0:
        raise Invalid.field("file", "broken_image", "The image cannot be read: its header is broken. Save it anew.")
    if max(size.width, size.height) > MAX_SIDE or size.width * size.height > MAX_PIXELS:
        found = f"{size.width} x {size.height} pixels"
        most = f"{MAX_SIDE} on a side and {MAX_PIXELS // 1_000_000} million in all"
        raise Invalid.field("file", "image_too_large", f"The image has {found}; at most {most} are taken.")
    return size


def _png(read: Read) -> ImageSize | None:
    head = read(0, 24)
    return _pair(head, 16, 20, 4, "big") if head[8:16] == b"\0\0\0\rIHDR" else None


def _gif(read: Read) -> ImageSize | None:
    return _pair(read(0, 10), 6, 8, 2, "little")


def _webp(read: Read) -> ImageSize | None:
    head = read(0, 30)
    chunk = head[12:16]
    if chunk == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        size = _pair(head, 26, 28, 2, "little")  # the two upper bits of each ask for scaling
        return size and ImageSize(size.width & 0x3FFF, size.height & 0x3FFF)
    if chunk == b"VP8L" and len(head) >= 25 and head[20] == 0x2F:  # noqa: PLR2004 - the header's length and signature
        bits = int.from_bytes(head[21:25], "little")
        return ImageSize((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    size = _pair(head, 24, 27, 3, "little") if chunk == b"VP8X" else None
    return size and ImageSize(size.width + 1, size.height + 1)


def _jpeg(read: Read) -> ImageSize | None:
    """Walk the segments to the first frame header: an EXIF block with its thumbnail is stepped over by its length."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        segment = read(at, _MAX_FILL + 9)
        if not segment.startswith(b"\xff"):
            return None
        filled = len(segment) - len(segment.lstrip(b"\xff"))
        marker, body = segment[filled : filled + 1], segment[filled + 1 :]
        if not marker or marker[0] in _END or len(body) < 2:  # noqa: PLR2004 - the length's own two bytes
            return None
        if marker[0] in _FRAMES:
            return _pair(body, 5, 3, 2, "big")  # the height stands first
        at += filled + 1 + (0 if marker[0] in _BARE else max(2, int.from_bytes(body[:2], "big")))
    return None


def _pair(head: bytes, first: int, second: int, length: int, order: Literal["big", "little"]) -> ImageSize | None:
    """Return the two whole numbers of *length* bytes at two places; None where the head ends before."""
    if len(head) < max(first, second) + length:
        return None
    width, height = (int.from_bytes(head[at : at + length], order) for at in (first, second))
    return ImageSize(width, height)


_READERS: dict[FileType, Callable[[Read], ImageSize | None]] = {PNG: _png, GIF: _gif, WEBP: _webp, JPEG: _jpeg}
