"""Failures of a database on demand, as its driver would report them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

import pymysql
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

DEADLOCK, LOCK_WAIT, CHANGED = 1213, 1205, 1020
GONE, LOST = 2006, 2013
SQLITE_BUSY = 0  # has no number: the driver says it in words


@dataclass
class Plan:
    """One failure: ``number`` is the server's, ``times`` how often; without ``statement`` it strikes in COMMIT."""

    number: int
    times: int = 1
    statement: int | None = None  # how many statements after BEGIN come before it
    is_stored: bool = False  # the server has done its work, and only the answer is lost


class Faults:
    """Stands between an engine and its driver; does nothing until there is a plan."""

    def __init__(self, engine: Engine) -> None:
        self.plan: Plan | None = None
        self.statements = 0
        self.commits = 0
        self._commit = engine.dialect.do_commit
        engine.dialect.do_commit = self._on_commit  # type: ignore[assignment, method-assign]
        event.listen(engine, "before_cursor_execute", self._on_statement)

    def _on_statement(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(("BEGIN", "START TRANSACTION")):
            self.statements = 0
            return
        plan = self.plan
        if plan is not None and plan.statement is not None and self.statements == plan.statement:
            self._fail(plan, statement)
        self.statements += 1

    def _on_commit(self, connection: Any) -> None:
        plan = self.plan
        if plan is None or plan.is_stored:
            self._commit(connection)
            self.commits += 1
        if plan is not None:  # whatever statement was meant to fail: the transaction had fewer
            self._fail(plan, "COMMIT")

    def _fail(self, plan: Plan, statement: str) -> None:
        plan.times -= 1
        if plan.times == 0:
            self.plan = None
        raise OperationalError(statement, {}, driver_error(plan.number))


def driver_error(number: int) -> Exception:
    """Return the driver's own error of a number."""
    if number == SQLITE_BUSY:
        return sqlite3.OperationalError("database is locked")
    error: Exception = pymysql.err.OperationalError(number, f"injected: {number}")
    return error
