"""What deletes that which is over: not a second early, at most so many, and never what came to life in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, Table, event, insert, select, update

from app.persistence import codes, outbox, session, sessions, tables, throttles
from app.persistence.engine import make_engine
from app.persistence.session import Session, transaction

NOW = datetime(2027, 6, 1, 8, 0, tzinfo=timezone.utc)
SECONDS = int(NOW.timestamp())
MONTH = timedelta(days=30)
Purge = Callable[[Session, int], int]
PURGES: dict[str, Purge] = {
    "sessions": lambda opened, limit: sessions.delete_over(opened, now=NOW, limit=limit),
    "one_time_codes": lambda opened, limit: codes.delete_over(opened, now_seconds=SECONDS, limit=limit),
    "throttles": lambda opened, limit: throttles.delete_over(opened, now_seconds=SECONDS, limit=limit),
    "outbox": lambda opened, limit: outbox.delete_done(opened, now=NOW, limit=limit),
}


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    session.configure(engine)
    yield engine
    session.remove()
    engine.dispose()


def put(engine: Engine, name: str, label: str, age: int, **values: Any) -> None:
    """Insert a row that was over *age* seconds ago, so far as its table knows; *label* tells it from others."""
    with engine.connect() as connection:
        connection.execute(insert(tables.metadata.tables[name]), {**_ROWS[name](label, age), **values})


def _session(label: str, age: int) -> dict[str, Any]:
    times = dict.fromkeys(("authenticated_at", "seen_at", "created_at"), NOW - timedelta(days=1))
    place = {"address": "", "user_agent": "", "idle_minutes": 720, "stage": "full"}
    return {"token_hash": label, "user_id": 1, "expires_at": NOW - timedelta(seconds=age), **times, **place}


def _code(label: str, age: int) -> dict[str, Any]:
    expires = SECONDS - 3600 - age  # failures count for an hour at least after a code was sent
    who = {"browser_hash": label, "purpose": "sign_in", "target_mac": "t", "code_mac": "c", "payload": ""}
    return {**who, "attempts": 5, "began": expires - 300, "expires": expires}


def _throttle(label: str, age: int) -> dict[str, Any]:
    return {"key_hash": label, "count": 7, "ends": SECONDS - age}


def _message(label: str, age: int) -> dict[str, Any]:
    words = {"topic": "t", "channel": "email", "sealed": "", "status": "sent", "last_error": ""}
    made = NOW - MONTH - timedelta(seconds=age)
    return {**words, "message_id": label, "priority": 1, "due": 1, "attempts": 1, "created_at": made}


_ROWS: dict[str, Callable[[str, int], dict[str, Any]]] = {
    "sessions": _session,
    "one_time_codes": _code,
    "throttles": _throttle,
    "outbox": _message,
}
_LABELS = {"sessions": "token_hash", "one_time_codes": "browser_hash", "throttles": "key_hash", "outbox": "message_id"}


@pytest.fixture(autouse=True)
def _user(engine: Engine) -> None:
    stamps = {"version": 1, "created_at": NOW, "updated_at": NOW}
    with engine.connect() as connection:
        connection.execute(insert(tables.users), {"id": 1, "role": "customer", "name": "Ada", **stamps})


def left(engine: Engine, name: str) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(select(tables.metadata.tables[name].c[_LABELS[name]])).scalars())


def purge(name: str, limit: int = 500) -> int:
    with transaction() as opened:
        return PURGES[name](opened, limit)


@pytest.mark.parametrize("name", PURGES)
def test_what_is_over_goes_from_that_very_second_on_and_not_before(engine: Engine, name: str) -> None:
    for age in (-1, 0, 1):
        put(engine, name, f"age {age}", age)
    assert purge(name) == 2
    assert left(engine, name) == {"age -1"}
    assert purge(name) == 0


@pytest.mark.parametrize("name", PURGES)
def test_at_most_so_many_go_at_once_and_the_oldest_first(engine: Engine, name: str) -> None:
    for age in (30, 20, 10):
        put(engine, name, f"age {age}", age)
    assert [purge(name, 2), purge(name, 2), purge(name, 2)] == [2, 1, 0]
    for age in (30, 20, 10):
        put(engine, name, f"age {age}", age)
    purge(name, 2)
    assert left(engine, name) == {"age 10"}


@pytest.mark.parametrize(("status", "stays"), [(s, s in {"queued", "dead"}) for s in outbox.STATUSES])
def test_a_message_that_may_still_be_sent_or_mended_stays(engine: Engine, status: str, stays: bool) -> None:  # noqa: FBT001
    put(engine, "outbox", "old", 10**6, status=status)
    assert purge("outbox") == (not stays)


@pytest.mark.parametrize(("name", "longest"), [("one_time_codes", 300 + 3600), ("throttles", 86_400 + 3600)])
def test_what_a_clock_that_was_ahead_began_goes_as_well(engine: Engine, name: str, longest: int) -> None:
    """It would be over when that time comes, a year from now perhaps, and lock somebody out until then."""
    column = {"one_time_codes": "expires", "throttles": "ends"}[name]
    for later in (longest, longest + 1, 400 * 86_400):
        put(engine, name, f"later {later}", 0, **{column: SECONDS + later})
    assert purge(name) == 2
    assert left(engine, name) == {f"later {longest}"}


def test_failures_are_kept_as_long_as_they_count(engine: Engine) -> None:
    """A code sent in the last second of the hour ends later than the hour: until then nobody gets five more attempts."""
    began = SECONDS - 3599
    for label, expires in (("at first", began + 300), ("at last", SECONDS + 299)):
        put(engine, "one_time_codes", label, 0, began=began, expires=expires)
    assert purge("one_time_codes") == 0


@contextmanager
def between_look_and_delete(engine: Engine, act: Callable[[], None]) -> Iterator[None]:
    """Do something by another connection just before the block's first DELETE."""
    todo = [act]

    def act_once(*call: Any) -> None:
        if str(call[2]).startswith("DELETE") and todo:
            todo.pop()()

    event.listen(engine, "before_cursor_execute", act_once)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", act_once)
    assert not todo


@pytest.mark.parametrize(
    ("name", "column", "later"),
    [
        ("one_time_codes", "expires", SECONDS + 300),
        ("throttles", "ends", SECONDS + 60),
        ("sessions", "expires_at", NOW + timedelta(days=1)),
    ],
)
@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)  # SQLite lets nobody write in between
def test_what_comes_to_life_between_look_and_delete_stays(engine: Engine, name: str, column: str, later: Any) -> None:
    table: Table = tables.metadata.tables[name]
    put(engine, name, "over", 10)
    put(engine, name, "renewed", 10)

    def renew() -> None:
        with engine.connect() as connection:
            connection.execute(update(table).where(table.c[_LABELS[name]] == "renewed").values({column: later}))

    with between_look_and_delete(engine, renew):
        assert purge(name) == 1
    assert left(engine, name) == {"renewed"}
