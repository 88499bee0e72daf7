"""What a booking costs: integer lines in minor units of the venue's currency, tax as a line of its own."""

from __future__ import annotations

from dataclasses import dataclass

_BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class PriceList:
    """A service's prices: net amounts in minor units, the deposit in percent, the tax in hundredths of a percent."""

    currency: str
    flat_minor: int = 0
    per_hour_minor: int = 0
    per_person_minor: int = 0
    deposit_percent: int = 0
    tax_bp: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a quote; ``quantity`` counts minutes, people or pieces of what ``unit_minor`` is the price of."""

    kind: str
    label: str
    quantity: int
    unit_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of one booking; the lines add up to the total, of which the deposit is a part."""

    currency: str
    total_minor: int
    deposit_minor: int
    lines: tuple[Line, ...]


def quote(prices: PriceList, *, label: str, duration_minutes: int, party_size: int) -> Quote:
    """Return the price of a booking; halves of a minor unit are rounded up."""
    lines = []
    if prices.flat_minor:
        lines.append(Line("flat", label, 1, prices.flat_minor, prices.flat_minor))
    if prices.per_hour_minor:
        amount = _share(prices.per_hour_minor, duration_minutes, 60)
        lines.append(Line("time", f"{label}, {duration_minutes} min", duration_minutes, prices.per_hour_minor, amount))
    if prices.per_person_minor:
        amount = prices.per_person_minor * party_size
        lines.append(Line("people", f"{label}, {party_size} x", party_size, prices.per_person_minor, amount))
    net = sum(line.amount_minor for line in lines)
    if prices.tax_bp and net:
        tax = _share(net, prices.tax_bp, _BASIS_POINTS)
        lines.append(Line("tax", f"Tax {_percent(prices.tax_bp)} %", 1, tax, tax))
    total = sum(line.amount_minor for line in lines)
    return Quote(prices.currency, total, _share(total, prices.deposit_percent, 100), tuple(lines))


def _share(amount: int, part: int, whole: int) -> int:
    """Return ``amount * part / whole``, halves rounded up."""
    return (2 * amount * part + whole) // (2 * whole)


def _percent(basis_points: int) -> str:
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)
