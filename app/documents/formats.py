"""Days, times and amounts as people read them."""

from __future__ import annotations

from datetime import date, datetime

from app.documents.messages import Messages

_DIGITS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}  # of the minor unit, where they are not 2 (ISO 4217)
_SYMBOLS = {
    "EUR": "€",
    "GBP": "£",
    "USD": "$",
    "INR": "₹",
    "TRY": "₺",
    "NGN": "₦",
    "JPY": "¥",
    "UAH": "₴",
    "KRW": "₩",
    "ILS": "₪",
}


def short_day(on: date, words: Messages) -> str:
    """Return a day for a table: ``Tue 24 Nov 2026``."""
    return f"{words.weekdays[on.weekday()][:3]} {on.day} {words.months[on.month - 1][:3]} {on.year}"


def long_day(on: date, words: Messages) -> str:
    """Return a day in full: ``Tuesday 24 November 2026``."""
    return f"{words.weekdays[on.weekday()]} {on.day} {words.months[on.month - 1]} {on.year}"


def clock(at: datetime) -> str:
    """Return the time of day: ``09:30``."""
    return f"{at.hour:02d}:{at.minute:02d}"


def moment(at: datetime, words: Messages) -> str:
    """Return a day and a time: ``Tue 24 Nov 2026, 09:30``."""
    return f"{short_day(at.date(), words)}, {clock(at)}"


def zone_name(at: datetime, zone: str) -> str:
    """Return a zone with its distance from UTC at an instant in it: ``Europe/Berlin (UTC+01:00)``."""
    offset = at.strftime("%z")
    return f"{zone} (UTC{offset[:3]}:{offset[3:5]})"


def amount(minor: int, currency: str) -> str:
    """Return money with its currency: ``€1,234.50``, or with the code where the sign is not plain: ``CHF 1,234.50``."""
    digits = _DIGITS.get(currency, 2)
    whole, rest = divmod(abs(minor), 10**digits)
    text = f"{whole:,}.{rest:0{digits}d}" if digits else f"{whole:,}"
    sign = "−" if minor < 0 else ""  # noqa: RUF001 - a minus sign, as wide as the digits
    return f"{sign}{_SYMBOLS.get(currency) or f'{currency} '}{text}"
