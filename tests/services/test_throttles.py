"""Limits: counted in the database, whoever asks; a refusal counts nothing, and a success forgets."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app.domain.errors import RateLimited
from app.domain.throttles import Allowance, Limit
from app.persistence.session import transaction, use_case
from app.services import throttles
from tests.conftest import SECRET_KEY, Queries
from tests.services.door import NOW, at_once

THREE, ONE = Limit("three", 3, 60), Limit("one", 1, 10)


def count(*counted: tuple[Limit, str], after: float = 0) -> list[Allowance]:
    @use_case
    def run() -> list[Allowance]:
        with transaction() as session:
            return throttles.count(session, counted, secret_key=SECRET_KEY, now=NOW + timedelta(seconds=after))

    return run()


def test_as_many_are_let_through_as_the_limit_says_and_no_more_until_it_counts_anew(database: Engine) -> None:
    assert [count((THREE, "ada"))[0].remaining for _ in range(3)] == [2, 1, 0]
    with pytest.raises(RateLimited) as refused:
        count((THREE, "ada"), after=20)
    error = refused.value
    assert (error.limit, error.most, error.retry_after_seconds) == ("three", 3, 40)
    count((THREE, "bob"))
    with pytest.raises(RateLimited):
        count((THREE, "ada"), after=59)
    assert count((THREE, "ada"), after=60) == [Allowance("three", 3, 2, 60)]
    assert database.pool.checkedout() <= 1  # type: ignore[attr-defined]


def test_a_refusal_counts_on_no_limit(database: Engine) -> None:  # noqa: ARG001
    count((ONE, "ada"), (THREE, "ada"))
    for _ in range(5):
        with pytest.raises(RateLimited):
            count((ONE, "ada"), (THREE, "ada"))
    assert [each.remaining for each in count((ONE, "ada"), (THREE, "ada"), after=10)] == [0, 1]


def test_each_limit_has_its_own_time(database: Engine) -> None:  # noqa: ARG001
    count((ONE, "ada"), (THREE, "ada"))
    assert [each.reset_seconds for each in count((ONE, "ada"), (THREE, "ada"), after=15)] == [10, 45]


def test_a_clock_set_back_lets_nobody_ask_more_often(database: Engine) -> None:  # noqa: ARG001
    for _ in range(3):
        count((THREE, "ada"))
    with pytest.raises(RateLimited) as refused:
        count((THREE, "ada"), after=-86_400)
    assert refused.value.retry_after_seconds == 60


def test_what_is_forgotten_counts_from_nought(database: Engine) -> None:  # noqa: ARG001
    for _ in range(3):
        count((THREE, "ada"))
    with transaction() as session:
        throttles.forget(session, THREE, "ada", secret_key=SECRET_KEY)
    assert count((THREE, "ada"))[0].remaining == 2


def test_of_eight_at_once_as_many_are_let_through_as_the_limit_says(database: Engine) -> None:  # noqa: ARG001
    results = at_once(8, lambda: count((THREE, "ada"), (Limit("other", 100, 60), "ada")))
    assert Counter(type(result) for result in results) == {list: 3, RateLimited: 5}


def test_three_limits_take_two_statements(database: Engine, queries: Queries) -> None:  # noqa: ARG001
    count((THREE, "warm"))
    with queries(most=2):
        count((THREE, "ada"), (ONE, "ada"), (THREE, "bob"))
