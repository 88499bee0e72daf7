"""What is due is found through an index, in its order, however much waits that is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select

from app.persistence import outbox_queue as queue
from app.persistence import session
from app.persistence.engine import make_engine
from app.persistence.outbox_queue import Lanes
from app.persistence.session import reading, transaction
from app.persistence.tables import outbox

NOW = datetime(2027, 6, 1, 8, 0, tzinfo=timezone.utc)
SECONDS = int(NOW.timestamp())
WAITING = 3_000


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    session.configure(engine)
    yield engine
    session.remove()
    engine.dispose()


def put(engine: Engine, *rows: dict[str, Any]) -> None:
    fresh: dict[str, Any] = {
        "topic": "booking.made", "channel": "email", "sealed": "x" * 200, "status": "queued", "priority": 5,
        "due": SECONDS, "attempts": 0, "last_error": "", "created_at": NOW, "webhook_id": None, "expires": None,
    }  # fmt: skip
    with engine.connect() as connection:
        known = connection.execute(outbox.select()).all()
        values = [{**fresh, "message_id": str(len(known) + number), **row} for number, row in enumerate(rows)]
        connection.execute(insert(outbox), values)


@contextmanager
def plans(engine: Engine) -> Iterator[list[str]]:
    """Give how the database goes about each SELECT of the block."""
    asked: list[tuple[str, Any]] = []
    listen: Any = lambda _c, _cursor, statement, parameters, *_: asked.append((statement, parameters))  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    found: list[str] = []
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection:
        for statement, parameters in asked:
            found.append(str(connection.exec_driver_sql(explain + statement, parameters).all()))


def due(lanes: Lanes | None = None, *, seconds: int = SECONDS, limit: int = 20) -> list[int]:
    return [row.id for row in queue.list_due(reading(), lanes or Lanes(), now_seconds=seconds, limit=limit)]


@pytest.mark.long
def test_what_is_due_is_found_by_the_index_and_what_is_not_is_never_walked_over(engine: Engine) -> None:
    later = [{"due": SECONDS + 60, "priority": number % 8} for number in range(WAITING)]
    put(engine, *later, {"priority": 7}, {"channel": "webhook", "webhook_id": 1, "priority": 6})
    if engine.dialect.name == "mysql":
        with engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE TABLE outbox").all()
    with plans(engine) as found:
        assert len(due()) == 2
        queue.list_due_of(reading(), "email", least_priority=1, now_seconds=SECONDS, limit=500)
        queue.list_due_for(reading(), 1, now_seconds=SECONDS, limit=500)
        assert queue.depth(reading(), now=NOW) == queue.Depth(2, SECONDS)
    assert len(found) == 4
    assert all("ix_outbox" in plan for plan in found), found
    assert all("TEMP B-TREE" not in plan and "'ALL'" not in plan for plan in found), found


def test_the_most_urgent_is_first_and_of_equals_the_one_that_waits_longest(engine: Engine) -> None:
    put(engine, {"priority": 5}, {"priority": 0}, {"priority": 5, "due": SECONDS - 60}, {"due": SECONDS + 1})
    assert due() == [2, 3, 1]
    assert due(limit=1) == [2]
    assert due(seconds=SECONDS + 1) == [2, 3, 1, 4]


@pytest.mark.parametrize(
    ("lanes", "left"),
    [
        (Lanes(), [1, 2, 3, 4, 5, 6]),
        (Lanes(channels={"email"}), [3, 4, 5, 6]),
        (Lanes(notices={"email"}), [1, 3, 4, 5, 6]),
        (Lanes(notices={"email", "sms"}, webhooks={2}), [1, 4, 6]),
        (Lanes(webhooks={1, 2}), [1, 2, 3, 6]),
        (Lanes(channels={"email", "sms", "whatsapp", "webhook", "event"}), []),
    ],
)
def test_lanes_that_are_left_alone_are_left_out(engine: Engine, lanes: Lanes, left: list[int]) -> None:
    put(
        engine,
        {"priority": 0},
        {"priority": 5},
        {"channel": "sms"},
        {"channel": "webhook", "webhook_id": 1},
        {"channel": "webhook", "webhook_id": 2},
        {"channel": "event"},
    )
    assert sorted(due(lanes)) == left
    every = queue.list_due(reading(), Lanes(), now_seconds=SECONDS, limit=20)
    assert sorted(row.id for row in every if not lanes.has_closed(row)) == left


def test_a_message_of_a_channel_that_only_another_version_knows_is_left_to_it(engine: Engine) -> None:
    put(engine, {"channel": "pigeon"}, {})
    assert due() == [2]


def test_what_waits_is_pushed_back_but_not_what_somebody_has_claimed(engine: Engine) -> None:
    put(engine, {}, {"due": SECONDS + 120, "claim": "a sender"}, {"status": "sent"}, {})
    with transaction() as opened:
        assert queue.push_back(opened, [1, 2, 3], until=SECONDS + 60, now_seconds=SECONDS) == 1
    session.remove()
    with engine.connect() as connection:
        rows = connection.execute(outbox.select().order_by(outbox.c.id)).all()
    assert [row.due - SECONDS for row in rows] == [60, 120, 0, 0]


def test_the_depth_counts_what_could_leave_now(engine: Engine) -> None:
    ago = SECONDS - 600
    put(engine, {"due": ago}, {}, {"due": SECONDS + 1}, {"status": "dead", "due": 1}, {"status": "sent", "due": 1})
    assert queue.depth(reading(), now=NOW) == queue.Depth(2, ago)
    assert queue.depth(reading(), now=NOW - timedelta(days=1)) == queue.Depth(0, None)
    assert queue.count_dead(reading()) == 1


def test_what_a_clock_that_was_ahead_has_put_off_is_due_again_and_a_code_of_it_is_over(engine: Engine) -> None:
    longest, year = 86_400 + 3600, 400 * 86_400
    codes = {"topic": "code.sign_in", "priority": queue.URGENT, "expires": SECONDS + year + 300}
    put(
        engine,
        {"due": SECONDS + longest},
        {"due": SECONDS + longest + 1, "claim": "a"},
        {"due": SECONDS + year, **codes},
    )
    put(engine, {"due": SECONDS + year, "status": "dead"})
    for expected in (2, 0):
        with transaction() as writing:
            assert queue.bring_back(writing, now_seconds=SECONDS, limit=500) == expected
    with engine.connect() as connection:
        rows = connection.execute(select(outbox.c.due, outbox.c.expires, outbox.c.claim).order_by(outbox.c.id)).all()
    assert [row.due - SECONDS for row in rows] == [longest, 0, 0, year]
    assert [row.expires for row in rows] == [None, None, SECONDS, None]
    assert rows[1].claim is None
    assert len(due()) == 2
