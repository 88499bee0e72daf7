"""The stream: pages leave one by one, the file is whole at the end, and the same drawing makes the same file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.documents.pdf.objects import ObjectFile
from app.documents.pdf.pen import Pen
from app.documents.pdf.streams import About, Document, pdf_chunks
from app.documents.pdf.styles import A4, A4_LANDSCAPE, BODY, SMALL, Style
from tests.documents import reading

MADE_AT = datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=1)))
ABOUT = About("Tägliche Liste (Łódź)", "Venue (North", "de-AT", MADE_AT)


def pages(*texts: str) -> Callable[[Document], Iterator[Pen]]:
    def draw(document: Document) -> Iterator[Pen]:
        for text in texts:
            pen = document.pen(A4)
            pen.text(60, 700, text, BODY)
            pen.total(60, 40, SMALL)
            yield pen

    return draw


def made(*texts: str) -> bytes:
    return b"".join(pdf_chunks(ABOUT, pages(*texts)))


def test_each_page_leaves_before_the_next_is_drawn() -> None:
    drawn: list[int] = []

    def draw(document: Document) -> Iterator[Pen]:
        for number in range(5):
            drawn.append(number)
            pen = document.pen(A4)
            pen.text(60, 700, str(number), BODY)
            yield pen

    chunks = pdf_chunks(ABOUT, draw)
    assert next(chunks).startswith(b"%PDF-1.5\n")
    assert drawn == [0]
    next(chunks)
    assert drawn == [0, 1]


def test_the_file_is_sound(tmp_path: Path) -> None:
    assert reading.problems(made("one", "two", "three"), tmp_path) == ""


def test_a_file_that_is_cut_short_is_noticed(tmp_path: Path) -> None:
    """A control: were the check blind, the test above would prove nothing."""
    assert reading.problems(made("one", "two")[:-40], tmp_path) != ""


def test_every_offset_of_the_index_points_to_its_object() -> None:
    data = made("one", "two")
    start = int(data.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    rows = data[start:].split(b"\n")[2:]
    offsets = [int(row[:10]) for row in rows if row.endswith(b" n ")]
    assert offsets
    for number, offset in enumerate(offsets, start=1):
        assert data[offset:].startswith(b"%d 0 obj\n" % number)


def test_text_is_read_back_as_it_was_written() -> None:
    found = reading.texts(made("Đặng Thị Hồng Nhung", "Ελένη Жанна ₹ 1.200 €", "Łódź ﬁn"))
    assert [text.split("\n")[0] for text in found] == ["Đặng Thị Hồng Nhung", "Ελένη Жанна ₹ 1.200 €", "Łódź ﬁn"]


def test_every_page_shows_the_number_of_pages_though_the_first_left_before_it_was_known() -> None:
    assert [text.split()[-1] for text in reading.texts(made(*"abcdefghijkl"))] == ["12"] * 12


def test_title_author_language_and_time_are_told() -> None:
    file = reading.reader(made("x"))
    assert file.metadata.title == ABOUT.title
    assert file.metadata.author == ABOUT.author
    assert file.metadata.creation_date == ABOUT.created_at
    assert file.trailer["/Root"]["/Lang"] == "de-AT"
    assert file.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"].value is True


def test_the_same_drawing_makes_the_same_bytes() -> None:
    assert made("Anna", "Жанна") == made("Anna", "Жанна")


def test_another_drawing_has_another_id() -> None:
    ids = {str(reading.reader(made(text)).trailer["/ID"]) for text in ("Anna", "Anne")}
    assert len(ids) == 2


def test_pages_may_differ_in_size() -> None:
    def draw(document: Document) -> Iterator[Pen]:
        yield document.pen(A4)
        yield document.pen(A4_LANDSCAPE)

    boxes = [page.mediabox for page in reading.reader(b"".join(pdf_chunks(ABOUT, draw))).pages]
    assert [float(box.width) > float(box.height) for box in boxes] == [False, True]


def test_only_glyphs_that_were_drawn_are_embedded() -> None:
    few, many = made("abc"), made("".join(map(chr, range(0x100, 0x500))))
    assert len(few) < 8_000
    assert len(many) > 40_000


def test_a_document_without_text_has_no_fonts(tmp_path: Path) -> None:
    def draw(document: Document) -> Iterator[Pen]:
        pen = document.pen(A4)
        pen.box(10, 10, 50, 50, (1, 0, 0))
        yield pen

    data = b"".join(pdf_chunks(ABOUT, draw))
    assert b"/FontFile2" not in data
    assert reading.problems(data, tmp_path) == ""


def test_an_object_that_was_promised_and_never_written_is_an_error() -> None:
    file = ObjectFile()
    file.reserve()
    with pytest.raises(ValueError, match="Object 1 of the PDF was reserved and never written"):
        list(file.end(1, 1))


def test_a_link_leads_to_its_address_and_cannot_break_out() -> None:
    url = "https://book.example/b?x=(1)>>/é \r\n"

    def draw(document: Document) -> Iterator[Pen]:
        pen = document.pen(A4)
        pen.link(10, 10, 50, 20, url)
        pen.link(10, 40, 50, 20, "javascript:alert(1)")
        pen.link(10, 70, 50, 20, "file:///etc/passwd")
        yield pen

    (page,) = reading.reader(b"".join(pdf_chunks(ABOUT, draw))).pages
    assert [link.get_object()["/A"]["/URI"] for link in page["/Annots"]] == [
        "https://book.example/b?x=(1)%3E%3E/%C3%A9%20%0D%0A"
    ]


@pytest.mark.parametrize(("align", "left"), [("left", 200), ("centre", 175), ("right", 150)])
def test_text_is_aligned(align: str, left: int) -> None:
    def draw(document: Document) -> Iterator[Pen]:
        pen = document.pen(A4)
        size = 50_000 / document.lettering.line("x").width  # at which an x is 50 points wide
        pen.text(200, 300, "x", Style(size), align=align)  # type: ignore[arg-type]
        yield pen

    content = reading.contents(b"".join(pdf_chunks(ABOUT, draw)))
    assert f"BT {left}.00 300.00 Td".encode() in content
