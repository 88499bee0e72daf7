"""Forms with files, read as they come; what nobody polite sends is refused early, and never takes memory."""

from __future__ import annotations

import io
import itertools
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app.domain.errors import DomainError, Invalid
from app.web.errors import Malformed, UnsupportedMedia
from app.web.multipart import (
    CHUNK_BYTES,
    FileChunk,
    FileEnd,
    FileStart,
    FormEvent,
    FormField,
    FormLimits,
    read_form,
    read_raw,
)

ROOT = Path(__file__).resolve().parents[2]
FORM = "multipart/form-data; boundary=B"
LIMITS = FormLimits(parts=5, files=2, header_bytes=300, name_chars=20, field_bytes=100)
EDGES = bytes(range(256)) + b"\r\n--\r\n-B\r\n--b\r\r\n\n--B" + b"x\r\n"


def field(name: str, value: bytes = b"v") -> bytes:
    return b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)


def file(content: bytes, name: str = "file", filename: str = "a.pdf", media_type: str = "application/pdf") -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {media_type}\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = b"--B--\r\n"


class Trickle:
    """A body of which each read gives only so much, whatever was asked for."""

    def __init__(self, content: bytes, sizes: Iterable[int]) -> None:
        self._body = io.BytesIO(content)
        self._sizes = iter(sizes)

    def read(self, size: int = -1, /) -> bytes:
        return self._body.read(min(size, next(self._sizes, size)))


def events(body: bytes, limits: FormLimits = LIMITS, content_type: str = FORM) -> list[FormEvent]:
    return list(read_form(io.BytesIO(body), content_type, limits))


def joined(found: Iterable[FormEvent]) -> list[object]:
    """Return the events with the chunks of each file as one."""
    told: list[object] = []
    for event in found:
        if not isinstance(event, FileChunk):
            told.append(event)
        elif told and isinstance(told[-1], bytes):
            told[-1] += event.data
        else:
            told.append(event.data)
    return told


def test_a_form_is_told_part_by_part() -> None:
    body = (
        field("note", "Grüße".encode())
        + file(EDGES)
        + field("empty", b"")
        + file(b"", "other", "b", "TEXT/plain; x=y")
        + END
    )
    assert joined(events(body)) == [
        FormField("note", "Grüße"),
        FileStart("file", "a.pdf", "application/pdf"),
        EDGES,
        FileEnd(),
        FormField("empty", ""),
        FileStart("other", "b", "text/plain"),
        FileEnd(),
    ]


@given(
    content=st.lists(
        st.sampled_from([b"\r", b"\n", b"--B", b"--", b"-", b"x", b"B", b"\r\n--", b" "]), max_size=30
    ).map(b"".join),
    sizes=st.lists(st.integers(1, 40), max_size=60),
)
@example(content=b"\r\n--", sizes=[1] * 200)
@example(content=b"\r" * 30, sizes=[7] * 30)
def test_content_arrives_whole_however_it_is_cut(content: bytes, sizes: list[int]) -> None:
    if any(f"{end}--B".encode() in b"\r\n" + content + b"\r\n" for end in ("\r\n", "\n", "\r")):
        return  # then it holds a boundary, by the lenient reading that browsers' servers agree on
    body = field("before") + file(content) + field("after") + END
    told = joined(read_form(Trickle(body, sizes), FORM, LIMITS))
    assert told == [
        FormField("before", "v"),
        FileStart("file", "a.pdf", "application/pdf"),
        *([content] if content else []),
        FileEnd(),
        FormField("after", "v"),
    ]


@pytest.mark.parametrize("end", [END, b"--B--", b"--B-- \t\r\n", b"--B--\r\nepilogue"])
@pytest.mark.parametrize(
    "content",
    [EDGES, b"", b"\r", b"\n", b"\r\n", b"\n\r", b"x\r", b"x\n", b"\r\n\r\n", b"-", b"\r\n--", b"\r\n-\r", b"--"],
)
def test_content_arrives_whole_wherever_the_body_is_cut(content: bytes, end: bytes) -> None:
    """Werkzeug 3.1.9 alone adds a CR to what stands before a boundary that is cut between its closing dashes."""
    body = field("a") + file(content) + field("b").replace(b"--B\r\n", b"--B \t\r\n") + end
    told = [
        FormField("a", "v"),
        FileStart("file", "a.pdf", "application/pdf"),
        *([content] if content else []),
        FileEnd(),
        FormField("b", "v"),
    ]
    for first in range(1, len(body)):
        for second in (1, 2, 3, 5):
            assert joined(read_form(Trickle(body, [first, second]), FORM, LIMITS)) == told


@pytest.mark.parametrize("size", range(1, 12))
def test_content_arrives_whole_in_pieces_of_any_size(size: int) -> None:
    body = file(EDGES) + field("b") + END
    told = [FileStart("file", "a.pdf", "application/pdf"), EDGES, FileEnd(), FormField("b", "v")]
    assert joined(read_form(Trickle(body, itertools.repeat(size)), FORM, LIMITS)) == told


def test_a_chunk_is_hardly_larger_than_what_is_read_at_once() -> None:
    sizes = [len(event.data) for event in events(file(bytes(3 * CHUNK_BYTES)) + END) if isinstance(event, FileChunk)]
    assert sum(sizes) == 3 * CHUNK_BYTES
    assert max(sizes) <= CHUNK_BYTES + 128


def test_nothing_is_read_ahead_of_what_was_taken() -> None:
    body = io.BytesIO(file(bytes(20 * CHUNK_BYTES)) + END)
    reading = read_form(body, FORM, LIMITS)
    next(reading)
    assert body.tell() == CHUNK_BYTES


def test_what_follows_the_last_boundary_is_left_unread() -> None:
    body = io.BytesIO(field("a") + END + bytes(10 * CHUNK_BYTES))
    assert list(read_form(body, FORM, LIMITS)) == [FormField("a", "v")]
    assert body.tell() <= CHUNK_BYTES


def test_an_empty_form_has_nothing() -> None:
    assert events(END) == []


@pytest.mark.parametrize(
    ("filename", "told"),
    [
        ("../../etc/passwd", "../../etc/passwd"),
        (".htaccess", ".htaccess"),
        ("Grüße.pdf", "Grüße.pdf"),
        ("a%22b.pdf", 'a"b.pdf'),
        ("", ""),
    ],
)
def test_a_file_name_is_told_as_it_came(filename: str, told: str) -> None:
    start = next(event for event in events(file(b"x", filename=filename) + END) if isinstance(event, FileStart))
    assert start.filename == told


def test_lone_line_feeds_are_understood() -> None:
    body = b'--B\nContent-Disposition: form-data; name="a"\n\nv\n--B--\n'
    assert events(body) == [FormField("a", "v")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"--B",
        b"--B\r\n",
        field("a"),
        field("a") + b"--B",
        field("a") + b"--B-",
        file(b"x" * 1000),
        file(b"x" * 3 * CHUNK_BYTES),
        b"x" * 2000,
        b"\r" * 100_000,
        b"\n" * 100_000,
        b"--C--\r\n",
        b"--B\r\n\r\n" * 100_000,
        b"--B\r\n" + b"\r" * 300,
        b"--B\r\n\r\nx\r\n" + END,
        b"--B\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END,
        b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END,
        b'--B\r\nContent-Disposition: form-data; name=""\r\n\r\nx\r\n' + END,
        b'--B\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n' + END,
        b"--B\r\n\xff\xfe: x\r\n\r\nx\r\n" + END,
    ],
)
def test_what_is_no_form_or_breaks_off_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        events(body)


@pytest.mark.parametrize(
    "body",
    [
        b"".join(field(f"n{n}") for n in range(6)) + END,
        field("n") * 100_000 + END,
        file(b"x") * 3 + END,
        field("a", b"x" * 101) + END,
        field("a", b"\r" * 500_000) + END,
        b"--B\r\n" + b"X: y\r\n" * 60 + b'Content-Disposition: form-data; name="a"\r\n\r\nx\r\n' + END,
        b"--B\r\nX: " + b"y" * 300 + b"\r\n\r\nx\r\n" + END,
        b"--B\r\nX: " + b"y" * CHUNK_BYTES * 3,
        field("n" * 5000) + END,
        file(b"x", filename="f" * 5000) + END,
    ],
)  # fmt: skip
def test_what_is_too_much_is_refused(body: bytes) -> None:
    with pytest.raises(RequestEntityTooLarge):
        events(body)


def test_a_header_that_is_too_long_is_refused_before_the_rest_arrives() -> None:
    body = io.BytesIO(b"--B\r\nX: " + b"y" * 20 * CHUNK_BYTES)
    with pytest.raises(RequestEntityTooLarge):
        list(read_form(body, FORM, LIMITS))
    assert body.tell() == CHUNK_BYTES


def test_the_limits_themselves_are_allowed() -> None:
    body = field("n" * 20, b"v" * 100) + file(b"x") * 2 + field("n") * 2 + END
    assert len(joined(events(body))) == 9
    default = FormLimits()
    assert events(field("n" * default.name_chars, b"v" * default.field_bytes) + END, default)


@pytest.mark.parametrize("body", [field("n" * 21) + END, file(b"x", name="n" * 21) + END])
def test_a_name_that_is_too_long_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid, match="20 characters") as refusal:
        events(body)
    assert len(refusal.value.errors[0].field) < 30


def test_a_name_of_five_kilobytes_is_refused_by_the_limits_of_every_day() -> None:
    with pytest.raises(Invalid):
        events(field("n" * 5000) + END, FormLimits())
    with pytest.raises(RequestEntityTooLarge):
        events(field("n" * 9000) + END, FormLimits())


def test_a_field_that_is_no_text_is_invalid() -> None:
    with pytest.raises(Invalid, match="UTF-8"):
        events(field("a", b"\xff") + END)


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "B" * 71,
        "multipart/form-data; boundary=é",
        'multipart/form-data; boundary="a b"',
        'multipart/form-data; boundary="a\\"b"',
        "multipart/form-data; boundary=.*(",
    ],
)
def test_a_boundary_is_needed_and_short_and_plain(content_type: str) -> None:
    with pytest.raises(Malformed):
        events(END, content_type=content_type)


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/mixed; boundary=B", "text/html", "\0"])
def test_another_kind_of_body_is_unsupported(content_type: str) -> None:
    with pytest.raises(UnsupportedMedia):
        events(END, content_type=content_type)


@pytest.mark.parametrize("boundary", ["----WebKitFormBoundary7MA4YWxkTrZu0gW", "a'()+_,-./:=?", "B" * 70])
def test_every_boundary_that_the_standard_allows_is_understood(boundary: str) -> None:
    body = (field("a") + END).replace(b"--B", b"--" + boundary.encode())
    assert events(body, content_type=f'Multipart/Form-Data; charset=utf-8; boundary="{boundary}"') == [
        FormField("a", "v")
    ]


pieces = st.sampled_from(
    [b"--B", b"--B--", b"\r\n", b"\r", b"\n", b"\r\n\r\n", b"Content-Disposition: form-data", b'; name="a"', b'; filename="f"',
     b"; filename*=UTF-8''%ff", b": ", b"\xff", b"\0", b" ", b"x" * 50, b'name*0="a"', b"Content-Type: ", field("a"), file(b"x")]
)  # fmt: skip


@given(body=st.lists(pieces, max_size=40).map(b"".join), sizes=st.lists(st.integers(1, 30), max_size=50))
@example(body=b"--B\r\nContent-Disposition: form-data; name*=UTF-8''%ff\r\n\r\nx\r\n--B--", sizes=[])
@example(body=b'--B\r\nContent-Disposition: form-data; name="\r a"\r\n\r\n', sizes=[])
def test_whatever_comes_is_a_form_or_refused(body: bytes, sizes: list[int]) -> None:
    try:
        list(read_form(Trickle(body, sizes), FORM, LIMITS))
    except (DomainError, HTTPException):
        return
    assert b"--B--" in body


def test_a_raw_body_is_one_file() -> None:
    disposition = "attachment; filename=\"fallback.pdf\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf"
    content = bytes(CHUNK_BYTES + 5)
    told = list(read_raw(io.BytesIO(content), "Application/PDF; x=y", disposition, length=len(content)))
    assert told[0] == FileStart("", "Grüße.pdf", "application/pdf")
    assert [len(event.data) for event in told if isinstance(event, FileChunk)] == [CHUNK_BYTES, 5]
    assert told[-1] == FileEnd()


@pytest.mark.parametrize("disposition", ["", "attachment", "inline; x", ";;;", 'attachment; filename=""', "\xff"])
def test_a_raw_body_may_be_nameless(disposition: str) -> None:
    assert joined(read_raw(io.BytesIO(b"x"), "", disposition)) == [FileStart("", "", ""), b"x", FileEnd()]


def test_a_raw_body_that_breaks_off_is_malformed() -> None:
    with pytest.raises(Malformed, match="3 of 4 bytes"):
        list(read_raw(io.BytesIO(b"abc"), "", "", length=4))


MEASURED = r"""
import json, sys
from pathlib import Path
from app.domain.errors import TooLarge
from app.domain.files import Allowance
from app.gateways.files import open_storage
from app.web.multipart import FileChunk, FileEnd, FileStart, read_form

HEAD = b'--B\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n'
MIB = 1024 * 1024

class Body:
    def __init__(self, start, unit, size, end):
        self.parts, self.unit, self.left, self.end = [start], unit, size, end
    def read(self, size):
        if self.parts:
            return self.parts.pop()
        if self.left > 0:
            size = min(size, self.left)
            self.left -= size
            return (self.unit * (size // len(self.unit) + 1))[:size]
        end, self.end = self.end, b""
        return end

def peak_kib():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))

def upload(start, unit, size, end):
    storage = open_storage(Path(sys.argv[1]))
    with storage.start(Allowance(10**12, TooLarge("no"))) as draft:
        for event in read_form(Body(start, unit, size, end), "multipart/form-data; boundary=B"):
            if isinstance(event, FileChunk):
                draft.write(event.data)
        return draft.finish().size_bytes

start, unit, size, end = json.loads(sys.argv[2])
upload(HEAD, b"x", 2 * MIB, b"\r\n--B--\r\n")
idle = peak_kib()
try:
    told = upload(start.encode() if start else HEAD, unit.encode(), size * MIB, end.encode())
except Exception as error:
    told = type(error).__name__
print(json.dumps([peak_kib() - idle, told]))
"""
LAST = "\r\n--B--\r\n"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
@pytest.mark.system
@pytest.mark.parametrize(
    ("start", "unit", "size", "end", "outcome"),
    [
        ("", "x", 200, LAST, 200 * 1024 * 1024),
        ("", "\r", 30, LAST, 30 * 1024 * 1024),
        ("", "\n", 30, LAST, 30 * 1024 * 1024),
        ("", "\r\n--", 30, LAST, 30 * 1024 * 1024),
        ("", "x--B", 30, LAST, 30 * 1024 * 1024),
        ("", "\r\n--B x", 30, LAST, 30 * 1024 * 1024),
        ("", "x", 30, "", "Malformed"),
        ("x", "x", 30, "", "Malformed"),
        ("--B\r\nX: ", "y", 30, "", "RequestEntityTooLarge"),
        ("--B\r\n", "X: y\r\n", 30, "", "RequestEntityTooLarge"),
        ("--B\r\n", '\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n--B', 30, "", "RequestEntityTooLarge"),
        ('--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n', "y", 30, LAST, "RequestEntityTooLarge"),
        ("--B--\r\n", "y", 30, "", 0),
    ],
)
def test_memory_does_not_grow_with_the_body(
    tmp_path: Path, start: str, unit: str, size: int, end: str, outcome: object
) -> None:
    """From the body through the reader to the disk: at most 6 MiB more than an idle process has."""
    case = json.dumps([start, unit, size, end])
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / "uploads"), case],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    grown_kib, told = json.loads(done.stdout)
    assert grown_kib <= 6 * 1024
    assert told == outcome
