"""CSV that spreadsheets open and do not run, and whose end proves that it is whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest

from app.documents.csv_text import Cell, csv_chunks

HEADS = ("ref", "name", "total_minor")


def text_of(*rows: tuple[Cell, ...], bom: bool = False) -> str:
    return b"".join(csv_chunks(HEADS, [rows], bom=bom)).decode()


def test_lines_end_as_the_rfc_says_and_the_last_one_counts() -> None:
    assert text_of(("A", "Ada", 5), ("B", "Bo", -7)) == "ref,name,total_minor\r\nA,Ada,5\r\nB,Bo,-7\r\n#rows=2\r\n"


def test_no_rows_are_counted_too() -> None:
    assert b"".join(csv_chunks(HEADS, [])) == b"ref,name,total_minor\r\n#rows=0\r\n"


@pytest.mark.parametrize("text", ["a,b", 'say "hi"', "two\r\nlines", " padded ", "Đặng ₹", "#rows=9"])
def test_what_goes_in_comes_out(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text_of(("A", text, 1)), newline="")))
    assert rows[1] == ["A", text, "1"]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])  # noqa: RUF001 - a wide sign
def test_nothing_is_computed(first: str) -> None:
    rows = list(csv.reader(io.StringIO(text_of(("A", f"{first}1+1", 1)), newline="")))
    assert rows[1][1] == f"'{first}1+1"


def test_a_mark_stands_in_front_only_when_it_is_asked_for() -> None:
    assert text_of(bom=True).startswith("\ufeffref,")
    assert text_of().startswith("ref,")


def test_a_page_leaves_before_the_next_is_read() -> None:
    read: list[int] = []

    def pages() -> Iterator[list[tuple[Cell, ...]]]:
        for number in range(3):
            read.append(number)
            yield [("A", "Ada", number)]

    chunks = csv_chunks(HEADS, pages())
    assert next(chunks).endswith(b"A,Ada,0\r\n")
    assert read == [0]


def test_long_pages_leave_in_pieces() -> None:
    sizes = [len(chunk) for chunk in csv_chunks(HEADS, [[("A", "x" * 1000, 1)] * 500])]
    assert max(sizes) < 36 * 1024
    assert len(sizes) > 10
