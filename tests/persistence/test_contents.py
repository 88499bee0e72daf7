"""The rows of contents: counted, given up by the last, removed once, and never counted while they are being removed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine

from app.domain.errors import Busy
from app.persistence import contents, session
from app.persistence.engine import make_engine
from app.persistence.session import reading, transaction

NOW = datetime(2027, 6, 1, 8, 0, tzinfo=timezone.utc)
A, B, C = ("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture(autouse=True)
def database(database_url: str) -> Iterator[Engine]:
    """Bind the session to an empty database of each kind in turn."""
    engine = make_engine(database_url)
    session.configure(engine)
    yield engine
    session.remove()
    engine.dispose()


def count(sha256: str) -> bool:
    with transaction() as opened:
        return contents.add_reference(opened, sha256, 10, now=NOW)


def drop(sha256: str) -> bool:
    with transaction() as opened:
        return contents.drop_reference(opened, sha256, now=NOW)


def test_only_the_last_reference_gives_content_up() -> None:
    assert [count(A), count(A), count(A)] == [True, False, False]
    assert [drop(A), drop(A), drop(A)] == [False, False, True]
    assert contents.list_contents(reading(), cursor="", limit=9) == [(A, 10, "deleting")]


def test_content_is_given_up_once() -> None:
    count(A)
    assert [drop(A), drop(A)] == [True, False]


def test_content_that_is_being_removed_is_not_counted_until_it_is_gone() -> None:
    count(A)
    drop(A)
    with pytest.raises(Busy):
        count(A)
    with transaction() as opened:
        assert contents.delete_content(opened, A, until=NOW)
    assert count(A)


def test_content_that_somebody_refers_to_is_never_deleted() -> None:
    count(A)
    with transaction() as opened:
        assert not contents.delete_content(opened, A, until=NOW + timedelta(days=9))
        assert not contents.claim_stray(opened, A, now=NOW)
    assert contents.known_of(reading(), [A, B]) == {A}


def test_what_is_being_removed_is_listed_once_it_is_old_enough() -> None:
    for name in (A, B, C):
        count(name)
    for name in (C, A):
        drop(name)
    later = NOW + timedelta(hours=1)
    assert contents.list_deleting(reading(), until=NOW - timedelta(seconds=1), cursor="", limit=9) == []
    assert contents.list_deleting(reading(), until=later, cursor="", limit=9) == [A, C]
    assert contents.list_deleting(reading(), until=later, cursor=A, limit=9) == [C]
    assert contents.list_deleting(reading(), until=later, cursor="", limit=1) == [A]


def test_a_stray_is_claimed_by_one_and_keeps_others_from_counting() -> None:
    with transaction() as opened:
        assert contents.claim_stray(opened, A, now=NOW)
    with transaction() as opened:
        assert not contents.claim_stray(opened, A, now=NOW)
    with pytest.raises(Busy):
        count(A)
