"""Time as bits of Python integers: bit *p* is the *p*-th step of a grid. Everything here is exact and has no loop over steps.

A *count* is a list of bit planes: plane *i* holds bit *i* of the number that belongs to each step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import compress, repeat
from operator import le, lshift, or_

Count = list[int]
_AS_NUMBERS = bytes.maketrans(b"01", b"\x00\x01")


def span(start: int, end: int) -> int:
    """Return the bits from *start* up to *end*, exclusive; nothing where the span is empty or lies before zero."""
    start = max(start, 0)
    return ((1 << (end - start)) - 1) << start if end > start else 0


def comb(start: int, interval: int, amount: int) -> int:
    """Return *amount* single bits: at *start*, and then every *interval*."""
    return ((1 << interval * amount) - 1) // ((1 << interval) - 1) << start if amount > 0 else 0


def union(starts: Sequence[int], ends: Sequence[int]) -> int:
    """Return the bits that any of the half-open spans covers."""
    return reduce(or_, map(span, starts, ends), 0)


def runs(bits: int, length: int) -> int:
    """Return the positions at which *length* set bits in a row begin: log2(length) shifts."""
    done = 1
    while done < length and bits:
        stride = min(done, length - done)
        bits &= bits >> stride
        done += stride
    return bits


def count(starts: Sequence[int], ends: Sequence[int], units: Sequence[int]) -> Count:
    """Return how much lies on each step: span *i* adds ``units[i]``, by carrying from plane to plane."""
    planes: Count = []
    amounts = set(units)
    for amount in amounts:
        chosen = [u == amount for u in units] if len(amounts) > 1 else repeat(1)
        for bits in _layers(compress(starts, chosen), compress(ends, chosen)):
            for place in range(amount.bit_length()):
                if amount >> place & 1:
                    _carry(planes, place, bits)
    return planes


def _layers(starts: Iterable[int], ends: Iterable[int]) -> Iterable[int]:
    """Return the spans as few bitmaps: one where no two overlap, which is the rule; else one each.

    Disjoint spans are the sum of their ends minus the sum of their starts, each as a single bit: no loop in Python.
    """
    begins, finishes = sorted(starts), sorted(ends)
    if begins and begins[0] < 0:
        begins = [max(begin, 0) for begin in begins]
    if begins and finishes[0] > begins[0] and all(map(le, finishes, begins[1:])):
        return (sum(map(lshift, repeat(1), finishes)) - sum(map(lshift, repeat(1), begins)),)
    return map(span, begins, finishes)


def _carry(planes: Count, place: int, bits: int) -> None:
    while bits:
        while len(planes) <= place:
            planes.append(0)
        planes[place], bits = planes[place] ^ bits, planes[place] & bits
        place += 1


def peak(planes: Count, length: int) -> Count:
    """Return, for each position, the greatest count within *length* steps from there."""
    done = 1
    while done < length and planes:
        stride = min(done, length - done)
        planes = _greater(planes, [plane >> stride for plane in planes])
        done += stride
    return planes


def _greater(left: Count, right: Count) -> Count:
    """Return the greater of two counts, step by step."""
    if len(left) == 1:
        return [left[0] | right[0]]
    left_wins, undecided = 0, -1
    for a, b in zip(reversed(left), reversed(right), strict=True):
        left_wins |= undecided & a & ~b
        undecided &= ~(a ^ b)
    return [(a & left_wins) | (b & ~left_wins) for a, b in zip(left, right, strict=True)]


def at_most(planes: Count, limit: int, size: int) -> int:
    """Return the steps, of the first *size*, whose count is no greater than *limit*."""
    if limit < 0:
        return 0
    below, equal = 0, (1 << size) - 1
    for place in reversed(range(max(len(planes), limit.bit_length()))):
        plane = planes[place] if place < len(planes) else 0
        if limit >> place & 1:
            below |= equal & ~plane
            equal &= plane
        else:
            equal &= ~plane
    return below | equal


def value_at(planes: Count, position: int) -> int:
    """Return the count of one step."""
    return sum((plane >> position & 1) << place for place, plane in enumerate(planes))


def positions(bits: int) -> list[int]:
    """Return the positions of the set bits, ascending."""
    text = format(bits, "b")[::-1]
    found, at = [], text.find("1")
    while at >= 0:
        found.append(at)
        at = text.find("1", at + 1)
    return found


def flags(bits: int, among: int) -> bytes:
    """Return, for each set bit of *among*, ascending, one byte: 1 where *bits* has it too, else 0."""
    width = among.bit_length()
    wanted, there = (format(b, f"0{width}b").encode().translate(_AS_NUMBERS) for b in (among, bits & among))
    return bytes(compress(there, wanted))[::-1]
