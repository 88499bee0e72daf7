"""The confirmation: what a customer must find on it, on one page, small enough for any mail."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from app.documents.confirmation import Confirmation, confirmation
from app.domain.prices import PriceList, Quote, quote
from tests.documents import reading

LINK = "https://book.example/b/K7Q-4M2P?token=Xk3uVb8sQm2LwY7tRz5nPA"
PRICES = PriceList("EUR", flat_minor=500, per_hour_minor=2400, per_person_minor=350, deposit_percent=30, tax_bp=1900)


def booking(**changed: object) -> Confirmation:
    values: dict[str, object] = {
        "venue": "Sportpark Nordstadt",
        "venue_address": "Nordstraße 12, 53111 Bonn",
        "timezone": "Europe/Berlin",
        "ref": "K7Q-4M2P",
        "status": "confirmed",
        "service": "Badminton, evening",
        "resources": ("Court 2", "Racket set"),
        "customer": "Đặng Thị Hồng Nhung",
        "starts_at": datetime(2026, 7, 3, 16, 30, tzinfo=timezone.utc),
        "ends_at": datetime(2026, 7, 3, 18, tzinfo=timezone.utc),
        "party_size": 4,
        "quote": quote(PRICES, label="Badminton", duration_minutes=90, party_size=4),
        "issued_at": datetime(2026, 6, 1, 9, tzinfo=timezone.utc),
        "code": LINK,
        "manage_url": LINK,
        "notes": "Please bring shoes with light soles.",
    }
    return Confirmation(**{**values, **changed})  # type: ignore[arg-type]


def made(**changed: object) -> bytes:
    return b"".join(confirmation(booking(**changed)))


def text_of(**changed: object) -> str:
    return " ".join(reading.words(made(**changed)))


def test_everything_a_customer_needs_is_on_one_page(tmp_path: Path) -> None:
    data = made()
    (text,) = reading.words(data)
    for words in (
        "Sportpark Nordstadt Nordstraße 12, 53111 Bonn Booking confirmation Confirmed",
        "Friday 3 July 2026 18:30 – 20:00",  # noqa: RUF001 - a range takes an en dash
        "Europe/Berlin (UTC+02:00) Reference K7Q-4M2P",
        "Court 2, Racket set",
        "Đặng Thị Hồng Nhung",
        "Please bring shoes with light soles.",
        "All times are in Europe/Berlin. Made on Mon 1 Jun 2026, 11:00.",
        "Page 1 of 1",
    ):
        assert words in text
    assert reading.problems(data, tmp_path) == ""


def test_the_price_is_shown_line_by_line_with_its_tax() -> None:
    text = text_of()
    for words in (
        "Badminton 1 €5.00 €5.00",
        "Badminton, 90 min 90 min €24.00 an hour €36.00",
        "Badminton, 4 x 4 €3.50 €14.00",
        "Tax 19 % €10.45",
        "Total €65.45 Deposit €19.64",
    ):
        assert words in text


def test_a_booking_that_costs_nothing_has_no_empty_table() -> None:
    text = text_of(quote=Quote("EUR", 0, 0, ()))
    assert "There is nothing to pay." in text
    assert "Unit price" not in text


def test_a_booking_over_midnight_names_both_days() -> None:
    text = text_of(ends_at=datetime(2026, 7, 4, 4, tzinfo=timezone.utc))
    assert "Friday 3 July 2026 18:30 – 06:00" in text  # noqa: RUF001 - as above
    assert "until Saturday 4 July 2026" in text


def test_it_stays_below_sixty_kilobytes() -> None:
    assert len(made()) < 60_000
    assert len(made(notes="".join(map(chr, range(0x100, 0x250))))) < 60_000


def test_a_note_of_a_megabyte_is_cut_and_told_by_an_ellipsis() -> None:
    data = made(notes="many words " * 100_000)
    note = " ".join(reading.words(data)).partition("Notes ")[2].partition(" Change or cancel")[0]
    assert note.endswith("…")
    assert 50 < note.count("many words") < 200
    assert len(data) < 60_000


def test_the_link_leads_to_the_booking_and_is_left_out_without_one() -> None:
    (page,) = reading.reader(made()).pages
    assert [link.get_object()["/A"]["/URI"] for link in page["/Annots"]] == [LINK]
    (page,) = reading.reader(made(manage_url="")).pages
    assert "/Annots" not in page


@pytest.mark.parametrize("field", ["venue", "venue_address", "ref", "service", "customer", "notes", "status"])
def test_text_is_literal_wherever_it_stands(field: str) -> None:
    nasty = ") Tj {{7*7}} <img src=x>"
    data = made(**{field: nasty})
    assert nasty in reading.words(data)[0]
    assert nasty.encode() not in reading.contents(data)


def test_very_many_price_lines_run_over_pages_under_the_same_head() -> None:
    line = quote(PRICES, label="Room", duration_minutes=60, party_size=1).lines[0]
    texts = reading.words(made(quote=Quote("EUR", 60 * 500, 0, (line,) * 60)))
    assert len(texts) > 1
    assert all("Unit price" in text for text in texts[:2])
    assert "Booking confirmation · K7Q-4M2P" in texts[1]
    assert "Total €300.00" in texts[-1]


def test_the_title_names_the_booking() -> None:
    file = reading.reader(made())
    assert file.metadata.title == "Booking confirmation K7Q-4M2P"
    assert file.metadata.author == "Sportpark Nordstadt"
    assert file.trailer["/Root"]["/Lang"] == "en"


def test_a_code_that_no_telephone_could_read_is_refused_before_the_first_byte() -> None:
    with pytest.raises(ValueError, match="QR code"):
        next(confirmation(booking(code="x" * 501)))
