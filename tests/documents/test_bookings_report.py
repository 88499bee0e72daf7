"""The bookings report: what stands on it, that it streams, and that 50,000 bookings take no memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.documents.bookings_report import BookingLine, BookingsReport, bookings_report
from tests.documents import reading

ROOT = Path(__file__).resolve().parents[2]
REPORT = BookingsReport(
    venue="Sportpark Nordstadt",
    timezone="Europe/Berlin",
    currency="EUR",
    first_on=date(2026, 1, 1),
    last_on=date(2026, 12, 31),
    made_at=datetime(2026, 11, 24, 11, tzinfo=timezone.utc),
)
_MOST_KIB = 6 * 1024
_MEASURE = """
import sys
from datetime import datetime, timedelta, timezone
from app.documents.bookings_report import BookingLine, bookings_report
from tests.documents.test_bookings_report import REPORT, lines

def kib(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key))

sum(map(len, bookings_report(REPORT, lines(60))))
open("/proc/self/clear_refs", "w").write("5")  # forget the peak so far
idle = kib("VmRSS")
rows = lines(50_000)
if sys.argv[1] == "keeping":
    rows = list(rows)
size = sum(map(len, bookings_report(REPORT, rows)))
assert size > 2_000_000, size
print(kib("VmHWM") - idle)
"""


def lines(count: int) -> Iterator[BookingLine]:
    starts = datetime(2026, 1, 1, 8, tzinfo=timezone.utc)
    names = [
        "Anna Müller",
        "Đặng Thị Hồng Nhung",
        "Ελένη Παπαδοπούλου",
        "Жанна Қазақбаева",
        "Maximiliane von und zu Hohenlohe",
    ]
    statuses = ["confirmed", "completed", "cancelled", "no_show", "pending"]
    for number in range(count):
        at = starts + timedelta(minutes=10 * number)
        name = f"{names[number % 5]} {number}"
        yield BookingLine(f"K7Q-{number:05d}", at, "Badminton", "Court 1", name, statuses[number % 5], 2500)


def made(*booked: BookingLine, report: BookingsReport = REPORT) -> list[str]:
    return reading.words(b"".join(bookings_report(report, booked)))


def line(**changed: object) -> BookingLine:
    values: dict[str, object] = {
        "ref": "K7Q-4M2P",
        "starts_at": datetime(2026, 7, 3, 16, 30, tzinfo=timezone.utc),
        "service": "Badminton",
        "resource": "Court 2",
        "customer": "Anna Müller",
        "status": "confirmed",
        "total_minor": 123456,
    }
    return BookingLine(**{**values, **changed})  # type: ignore[arg-type]


def test_a_booking_stands_on_one_line_in_the_venues_time() -> None:
    (text,) = made(line())
    cells = ["K7Q-4M2P", "Fri 3 Jul 2026, 18:30", "Badminton", "Court 2", "Anna Müller", "Confirmed", "€1,234.56"]
    assert " ".join(cells) in text


def test_the_widest_reference_there_can_be_is_whole() -> None:
    assert any("WWWWWWWWWW" in page for page in made(line(ref="WWWWWWWWWW")))


def test_the_page_says_whose_it_is_what_range_which_zone_and_when_it_was_made() -> None:
    (text,) = made(line())
    for words in (
        "Sportpark Nordstadt",
        "Bookings",
        "Thu 1 Jan 2026 – Thu 31 Dec 2026",  # noqa: RUF001 - a range takes an en dash
        "All times are in Europe/Berlin. Made on Tue 24 Nov 2026, 12:00.",
        "Page 1 of 1",
    ):
        assert words in text


def test_what_was_cancelled_is_counted_apart() -> None:
    (text,) = made(line(), line(status="no_show", total_minor=44), line(status="cancelled", total_minor=1000))
    assert "Total 2 €1,235.00 Confirmed 1 €1,234.56 No-show 1 €0.44 Cancelled (not in the total) 1 €10.00" in text


def test_a_status_that_has_no_word_yet_is_shown_as_it_is() -> None:
    (text,) = made(line(status="waitlisted"))
    assert "waitlisted" in text


def test_an_empty_range_says_so() -> None:
    (text,) = made()
    assert "There are no bookings in this range." in text


def test_money_follows_its_currency() -> None:
    report = BookingsReport("V", "Asia/Tokyo", "JPY", date(2026, 1, 1), date(2026, 1, 1), REPORT.made_at)
    (text,) = made(line(total_minor=123456), report=report)
    assert "¥123,456" in text
    assert "Sat 4 Jul 2026, 01:30" in text


def test_the_first_bytes_leave_before_the_second_page_of_rows_is_read() -> None:
    read: list[str] = []

    def booked() -> Iterator[BookingLine]:
        for booking in lines(1000):
            read.append(booking.ref)
            yield booking

    chunks = bookings_report(REPORT, booked())
    assert next(chunks).startswith(b"%PDF-")
    assert 15 < len(read) < 40


def test_every_booking_is_there_once_over_many_pages(tmp_path: Path) -> None:
    data = b"".join(bookings_report(REPORT, lines(300)))
    texts = reading.words(data)
    refs = [word for word in " ".join(texts).split() if word.startswith("K7Q-")]
    assert refs == [f"K7Q-{number:05d}" for number in range(300)]
    assert all(text.count("Reference") == 1 for text in texts[:-1])
    assert f"Page 2 of {len(texts)}" in texts[1]
    assert reading.problems(data, tmp_path) == ""


def test_the_same_bookings_make_the_same_file() -> None:
    one, two = (b"".join(bookings_report(REPORT, lines(120))) for _ in range(2))
    assert one == two


@pytest.mark.long
@pytest.mark.parametrize("way", ["streaming", "keeping"])
def test_fifty_thousand_bookings_grow_the_process_by_less_than_six_mebibytes(way: str) -> None:
    """The control keeps its rows, and must be noticed: else the measurement would prove nothing."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, way], capture_output=True, text=True, timeout=300, check=True, cwd=ROOT
    )
    grown = int(done.stdout)
    assert (grown <= _MOST_KIB) == (way == "streaming"), f"{grown} KiB"
