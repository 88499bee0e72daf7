"""The counters' one upsert: how it counts, and for how long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select

from app.persistence import session
from app.persistence.engine import make_engine
from app.persistence.session import reading, transaction, use_case
from app.persistence.tables import throttles as table
from app.persistence.throttles import clear, count
from tests.services.door import at_once

A, B = "a" * 64, "b" * 64
NOW = 1_800_000_000


@pytest.fixture(autouse=True)
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    session.configure(engine)
    yield engine
    session.remove()
    engine.dispose()


@use_case
def counted(seconds_of: dict[str, int], now: int = NOW) -> dict[str, tuple[int, int]]:
    with transaction() as opened:
        return count(opened, seconds_of, now_seconds=now)


def kept() -> dict[str, tuple[int, int]]:
    rows = reading().execute(select(table.c.key_hash, table.c.count, table.c.ends)).all()
    return {key: (number, ends) for key, number, ends in rows}


def test_the_first_starts_the_time_and_the_others_only_count() -> None:
    assert counted({A: 60}) == {A: (1, NOW + 60)}
    assert counted({A: 60}, NOW + 59) == {A: (2, NOW + 60)}
    assert kept() == {A: (2, NOW + 60)}


def test_once_the_time_is_over_it_counts_anew() -> None:
    counted({A: 60})
    counted({A: 60})
    assert counted({A: 60}, NOW + 60) == {A: (1, NOW + 120)}


def test_several_keys_are_counted_together_each_by_its_own_time() -> None:
    counted({A: 60})
    assert counted({B: 10, A: 60}, NOW + 5) == {A: (2, NOW + 60), B: (1, NOW + 15)}
    assert counted({A: 60, B: 10}, NOW + 20) == {A: (3, NOW + 60), B: (1, NOW + 30)}


def test_a_cleared_counter_is_gone_and_the_others_stay() -> None:
    counted({A: 60, B: 60})
    with transaction() as opened:
        clear(opened, A)
    assert kept() == {B: (1, NOW + 60)}


def test_eight_who_count_at_once_are_all_counted() -> None:
    results = at_once(8, lambda: counted({A: 60, B: 60}))
    assert sorted(result[A][0] for result in results) == list(range(1, 9))
    assert kept() == {A: (8, NOW + 60), B: (8, NOW + 60)}


def test_who_counts_the_same_keys_in_another_order_waits_for_nobody_in_vain() -> None:
    orders = [{A: 60, B: 60}, {B: 60, A: 60}] * 4
    results = at_once(8, lambda: counted(orders.pop()))
    assert not [result for result in results if isinstance(result, Exception)]
    assert kept() == {A: (8, NOW + 60), B: (8, NOW + 60)}
