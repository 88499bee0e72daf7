"""Long reads: a page after the other, a connection only while one is read, and patience once something has been sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from app.persistence import long_reads, session
from app.persistence.long_reads import iter_pages

Reader = Callable[[Connection, int | None], list[int]]


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(long_reads, "PAGE", 3)
    engine = create_engine("sqlite://", poolclass=QueuePool)
    session.configure(engine)
    yield engine
    engine.dispose()


def numbers(most: int) -> Reader:
    def read(_: Connection, last: int | None) -> list[int]:
        first = 0 if last is None else last + 1
        return list(range(first, min(first + 3, most)))

    return read


def failing(reader: Reader, error: Exception, *, times: int, from_call: int) -> tuple[Reader, list[int]]:
    calls: list[int] = []

    def read(connection: Connection, last: int | None) -> list[int]:
        calls.append(len(calls) + 1)
        if from_call <= len(calls) < from_call + times:
            raise error
        return reader(connection, last)

    return read, calls


def lost(code: int) -> DBAPIError:
    return DBAPIError("SELECT 1", {}, Exception(code, "gone"))


@pytest.mark.parametrize("most", [0, 1, 3, 4, 9])
def test_all_rows_come_once(most: int) -> None:
    assert [number for page in iter_pages(numbers(most)) for number in page] == list(range(most))


def test_a_page_that_is_not_full_is_the_last() -> None:
    read, calls = failing(numbers(4), AssertionError(), times=0, from_call=9)
    list(iter_pages(read))
    assert len(calls) == 2


def test_no_connection_is_held_between_two_pages(engine: Engine) -> None:
    held = [engine.pool.checkedout() for _ in iter_pages(numbers(7))]  # type: ignore[attr-defined]
    assert held == [0, 0, 0]


@pytest.mark.parametrize("error", [PoolTimeout("full"), lost(2013), lost(2006)], ids=["pool", "2013", "2006"])
def test_a_later_page_waits_for_the_database(error: Exception) -> None:
    pauses: list[float] = []
    read, _ = failing(numbers(7), error, times=5, from_call=2)
    assert [n for page in iter_pages(read, pause=pauses.append) for n in page] == list(range(7))
    assert len(pauses) == 5


@pytest.mark.parametrize(
    ("error", "from_call"), [(PoolTimeout("full"), 1), (lost(1146), 2)], ids=["first page", "a fault"]
)
def test_what_waiting_does_not_help_or_can_still_be_told_fails_at_once(error: Exception, from_call: int) -> None:
    read, calls = failing(numbers(7), error, times=1, from_call=from_call)
    with pytest.raises(type(error)):
        list(iter_pages(read, pause=lambda _: None))
    assert len(calls) == from_call


def test_patience_has_an_end() -> None:
    read, calls = failing(numbers(7), PoolTimeout("full"), times=1000, from_call=2)
    with pytest.raises(PoolTimeout):
        list(iter_pages(read, pause=lambda _: None))
    assert len(calls) < 50
