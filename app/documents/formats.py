"""Days, times and amounts as people read them."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

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
    weekday, month = words.short_weekdays[on.weekday()], words.short_months[on.month - 1]
    return words.short_day.format(weekday=weekday, day=on.day, month=month, year=on.year)


def long_day(on: date, words: Messages) -> str:
    """Return a day in full: ``Tuesday 24 November 2026``."""
    weekday, month = words.weekdays[on.weekday()], words.months[on.month - 1]
    return words.long_day.format(weekday=weekday, day=on.day, month=month, year=on.year)


def day_range(first: date, last: date, words: Messages) -> str:
    """Return the days from *first* to *last*, as one when they are."""
    if first == last:
        return short_day(first, words)
    return f"{short_day(first, words)} – {short_day(last, words)}"  # noqa: RUF001 - a range takes an en dash


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


def whole(number: int, words: Messages) -> str:
    """Return a number that is not negative: ``1,234,567``, or ``12,34,567`` where people count in lakhs."""
    digits, last = str(number), 3
    if not words.lakhs:
        return f"{number:,}".replace(",", words.group)
    pairs, end = digits[:-last], digits[-last:]
    first = len(pairs) % 2
    parts = [pairs[:first], *(pairs[at : at + 2] for at in range(first, len(pairs), 2)), end]
    return words.group.join(filter(None, parts))


def share(part: int, of: int, words: Messages) -> str:
    """Return ``part / of`` in percent: ``62.5 %``; a dash where there is nothing to have a part of."""
    if not of:
        return "–"  # noqa: RUF001 - a dash where a figure would stand
    tenths = (2000 * part + of) // (2 * of)
    return f"{whole(tenths // 10, words)}{words.decimal}{tenths % 10}\u00a0%"


def hours(minutes: int, words: Messages) -> str:
    """Return minutes as hours with one decimal: ``12.5``."""
    tenths = (minutes + 3) // 6
    return f"{whole(tenths // 10, words)}{words.decimal}{tenths % 10}"


def amount(minor: int, currency: str, words: Messages) -> str:
    """Return money with its currency: ``€1,234.50``, or with the code where the sign is not plain: ``CHF 1,234.50``."""
    digits = _DIGITS.get(currency, 2)
    main, rest = divmod(abs(minor), 10**digits)
    text = whole(main, words) + (f"{words.decimal}{rest:0{digits}d}" if digits else "")
    sign = "−" if minor < 0 else ""  # noqa: RUF001 - a minus sign, as wide as the digits
    symbol = _SYMBOLS.get(currency)
    if symbol is None:
        symbol = currency if words.money.endswith("{symbol}") else f"{currency}\u00a0"
    return words.money.format(sign=sign, symbol=symbol, amount=text)


def footer_note(made_at: datetime, timezone: str, words: Messages) -> str:
    """Return what stands below every page: the zone of its times, and when it was made."""
    made = moment(made_at.astimezone(ZoneInfo(timezone)), words)
    return f"{words.zone_note.format(zone=timezone)} {words.generated.format(at=made)}"
