"""Tables: heads on every page, cells that wrap or are cut, and no more rows read than a page needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone

import pytest

from app.documents.pdf.pauses import Pauses
from app.documents.pdf.pen import Pen
from app.documents.pdf.streams import About, Document, pdf_chunks
from app.documents.pdf.styles import A4, BODY
from app.documents.pdf.tables import Column, Ending, Row, Table, table_pages
from tests.documents import reading

COLUMNS = (Column("Name", 80, lines=2), Column("Note", 60), Column("Total", 60, figures=True))
ABOUT = About("Table", "A", "en", datetime(2026, 1, 1, tzinfo=timezone.utc))


def made(
    rows: Iterable[Row], *, room: float = 200, ending: float = 30, pauses: Pauses | None = None
) -> Iterator[bytes]:
    def draw(document: Document) -> Iterator[Pen]:
        table = Table(COLUMNS, 50)
        last = Ending(lambda: ending, lambda pen, top: (pen.text(50, top - 20, "the end", BODY), None)[1])
        return table_pages(
            document, table, rows, begin=lambda: (document.pen(A4), 700.0), bottom=700 - room, ending=last
        )

    return pdf_chunks(ABOUT, draw, pauses=pauses)


def row(name: str, note: str = "note", total: str = "1.00") -> Row:
    return Row((name, note, total))


def test_every_page_with_rows_begins_with_the_head() -> None:
    texts = reading.words(b"".join(made(row(f"R{number}") for number in range(25))))
    assert len(texts) > 2
    assert all(text.startswith("Name Note Total R") for text in texts)


def test_every_row_stands_on_exactly_one_page_in_order() -> None:
    text = " ".join(reading.texts(b"".join(made(row(f"R{number}") for number in range(40)))))
    assert [word for word in text.split() if word.startswith("R")] == [f"R{number}" for number in range(40)]


def test_no_more_rows_are_read_than_the_first_of_the_next_page() -> None:
    read: list[int] = []

    def rows() -> Iterator[Row]:
        for number in range(100):
            read.append(number)
            yield row(f"R{number}")

    chunks = made(rows())
    next(chunks)
    per_page = len(read) - 1
    assert 5 < per_page < 15
    next(chunks)
    assert len(read) == 2 * per_page + 1


def test_a_long_cell_wraps_and_a_longer_one_is_cut() -> None:
    name = "Maximiliane Freifrau von und zu Hohenlohe-Langenburg"
    data = b"".join(made([row(name, "a note that is long")]))
    assert reading.words(data) == ["Name Note Total Maximiliane Freifrau von un… a note tha… 1.00 the end"]
    heights = [float(line.split()[2]) for line in reading.contents(data).split(b"\n") if line.startswith(b"BT")]
    first, second, note, total = heights[3:7]
    assert first == note == total > second


def test_a_row_of_two_lines_takes_the_room_of_both() -> None:
    single, double = (len(reading.texts(b"".join(made(row(name) for _ in range(60))))) for name in ("R", "R " * 40))
    assert double > 1.5 * single


def test_the_ending_goes_to_a_new_page_when_it_does_not_fit() -> None:
    texts = reading.texts(b"".join(made([row("R")], ending=190)))
    assert texts[1:] == ["the end"]
    assert "the end" in reading.texts(b"".join(made([row("R")], ending=30)))[0]


def test_figures_end_where_their_column_ends() -> None:
    content = reading.contents(b"".join(made([row("R", total="1.00"), row("R", total="1,000,000.00")])))
    lefts = [float(line.split()[1]) for line in content.split(b"\n") if line.startswith(b"BT")]
    heads, first, second = lefts[:3], lefts[3:6], lefts[6:9]
    assert first[:2] == second[:2] == heads[:2]
    assert second[2] < first[2]


def test_each_row_may_rest() -> None:
    worked: list[int] = []

    class Counting(Pauses):
        def worked(self) -> None:
            worked.append(1)

    list(made((row("R") for _ in range(50)), pauses=Counting()))
    assert len(worked) >= 50


def test_rows_are_closed_when_the_reader_leaves() -> None:
    closed: list[bool] = []

    def rows() -> Iterator[Row]:
        try:
            while True:
                yield row("R")
        finally:
            closed.append(True)

    chunks = made(rows())
    next(chunks)
    assert closed == []
    chunks.close()  # type: ignore[attr-defined]
    assert closed == [True]


def test_a_row_with_a_cell_too_many_is_an_error() -> None:
    with pytest.raises(ValueError, match="longer"):
        list(made([Row(("a", "b", "c", "d"))]))
