"""How large an image is, read from its header."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from app.domain.errors import Invalid
from app.domain.file_types import CSV, GIF, HEIC, JPEG, PDF, PNG, TEXT, WEBP, FileType
from app.domain.image_sizes import MAX_PIXELS, MAX_SIDE, ImageSize, Read, read_image_size


def reader(content: bytes) -> Read:
    return lambda offset, length: content[offset : offset + length]


def size_of(kind: FileType, content: bytes) -> ImageSize | None:
    return read_image_size(kind, reader(content))


def picture(form: str, *, size: tuple[int, int] = (37, 21), mode: str = "RGB", **options: object) -> bytes:
    made = io.BytesIO()
    Image.new(mode, size, 7).save(made, form, **options)
    return made.getvalue()


def exif(length: int) -> Image.Exif:
    block = Image.Exif()
    block[0x010E] = "x" * length
    return block


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def frame(width: int, height: int, marker: int = 0xC0) -> bytes:
    return segment(marker, struct.pack(">BHHB", 8, height, width, 3) + bytes(9))


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\x02\0\0\0"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height)


def webp_x(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + sides


def jpeg(width: int, height: int) -> bytes:
    return b"\xff\xd8" + frame(width, height)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (PNG, picture("PNG")),
        (PNG, picture("PNG", mode="P")),
        (GIF, picture("GIF", mode="P")),
        (JPEG, picture("JPEG")),
        (JPEG, picture("JPEG", progressive=True)),
        (JPEG, picture("JPEG", mode="CMYK")),
        (JPEG, picture("JPEG", mode="L")),
        (JPEG, picture("JPEG", exif=exif(60_000))),
        (JPEG, picture("JPEG", icc_profile=bytes(1_000_000), exif=exif(60_000))),
        (WEBP, picture("WEBP")),
        (WEBP, picture("WEBP", lossless=True)),
        (WEBP, picture("WEBP", mode="RGBA")),
        (WEBP, picture("WEBP", exif=exif(300))),
    ],
)
def test_what_pillow_writes_is_measured(kind: FileType, content: bytes) -> None:
    assert size_of(kind, content) == ImageSize(37, 21)


@pytest.mark.parametrize("lossless", [False, True])
def test_the_largest_webp_is_measured(lossless: bool) -> None:  # noqa: FBT001
    assert size_of(WEBP, picture("WEBP", size=(16383, 2), lossless=lossless)) == ImageSize(16383, 2)


def test_a_thumbnail_in_the_exif_block_is_not_taken_for_the_image() -> None:
    content = b"\xff\xd8" + segment(0xE1, b"Exif\0\0" + jpeg(160, 120) + b"\xff\xd9") + frame(4000, 3000)
    assert size_of(JPEG, content) == ImageSize(4000, 3000)


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF])
def test_every_kind_of_frame_is_known(marker: int) -> None:
    assert size_of(JPEG, b"\xff\xd8" + frame(640, 480, marker)) == ImageSize(640, 480)


def test_tables_padding_and_bare_markers_are_stepped_over() -> None:
    between = segment(0xC4, bytes(50)) + b"\xff\xff\xff" + segment(0xDB, bytes(64))[1:] + b"\xff\x01\xff\xd0"
    assert size_of(JPEG, b"\xff\xd8" + between + segment(0xCC, b"ab") + frame(5, 6)) == ImageSize(5, 6)


def test_a_frame_far_behind_is_reached_in_small_steps() -> None:
    content = b"\xff\xd8" + b"".join(segment(0xE2, bytes(65_000)) for _ in range(20)) + frame(5, 6)
    asked: list[int] = []

    def read(offset: int, length: int) -> bytes:
        asked.append(length)
        return content[offset : offset + length]

    assert read_image_size(JPEG, read) == ImageSize(5, 6)
    assert sum(asked) < 2000


@pytest.mark.parametrize(("kind", "made"), [(PNG, png), (GIF, gif), (WEBP, webp_x), (JPEG, jpeg)])
def test_a_bomb_is_refused_unread(kind: FileType, made: Callable[[int, int], bytes]) -> None:
    content = made(30_000, 30_000)
    assert len(content) < 40
    with pytest.raises(Invalid, match="30000 x 30000") as refusal:
        size_of(kind, content)
    assert refusal.value.errors[0].code == "image_too_large"


def test_both_limits_hold() -> None:
    assert size_of(PNG, png(MAX_SIDE, 1)) == ImageSize(MAX_SIDE, 1)
    assert size_of(PNG, png(16_320, 12_240)) == ImageSize(16_320, 12_240)
    side = int(MAX_PIXELS**0.5) + 1
    for width, height in ((MAX_SIDE + 1, 1), (1, MAX_SIDE + 1), (side, side), (2**32 - 1, 2**32 - 1)):
        with pytest.raises(Invalid):
            size_of(PNG, png(width, height))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (PNG, png(0, 5)),
        (PNG, png(5, 0)),
        (PNG, png(5, 5)[:23]),
        (PNG, b"\x89PNG\r\n\x1a\n\0\0\0\x04tEXt" + bytes(20)),
        (GIF, gif(0, 1)),
        (GIF, gif(1, 1)[:9]),
        (WEBP, webp_x(5, 5)[:-1]),
        (WEBP, b"RIFF\0\0\0\0WEBPVP8 " + bytes(20)),
        (WEBP, b"RIFF\0\0\0\0WEBPVP8L" + bytes(20)),
        (WEBP, b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\0"),
        (WEBP, b"RIFF\0\0\0\0WEBPALPH" + bytes(20)),
        (JPEG, b"\xff\xd8"),
        (JPEG, b"\xff\xd8\xff"),
        (JPEG, b"\xff\xd8\xff\xc0"),
        (JPEG, jpeg(5, 0)),
        (JPEG, jpeg(5, 5)[:9]),
        (JPEG, b"\xff\xd8" + segment(0xDA, bytes(10)) + frame(5, 5)),
        (JPEG, b"\xff\xd8\xff\xd9" + frame(5, 5)),
        (JPEG, b"\xff\xd8\0" + frame(5, 5)),
        (JPEG, b"\xff\xd8" + b"\xff" * 200),
        (JPEG, b"\xff\xd8" + b"\xff\xe0\0\0" * 100_000),
        (JPEG, b"\xff\xd8" + b"\xff\x01" * 100_000),
    ],
)
def test_a_broken_header_is_refused(kind: FileType, content: bytes) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        size_of(kind, content)


@pytest.mark.parametrize("kind", [PDF, TEXT, CSV, HEIC])
def test_what_nobody_decodes_has_no_size(kind: FileType) -> None:
    assert size_of(kind, b"") is None


heads = st.sampled_from(
    [
        b"",
        b"\xff\xd8\xff\xe1",
        jpeg(9, 9),
        png(9, 9),
        gif(9, 9),
        webp_x(9, 9),
        picture("WEBP")[:30],
        picture("JPEG")[:200],
    ]
)


@given(kind=st.sampled_from([PNG, GIF, JPEG, WEBP]), head=heads, cut=st.integers(0, 200), rest=st.binary(max_size=300))
@example(JPEG, b"\xff\xd8", 0, b"\xff\xe0\0\x01" * 70)
def test_whatever_comes_is_measured_or_refused(kind: FileType, head: bytes, cut: int, rest: bytes) -> None:
    try:
        size = size_of(kind, head[: len(head) - cut if cut < len(head) else 0] + rest)
    except Invalid:
        return
    assert size is not None
    assert 0 < size.width * size.height <= MAX_PIXELS
