"""Languages: each has all words, days and money as its people write them, and is printed only where its letters can be."""

from __future__ import annotations

import shutil
import string
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from app.documents import formats, languages
from app.documents.languages import printable
from app.documents.messages import TABLE, Messages, messages
from app.domain.bookings import STATES
from tests.documents import reading

DEVANAGARI = Path("/usr/share/fonts/truetype/noto/NotoSansDevanagari-Regular.ttf")
ENGLISH, GERMAN, HINDI = (messages(tag) for tag in ("en", "de", "hi"))


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    languages._missing.cache_clear()


@pytest.mark.parametrize("words", TABLE.values(), ids=TABLE)
def test_a_language_fills_in_what_english_does(words: Messages) -> None:
    for field in fields(Messages):
        theirs, ours = getattr(words, field.name), getattr(ENGLISH, field.name)
        if isinstance(ours, str) and field.name not in {"money", "short_day", "long_day"}:
            assert _holes(theirs) == _holes(ours), field.name
        if isinstance(ours, tuple):
            assert len(theirs) == len(ours), field.name
    assert set(words.statuses) >= STATES


def _holes(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("words", "short", "long"),
    [
        (GERMAN, "Di., 24. Nov. 2026", "Dienstag, 24. November 2026"),
        (HINDI, "मंगल, 24 नव॰ 2026", "मंगलवार, 24 नवंबर 2026"),
    ],
)
def test_days_are_written_as_people_write_them(words: Messages, short: str, long: str) -> None:
    assert formats.short_day(date(2026, 11, 24), words) == short
    assert formats.long_day(date(2026, 11, 24), words) == long


@pytest.mark.parametrize(
    ("words", "minor", "currency", "text"),
    [
        (GERMAN, 123456789, "EUR", "1.234.567,89\u00a0€"),
        (GERMAN, -1990, "CHF", "−19,90\u00a0CHF"),  # noqa: RUF001 - a minus sign
        (GERMAN, 1500, "JPY", "1.500\u00a0¥"),
        (HINDI, 123456789, "INR", "₹12,34,567.89"),
        (HINDI, 99900, "INR", "₹999.00"),
        (HINDI, 12345678900, "INR", "₹12,34,56,789.00"),
    ],
)
def test_money_is_written_as_people_write_it(words: Messages, minor: int, currency: str, text: str) -> None:
    assert formats.amount(minor, currency, words) == text


@pytest.mark.parametrize(("words", "decimal"), [(ENGLISH, "."), (GERMAN, ",")], ids=["en", "de"])
def test_shares_have_one_decimal_and_nothing_has_a_dash(words: Messages, decimal: str) -> None:
    shares = [formats.share(part, of, words) for part, of in ((5, 8), (0, 8), (8, 8))]
    assert shares == [f"{text}\u00a0%".replace(".", decimal) for text in ("62.5", "0.0", "100.0")]
    assert formats.share(0, 0, words) == "\u2013"


def test_hours_are_rounded_to_tenths() -> None:
    assert [formats.hours(minutes, GERMAN) for minutes in (0, 30, 90, 100, 60 * 1234)] == [
        "0,0",
        "0,5",
        "1,5",
        "1,7",
        "1.234,0",
    ]


def test_a_language_without_its_letters_gives_way_to_english_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert printable("hi", tmp_path) == "en"
    assert "language_not_printable" in caplog.text
    assert printable("de", tmp_path) == "de"


def test_a_language_with_its_letters_is_printed(tmp_path: Path) -> None:
    if not DEVANAGARI.exists():
        reading.missing("a font with Devanagari", "apt-get install fonts-noto-core")
    reading.module("uharfbuzz")
    shutil.copy(DEVANAGARI, tmp_path)
    assert printable("hi", tmp_path) == "hi"


def test_a_language_without_its_shaper_gives_way_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not DEVANAGARI.exists():
        reading.missing("a font with Devanagari", "apt-get install fonts-noto-core")
    shutil.copy(DEVANAGARI, tmp_path)
    monkeypatch.setattr(languages, "can_shape", lambda: False)
    assert printable("hi", tmp_path) == "en"


def test_a_language_that_there_is_not_is_english() -> None:
    assert printable("xx", None) == "en"
