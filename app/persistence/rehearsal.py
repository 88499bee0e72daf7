"""Writes that go nowhere: all that one needs, compiled SQL above all, is then there when the first real one comes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from sqlalchemy import BindParameter, event
from sqlalchemy.sql import visitors
from sqlalchemy.sql.dml import Delete, Update

from app.persistence import session

_STEPS = ("do_execute", "do_executemany", "do_execute_no_params")


@contextmanager
def rehearsal() -> Iterator[None]:
    """Let reads through and keep everything else from the database: each write is told that it wrote row 1.

    With MySQL or MariaDB only, and before the first request: it is so for all sessions of this process. What a use case does
    elsewhere than in the database, it does: none that owes messages is to be rehearsed.
    """
    engine = session.engine()
    for step in _STEPS:
        event.listen(engine, step, _answer)
    try:
        yield
    finally:
        session.remove()
        for step in _STEPS:
            event.remove(engine, step, _answer)


def rehearse_changes(queries: ModuleType) -> None:
    """Make each change and each deletion that a module of queries knows; inside a :func:`rehearsal`."""
    for statement in vars(queries).values():
        if isinstance(statement, Update | Delete):
            session.reading().execute(statement, _nothing_for(statement))


def _answer(cursor: Any, statement: str, *_: object) -> bool:  # noqa: ANN401 - of whichever driver
    """Tell whether the statement has been dealt with."""
    if statement.startswith("SELECT"):
        return False
    cursor.rowcount = cursor.lastrowid = 1
    return True


def _nothing_for(statement: Update | Delete) -> dict[str, Any]:
    """Return a value for each parameter, such that no row would be found."""
    wanted = [one for one in visitors.iterate(statement) if isinstance(one, BindParameter) and not one.unique]
    return {one.key: [] if one.expanding else None for one in wanted}
