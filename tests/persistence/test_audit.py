"""The audit log is found again: by who, what, which and when, on both databases, through an index whatever is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from app.domain.actors import Actor
from app.persistence import session, tables
from app.persistence.audit import NEWEST, AuditFilter, _statement, add_audit, list_after, list_newest
from app.persistence.engine import make_engine

T0 = datetime(2027, 1, 1, tzinfo=timezone.utc)
ACTIONS = ("booking.created", "sign_in.failed", "sign_in.password", "sign_out")


@pytest.fixture
def log(database_url: str) -> Iterator[Engine]:
    """A database whose log has an entry each minute, by three people in turn."""
    engine = make_engine(database_url)
    session.configure(engine)
    rows = [
        {
            "at": T0 + timedelta(minutes=number),
            "action": ACTIONS[number % 4],
            "object": f"booking:{number % 5}",
            "actor": f"user:{number % 3}",
            "address": "",
            "request_id": "",
            "detail": "{}",
        }
        for number in range(60)
    ]
    with engine.connect() as connection:
        connection.execute(insert(tables.audit_log), rows)
    yield engine
    session.remove()
    engine.dispose()


def minute(number: int) -> datetime:
    return T0 + timedelta(minutes=number)


def numbers(which: AuditFilter, *, before: int = NEWEST, limit: int = 100) -> list[int]:
    """Return the minutes of the entries found."""
    found = list_newest(session.reading(), which, before=before, limit=limit)
    return [int((entry.at - T0).total_seconds()) // 60 for entry in found]


CASES: dict[str, tuple[AuditFilter, Callable[[int], bool]]] = {
    "all": (AuditFilter(), lambda _n: True),
    "somebody's": (AuditFilter(actor="user:1"), lambda n: n % 3 == 1),
    "of a kind": (AuditFilter(action="sign_in.failed"), lambda n: n % 4 == 1),
    "of several kinds": (AuditFilter(action="sign_*"), lambda n: n % 4 > 0),
    "of a kind that begins as it ends": (AuditFilter(action="sign_out*"), lambda n: n % 4 == 3),
    "of every kind": (AuditFilter(action="*"), lambda _n: True),
    "about something": (AuditFilter(object="booking:2"), lambda n: n % 5 == 2),
    "since": (AuditFilter(since=minute(10)), lambda n: n >= 10),
    "until": (AuditFilter(until=minute(10)), lambda n: n < 10),
    "between": (AuditFilter(since=minute(10), until=minute(50)), lambda n: 10 <= n < 50),
    "all at once": (
        AuditFilter("user:1", "sign_*", "booking:2", minute(5), minute(59)),
        lambda n: n % 3 == 1 and n % 4 > 0 and n % 5 == 2 and 5 <= n < 59,
    ),
    "nobody's": (AuditFilter(actor="user:9"), lambda _n: False),
    "of tomorrow": (AuditFilter(since=minute(2000)), lambda _n: False),
}


@pytest.mark.parametrize(("which", "is_meant"), CASES.values(), ids=CASES)
def test_what_is_asked_for_is_found_the_newest_first(
    log: Engine, which: AuditFilter, is_meant: Callable[[int], bool]
) -> None:
    expected = [number for number in range(59, -1, -1) if is_meant(number)]
    assert numbers(which) == expected
    assert numbers(which, limit=3) == expected[:3]
    with log.connect() as connection:
        found = [entry.at for entry in list_after(connection, which, None, limit=100)]
    assert found == [minute(number) for number in reversed(expected)]


def test_pages_meet_without_a_gap_or_a_double(log: Engine) -> None:
    del log
    which, pages, before = AuditFilter(action="sign_in.*"), [], NEWEST
    while page := list_newest(session.reading(), which, before=before, limit=7):
        pages += [entry.id for entry in page]
        before = page[-1].id
    assert pages == sorted(set(pages), reverse=True)
    assert len(pages) == 30


def test_an_entry_whose_request_took_long_is_found_by_its_time(log: Engine) -> None:
    """Its number is behind others that are later."""
    row = {"action": "late", "object": "", "actor": "", "address": "", "request_id": "", "detail": "{}"}
    with log.connect() as connection:
        connection.execute(insert(tables.audit_log), {**row, "at": minute(5)})
    assert numbers(AuditFilter(action="late", since=minute(5), until=minute(6))) == [5]


def test_what_is_added_is_found_with_all_that_was_said(log: Engine) -> None:
    del log
    by = Actor("admin", address="192.0.2.7", request_id="abc", user_id=7)
    with session.transaction() as open_:
        add_audit(open_, "user.disabled", "user:9", by=by, now=minute(100), why="ürün")
    (entry,) = list_newest(session.reading(), AuditFilter(actor="admin:7"), before=NEWEST, limit=2)
    assert (entry.action, entry.object, entry.address, entry.request_id) == (
        "user.disabled",
        "user:9",
        "192.0.2.7",
        "abc",
    )
    assert entry.detail == '{"why":"ürün"}'


@pytest.mark.parametrize("filters", [(), ("actor",), ("action",), ("object",), ("since", "until")])
def test_an_index_is_used_whatever_is_asked_for(log: Engine, filters: tuple[str, ...]) -> None:
    statement = _statement(filters, is_newest_first=True)
    values: dict[str, Any] = {"above": 10, "below": 20, "most": 51, "since": minute(10), "until": minute(20)}
    values |= {"actor": "user:1", "action": "sign_out", "object": "booking:2"}
    is_sqlite = log.dialect.name == "sqlite"
    compiled = statement.compile(log)
    asked = {name: _stored(value, is_sqlite=is_sqlite) for name, value in compiled.construct_params(values).items()}
    given: Any = tuple(asked[name] for name in compiled.positiontup) if compiled.positiontup else asked
    with log.connect() as connection:
        plan = connection.exec_driver_sql(f"{'EXPLAIN QUERY PLAN' if is_sqlite else 'EXPLAIN'} {compiled}", given).all()
    steps = [str(tuple(row)) for row in plan if "audit_log" in str(tuple(row))]
    assert steps
    assert not [step for step in steps if "SCAN audit_log" in step or "'ALL'" in step], steps


def _stored(value: Any, *, is_sqlite: bool) -> Any:
    return f"{value:%Y-%m-%d %H:%M:%S.%f}" if is_sqlite and isinstance(value, datetime) else value
