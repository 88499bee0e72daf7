"""Bitmaps against lists of steps."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.domain import bitmaps

SIZE = 80
STEPS = range(SIZE)
SPANS = st.lists(st.tuples(st.integers(-30, SIZE), st.integers(0, 40), st.integers(1, 9)), max_size=12)
BITS = st.integers(0, (1 << SIZE) - 1)


def columns(spans: list[tuple[int, int, int]]) -> tuple[list[int], list[int], list[int]]:
    return [s for s, _, _ in spans], [s + length for s, length, _ in spans], [units for _, _, units in spans]


def counts(spans: list[tuple[int, int, int]]) -> list[int]:
    """Return what lies on each step, and on the next hundred, by adding."""
    return [sum(units for s, length, units in spans if s <= step < s + length) for step in range(SIZE + 100)]


def steps_of(bits: int) -> list[int]:
    return [step for step in range(bits.bit_length()) if bits >> step & 1]


@given(start=st.integers(-50, SIZE), length=st.integers(-5, SIZE))
def test_a_span_is_its_steps_from_zero_on(start: int, length: int) -> None:
    assert steps_of(bitmaps.span(start, start + length)) == [n for n in range(start, start + length) if n >= 0]


@given(start=st.integers(0, 50), interval=st.integers(1, 20), amount=st.integers(-2, 20))
def test_a_comb_has_a_tooth_every_interval(start: int, interval: int, amount: int) -> None:
    assert steps_of(bitmaps.comb(start, interval, amount)) == [start + n * interval for n in range(amount)]


@given(spans=SPANS)
def test_a_union_has_every_step_of_any_span(spans: list[tuple[int, int, int]]) -> None:
    starts, ends, _ = columns(spans)
    covered = {step for s, e in zip(starts, ends, strict=True) for step in range(s, e) if step >= 0}
    assert steps_of(bitmaps.union(starts, ends)) == sorted(covered)


@given(bits=BITS, length=st.integers(1, 30))
def test_a_run_begins_where_that_many_steps_are_set(bits: int, length: int) -> None:
    expected = [n for n in STEPS if all(bits >> (n + k) & 1 for k in range(length))]
    assert steps_of(bitmaps.runs(bits, length)) == expected


@given(spans=SPANS)
def test_a_count_adds_the_units_of_every_span(spans: list[tuple[int, int, int]]) -> None:
    planes = bitmaps.count(*columns(spans))
    assert [bitmaps.value_at(planes, step) for step in range(SIZE + 100)] == counts(spans)


@given(edges=st.lists(st.integers(-10, SIZE), max_size=20, unique=True).map(sorted), units=st.integers(1, 9))
def test_a_count_of_spans_that_never_overlap_adds_up_too(edges: list[int], units: int) -> None:
    pairs = [*pairwise(edges)]  # each touches the next
    spans = [(start, end - start, units) for start, end in pairs]
    planes = bitmaps.count(*columns(spans))
    assert [bitmaps.value_at(planes, step) for step in range(SIZE + 100)] == counts(spans)


@given(spans=SPANS, length=st.integers(1, 40))
def test_a_peak_is_the_greatest_count_of_the_steps_ahead(spans: list[tuple[int, int, int]], length: int) -> None:
    planes = bitmaps.peak(bitmaps.count(*columns(spans)), length)
    model = counts(spans)
    assert [bitmaps.value_at(planes, step) for step in STEPS] == [max(model[step : step + length]) for step in STEPS]


@given(spans=SPANS, limit=st.integers(-2, 40))
def test_at_most_finds_the_steps_within_the_limit(spans: list[tuple[int, int, int]], limit: int) -> None:
    model = counts(spans)
    found = bitmaps.at_most(bitmaps.count(*columns(spans)), limit, SIZE)
    assert steps_of(found) == [step for step in STEPS if model[step] <= limit]


@given(bits=BITS)
def test_positions_are_those_of_the_set_bits(bits: int) -> None:
    assert bitmaps.positions(bits) == steps_of(bits)


@given(bits=BITS, among=BITS)
def test_flags_say_of_each_set_bit_whether_the_other_has_it(bits: int, among: int) -> None:
    assert [*bitmaps.flags(bits, among)] == [bits >> step & 1 for step in steps_of(among)]


def test_all_bits_may_be_asked_among_any() -> None:
    assert bitmaps.flags(-1, 0b1010) == b"\x01\x01"
