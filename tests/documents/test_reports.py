"""The quote, the day sheet and the occupancy report: what stands on the page."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.documents.day_sheet import DaySheet, Visit, day_sheet
from app.documents.occupancy_report import OccupancyReport, Use, occupancy_report
from app.documents.quote import PrintedQuote, quote_document
from app.domain.prices import PriceList, Quote, quote
from tests.documents import reading

UTC = timezone.utc
NOW = datetime(2026, 7, 2, 9, tzinfo=UTC)
PRICES = PriceList("EUR", flat_minor=500, per_hour_minor=2400, per_person_minor=350, deposit_percent=30, tax_bp=1950)
QUOTE = PrintedQuote(
    venue="Sportpark Nordstadt",
    venue_address="Nordstraße 12, 53111 Bonn",
    venue_email="hallo@sportpark.example",
    timezone="Europe/Berlin",
    ref="K7Q4M2PXXX",
    service="Badminton",
    customer="Đặng Thị Hồng Nhung",
    customer_address="nhung@example.org",
    starts_at=datetime(2026, 7, 3, 16, 30, tzinfo=UTC),
    ends_at=datetime(2026, 7, 3, 18, tzinfo=UTC),
    quote=quote(PRICES, label="Badminton", duration_minutes=90, party_size=4),
    issued_at=NOW,
)
SHEET = DaySheet("Sportpark Nordstadt", "Europe/Berlin", "Court 2", date(2026, 7, 3), NOW, "https://book.example/1")
VISIT = Visit(
    starts_at=datetime(2026, 7, 3, 6, tzinfo=UTC),
    ends_at=datetime(2026, 7, 3, 7, 30, tzinfo=UTC),
    ref="K7Q4M2PXXX",
    customer="Ada Lovelace",
    phone="+44 20 7946 0123",
    service="Badminton",
    party_size=4,
    status="confirmed",
    notes="Please keep the ramp free.",
)
OCCUPANCY = OccupancyReport(
    venue="Sportpark Nordstadt",
    timezone="Europe/Berlin",
    first_on=date(2026, 6, 1),
    last_on=date(2026, 6, 2),
    made_at=NOW,
    step="day",
    steps=((date(2026, 6, 1), Use(600, 300, 5)), (date(2026, 6, 2), Use(600, 450, 7))),
    resources=(("Court 1", Use(600, 150, 2)), ("Court 2", Use(600, 600, 10))),
)


def quote_text(**changed: object) -> str:
    return " ".join(reading.words(b"".join(quote_document(replace(QUOTE, **changed)))))


def sheet_text(*visits: Visit, **changed: object) -> list[str]:
    return reading.words(b"".join(day_sheet(replace(SHEET, **changed), visits)))


def occupancy_text(**changed: object) -> str:
    return " ".join(reading.words(b"".join(occupancy_report(replace(OCCUPANCY, **changed)))))


def test_a_quote_says_who_whom_what_for_and_each_tax(tmp_path: Path) -> None:
    text = quote_text()
    for words in (
        "Sportpark Nordstadt Nordstraße 12, 53111 Bonn · hallo@sportpark.example",
        "Quote Reference K7Q4M2PXXX Service Badminton Fri 3 Jul 2026, 18:30 – 20:00",  # noqa: RUF001 - a range
        "For Đặng Thị Hồng Nhung nhung@example.org",
        "Tax 19.5 % €10.73",
        "Net €55.00 Tax €10.73",
        "Total €65.73 Deposit €19.72",
        "The total includes €10.73 tax.",
        "Page 1 of 1",
    ):
        assert words in text
    assert reading.problems(b"".join(quote_document(QUOTE)), tmp_path) == ""


def test_a_german_quote_is_german_down_to_the_tax() -> None:
    text = quote_text(language="de")
    assert "Kostenaufstellung" in text
    assert "Steuer 19,5 %" in text
    assert "Tax" not in text


def test_a_quote_for_nothing_and_nobody_says_so_in_few_words() -> None:
    text = quote_text(quote=Quote("EUR", 0, 0, ()), customer="", customer_address="")
    assert "There is nothing to pay." in text
    assert "For" not in text.partition("Made on")[0].split()


def test_a_day_sheet_says_who_comes_when(tmp_path: Path) -> None:
    (text,) = sheet_text(VISIT, replace(VISIT, ref="OFFXXXXXXX", status="cancelled", party_size=9, is_expected=False))
    for words in (
        "Friday 3 July 2026",
        "08:00 – 09:30 Ada Lovelace",  # noqa: RUF001 - a range
        "+44 20 7946 0123",
        "Please keep the ramp free.",
        "Cancelled OFFXXXXXXX",
        "Bookings: 1 · People: 4",
    ):
        assert words in text
    assert reading.problems(b"".join(day_sheet(SHEET, [VISIT] * 60)), tmp_path) == ""


def test_only_who_is_expected_has_a_box_to_tick() -> None:
    strokes = [
        reading.contents(b"".join(day_sheet(SHEET, [visit]))).count(b" 0.70 w ")
        for visit in (VISIT, replace(VISIT, is_expected=False))
    ]
    assert strokes == [4, 0]


def test_the_widest_reference_there_can_be_is_whole() -> None:
    assert any("WWWWWWWWWW" in page for page in sheet_text(replace(VISIT, ref="WWWWWWWWWW")))


def test_what_reaches_over_midnight_is_open_to_that_side() -> None:
    (text,) = sheet_text(
        replace(VISIT, starts_at=datetime(2026, 7, 2, 20, tzinfo=UTC)),
        replace(VISIT, ends_at=datetime(2026, 7, 4, 4, tzinfo=UTC)),
    )
    assert "… – 09:30" in text  # noqa: RUF001 - a range
    assert "08:00 – …" in text  # noqa: RUF001 - a range


def test_a_day_without_bookings_says_so() -> None:
    (text,) = sheet_text()
    assert "Nobody is booked on this day." in text


def test_heads_come_again_on_every_page_of_a_long_day() -> None:
    pages = sheet_text(*[VISIT] * 60)
    assert len(pages) > 1
    assert all("Here Time Customer" in page for page in pages)
    assert f"Page 2 of {len(pages)}" in pages[1]


def test_an_occupancy_report_adds_up(tmp_path: Path) -> None:
    text = occupancy_text()
    for words in (
        "62.5 % Occupancy",
        "Court 1 2 2.5 10.0 25.0 %",
        "Court 2 10 10.0 10.0 100.0 %",
        "Altogether 12 12.5 20.0 62.5 %",
    ):
        assert words in text
    assert reading.problems(b"".join(occupancy_report(OCCUPANCY)), tmp_path) == ""


def test_a_bar_is_as_high_as_its_share() -> None:
    drawn = reading.contents(b"".join(occupancy_report(OCCUPANCY))).decode()
    grounds, bars = (line for line in drawn.splitlines() if line.endswith(" f") and line.count(" re") == 2)
    heights = [[float(box.split()[3]) for box in line.split(" re")[:2]] for line in (grounds, bars)]
    assert [part / whole for whole, part in zip(*heights, strict=True)] == pytest.approx([0.5, 0.75], abs=0.01)


def test_more_than_there_was_room_for_is_told_and_stays_in_the_chart() -> None:
    assert "1.5×" in occupancy_text(steps=((date(2026, 6, 1), Use(600, 900, 5)),))  # noqa: RUF001 - times
    assert "×" not in occupancy_text()  # noqa: RUF001 - times


def test_a_venue_that_was_closed_divides_by_nothing() -> None:
    text = occupancy_text(steps=((date(2026, 6, 1), Use()),), resources=())
    assert "Nothing was open in this range." in text


def test_a_year_has_a_bar_for_each_month() -> None:
    steps = tuple((date(2026, month, 1), Use(600, 300, 1)) for month in range(1, 13))
    assert "By month" in occupancy_text(step="month", steps=steps)


@pytest.mark.parametrize(
    "text", ["<b>&amp;</b>", "{{ 7*7 }}", "=1+1", "%s {0} {page}", "file:///etc/passwd", "(a) \\ )"]
)
def test_names_are_literal(text: str) -> None:
    assert text in quote_text(service=text)
    assert text in " ".join(sheet_text(replace(VISIT, customer=text)))
    assert text in occupancy_text(resources=((text, Use(60, 30, 1)),))


def test_a_note_of_a_megabyte_is_cut() -> None:
    (text,) = sheet_text(replace(VISIT, notes="long " * 200_000))
    assert "…" in text
    assert len(text) < 2000


def test_a_quote_over_midnight_names_the_other_day() -> None:
    assert "18:30 – Sat 4 Jul 2026, 06:00" in quote_text(ends_at=QUOTE.starts_at + timedelta(hours=11.5))  # noqa: RUF001
