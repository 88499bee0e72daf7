"""What a booking costs, to the last cent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.prices import PriceList, quote

AMOUNTS = st.integers(0, 10**9)


def test_the_lines_of_a_quote_say_what_is_charged() -> None:
    prices = PriceList(
        "EUR", flat_minor=500, per_hour_minor=4000, per_person_minor=250, deposit_percent=20, tax_bp=1900
    )
    found = quote(prices, label="Court", duration_minutes=90, party_size=4)
    assert [(line.kind, line.label, line.quantity, line.unit_minor, line.amount_minor) for line in found.lines] == [
        ("flat", "Court", 1, 500, 500),
        ("time", "Court, 90 min", 90, 4000, 6000),
        ("people", "Court, 4 x", 4, 250, 1000),
        ("tax", "Tax 19 %", 1, 1425, 1425),
    ]
    assert (found.currency, found.total_minor, found.deposit_minor) == ("EUR", 8925, 1785)


@pytest.mark.parametrize(
    ("per_hour", "minutes", "amount"),
    [(1000, 20, 333), (1000, 40, 667), (10, 3, 1), (10, 2, 0), (1, 30, 1), (1, 29, 0)],
)
def test_halves_are_rounded_up(per_hour: int, minutes: int, amount: int) -> None:
    found = quote(PriceList("EUR", per_hour_minor=per_hour), label="", duration_minutes=minutes, party_size=1)
    assert found.total_minor == amount


@pytest.mark.parametrize(("net", "basis_points", "tax"), [(50, 100, 1), (49, 100, 0), (105, 1000, 11), (10, 550, 1)])
def test_tax_is_rounded_once_on_the_whole_net_price(net: int, basis_points: int, tax: int) -> None:
    found = quote(PriceList("EUR", flat_minor=net, tax_bp=basis_points), label="", duration_minutes=60, party_size=1)
    assert found.total_minor == net + tax


@pytest.mark.parametrize(("basis_points", "words"), [(1900, "19"), (550, "5.5"), (705, "7.05"), (25, "0.25")])
def test_the_tax_line_names_the_rate(basis_points: int, words: str) -> None:
    found = quote(PriceList("EUR", flat_minor=10**6, tax_bp=basis_points), label="", duration_minutes=60, party_size=1)
    assert found.lines[-1].label == f"Tax {words} %"


def test_what_is_free_has_no_lines() -> None:
    found = quote(PriceList("EUR", deposit_percent=50, tax_bp=1900), label="", duration_minutes=60, party_size=1)
    assert (found.total_minor, found.deposit_minor, found.lines) == (0, 0, ())


@given(
    prices=st.builds(PriceList, st.just("EUR"), AMOUNTS, AMOUNTS, AMOUNTS, st.integers(0, 100), st.integers(0, 10_000)),
    minutes=st.integers(1, 20_000),
    party=st.integers(1, 10_000),
)
def test_the_lines_add_up_and_the_deposit_is_a_part(prices: PriceList, minutes: int, party: int) -> None:
    found = quote(prices, label="x", duration_minutes=minutes, party_size=party)
    assert found.total_minor == sum(line.amount_minor for line in found.lines)
    assert 0 <= found.deposit_minor <= found.total_minor
