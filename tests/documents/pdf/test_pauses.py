"""Rests: no more than ten milliseconds of work without one."""

from __future__ import annotations

from app.documents.pdf.pauses import Pauses


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_work_rests_before_ten_milliseconds_are_over() -> None:
    clock, rests = Clock(), list[float]()
    pauses = Pauses(rests.append, clock)
    longest = since = 0.0
    for _ in range(1000):
        clock.now += 0.0007
        before = len(rests)
        pauses.worked()
        longest = max(longest, clock.now - since)
        since = clock.now if len(rests) > before else since
    assert longest < 0.010
    assert 80 < len(rests) < 100


def test_a_rest_is_long_enough_for_others_to_be_noticed() -> None:
    clock, rests = Clock(), list[float]()
    pauses = Pauses(rests.append, clock)
    clock.now += 1
    pauses.worked()
    assert rests == [0.001]


def test_little_work_needs_no_rest() -> None:
    clock, rests = Clock(), list[float]()
    pauses = Pauses(rests.append, clock)
    clock.now += 0.005
    pauses.worked()
    assert rests == []
