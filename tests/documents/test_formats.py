"""Days, times and amounts as people read them."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from app.documents import formats
from app.documents.messages import ENGLISH, messages


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (0, "EUR", "€0.00"),
        (5, "EUR", "€0.05"),
        (123456789, "EUR", "€1,234,567.89"),
        (-1250, "GBP", "−£12.50"),  # noqa: RUF001 - a minus sign
        (1500, "JPY", "¥1,500"),
        (12345, "KWD", "KWD\u00a012.345"),
        (1990, "CHF", "CHF\u00a019.90"),
        (250000, "INR", "₹2,500.00"),
    ],
)
def test_an_amount_has_the_digits_of_its_currency(minor: int, currency: str, text: str) -> None:
    assert formats.amount(minor, currency, ENGLISH) == text


def test_days_are_named() -> None:
    assert formats.short_day(date(2026, 2, 1), ENGLISH) == "Sun 1 Feb 2026"
    assert formats.long_day(date(2026, 9, 30), ENGLISH) == "Wednesday 30 September 2026"


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Asia/Kolkata", "Asia/Kolkata (UTC+05:30)"),
        ("America/New_York", "America/New_York (UTC-04:00)"),
        ("UTC", "UTC (UTC+00:00)"),
    ],
)
def test_a_zone_tells_its_distance_from_utc(zone: str, text: str) -> None:
    assert formats.zone_name(datetime(2026, 7, 1, 8, 5, tzinfo=ZoneInfo(zone)), zone) == text


def test_a_moment_has_its_day_and_its_time() -> None:
    assert formats.moment(datetime(2026, 7, 1, 8, 5, tzinfo=ZoneInfo("UTC")), ENGLISH) == "Wed 1 Jul 2026, 08:05"


def test_a_language_without_words_gets_english_ones() -> None:
    assert messages("en-GB") is messages("xx") is ENGLISH
