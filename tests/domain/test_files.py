"""How much may come, what a file is called, and how parts of it are asked for."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.errors import StorageFull
from app.domain.file_types import CSV, JPEG, PDF, PNG, TEXT
from app.domain.files import (
    MAX_NAME,
    ByteRange,
    FileLimits,
    RangeNotSatisfiable,
    TooLarge,
    content_disposition,
    display_name,
    extension_of,
    parse_range,
    size_text,
)

LIMITS = FileLimits(file_bytes=100, booking_bytes=250, user_bytes=1000, booking_files=3)


@pytest.mark.parametrize(
    ("of_booking", "of_user", "most", "refusal"),
    [
        (0, 0, 100, TooLarge),
        (150, 0, 100, TooLarge),
        (151, 0, 99, StorageFull),
        (0, 901, 99, StorageFull),
        (249, 999, 1, StorageFull),
    ],
)
def test_the_nearest_limit_is_the_allowance(of_booking: int, of_user: int, most: int, refusal: type) -> None:
    allowance = LIMITS.allowance(of_booking_bytes=of_booking, of_user_bytes=of_user)
    assert allowance.most_bytes == most
    assert type(allowance.refusal) is refusal


@pytest.mark.parametrize(("of_booking", "of_user", "files"), [(250, 0, 0), (251, 0, 0), (0, 1000, 0), (0, 0, 3)])
def test_nothing_may_come_where_nothing_more_fits(of_booking: int, of_user: int, files: int) -> None:
    with pytest.raises(StorageFull, match="at most"):
        LIMITS.allowance(of_booking_bytes=of_booking, of_user_bytes=of_user, of_booking_files=files)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KiB"), (1536, "1.5 KiB"), (5 * 1024**3, "5 GiB")]
)
def test_sizes_are_written_for_people(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("original", "shown"),
    [
        ("plan.pdf", "plan.pdf"),
        ("C:\\Users\\Zoë\\Grundriß.pdf", "Grundriß.pdf"),
        ("../../etc/passwd", "passwd"),
        ("/srv/www/.htaccess", "htaccess"),
        ("..", "file"),
        ("", "file"),
        (" . ", "file"),
        ("a/", "file"),
        ("a\x00b\r\nc\t.pdf", "ab c .pdf"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("Cafe\u0301.pdf", "Café.pdf"),
        ('a<b>:"|?*c.txt', "a_b_c.txt"),
        ("CON.txt", "_CON.txt"),
        ("console.txt", "console.txt"),
        ("name.pdf. .", "name.pdf"),
        ("ക്\u200d.pdf", "ക്\u200d.pdf"),
        ("👩\u200d👩\u200d👧.png", "👩\u200d👩\u200d👧.png"),
        ("x\ud800.pdf", "x.pdf"),
    ],
)
def test_a_name_is_shown_without_what_could_harm(original: str, shown: str) -> None:
    assert display_name(original) == shown


def test_a_long_name_keeps_its_extension() -> None:
    shown = display_name("x" * 5000 + ".pdf")
    assert len(shown) == MAX_NAME
    assert shown.endswith("x.pdf")
    assert len(display_name("x." + "y" * 5000)) == MAX_NAME


@pytest.mark.parametrize(
    ("original", "shown"),
    [
        ("plan.exe", "plan.exe.png"),
        ("shell.php", "shell.php.png"),
        (".htaccess", "htaccess.png"),
        ("passenger_wsgi.py", "passenger_wsgi.py.png"),
        ("photo.PNG", "photo.PNG"),
        ("png", "png.png"),
        ("", "file.png"),
    ],
)
def test_a_name_ends_as_its_type_does(original: str, shown: str) -> None:
    assert display_name(original, PNG) == shown


@given(original=st.text(max_size=400))
@example("." * 300)
@example("con" + "\x00.x")
@example("a" * 149 + ". pdf")
def test_every_name_has_one_safe_form(original: str) -> None:
    shown = display_name(original, PDF)
    assert 0 < len(shown) <= MAX_NAME
    assert unicodedata.is_normalized("NFC", shown)
    assert not re.search(r'[/\\<>:"|?*\x00-\x1f\x7f]', shown)
    assert not shown.startswith((".", " "))
    assert extension_of(shown) == "pdf"
    assert shown.encode()
    assert display_name(shown, PDF) == shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("plan.pdf", 'attachment; filename="plan.pdf"'),
        ("my plan (2).pdf", 'attachment; filename="my plan (2).pdf"'),
        ("Café €.pdf", "attachment; filename=\"Cafe _.pdf\"; filename*=UTF-8''Caf%C3%A9%20%E2%82%AC.pdf"),
        ("100%.pdf", "attachment; filename=\"100_.pdf\"; filename*=UTF-8''100%25.pdf"),
        ("日本", "attachment; filename=\"__\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC"),
    ],
)
def test_a_download_is_named_for_old_and_for_new_clients(name: str, value: str) -> None:
    assert content_disposition(name, PDF) == value


def test_only_what_is_passive_is_shown_in_place() -> None:
    assert content_disposition("a.png", PNG, inline=True) == 'inline; filename="a.png"'
    assert content_disposition("a.png", PNG).startswith("attachment")
    for kind in (PDF, TEXT, CSV):
        assert content_disposition("a.png", kind, inline=True).startswith("attachment;")


@given(name=st.text(max_size=200))
@example('a"; filename="b')
@example("a\r\nSet-Cookie: x=1")
@example("\ud800")
def test_whatever_the_name_the_header_is_one_line_of_ascii(name: str) -> None:
    value = content_disposition(name, JPEG)
    assert re.fullmatch(r"attachment; filename=\"[^\"\\%\r\n]*\"(; filename\*=UTF-8''[A-Za-z0-9%._~-]*)?", value)
    assert value.isascii()
    if "filename*" in value:
        assert unquote(value.rpartition("''")[2]) == name.encode(errors="replace").decode()


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("", None),
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=0-", ByteRange(0, 100)),
        ("bytes=10-19", ByteRange(10, 10)),
        ("bytes=90-1000", ByteRange(90, 10)),
        ("Bytes = 5-6 ", ByteRange(5, 2)),
        ("bytes=-1", ByteRange(99, 1)),
        ("bytes=-1000", ByteRange(0, 100)),
        ("bytes=99-", ByteRange(99, 1)),
        ("bytes=-", None),
        ("bytes=9-5", None),
        ("bytes=0-1,5-6", None),
        ("bytes=0-1, 5-6", None),
        ("bytes=a-b", None),
        ("bytes=1.5-2", None),
        ("bytes=٣-٤", None),
        ("lines=0-1", None),
        ("bytes=" + "9" * 5000 + "-", None),
    ],
)
def test_one_range_is_understood_and_all_else_means_the_whole(header: str | None, part: ByteRange | None) -> None:
    assert parse_range(header, 100) == part


@pytest.mark.parametrize(
    ("header", "size"),
    [("bytes=100-", 100), ("bytes=100-200", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)],
)
def test_a_range_behind_the_end_is_told_the_size(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable) as refusal:
        parse_range(header, size)
    assert refusal.value.size_bytes == size


def test_a_part_says_where_it_lies() -> None:
    assert ByteRange(10, 10).content_range(100) == "bytes 10-19/100"


@given(header=st.from_regex(r"bytes=[0-9]{0,3}-[0-9]{0,3}", fullmatch=True), size=st.integers(0, 500))
def test_a_part_lies_within_the_file(header: str, size: int) -> None:
    content = bytes(range(256)) * 2
    try:
        part = parse_range(header, size)
    except RangeNotSatisfiable:
        return
    if part is not None:
        first, last = header.removeprefix("bytes=").split("-")
        whole = content[:size]
        expected = whole[int(first) : int(last) + 1 if last else None] if first else whole[-int(last) :]
        assert whole[part.start : part.start + part.length] == expected
        assert part.length == len(expected) > 0
