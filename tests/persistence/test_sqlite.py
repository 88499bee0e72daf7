"""SQLite's connections."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from app.persistence import session, sqlite
from app.persistence.engine import make_engine


@pytest.mark.parametrize("held", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_new_file_that_another_process_is_writing_opens_when_it_is_done(tmp_path: Path, held: str) -> None:
    path = tmp_path / "new.sqlite3"
    engine = make_engine(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("CREATE TABLE things (id INTEGER)")
        writer.execute(f"BEGIN {held}")
        threading.Timer(0.3, writer.execute, ["COMMIT"]).start()
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()


def test_a_new_file_that_another_process_never_lets_go_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.persistence.sqlite.BUSY_SECONDS", 0.2)
    path = tmp_path / "held.sqlite3"
    engine = make_engine(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(Exception, match="database is locked"), engine.connect():
            pass
    engine.dispose()


def test_a_connection_that_cannot_write_is_replaced_before_anybody_notices(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    session.configure(engine)

    @session.use_case
    def add() -> None:
        with session.transaction() as writing:
            writing.execute(text("INSERT INTO throttles (key_hash, count, ends) VALUES ('a', 1, 1)"))

    for _ in range(2):  # the second finds what became of the connections of the first
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only=ON")  # as one that was opened while the file was read-only
        add()
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA query_only").scalar() == 0
            assert connection.exec_driver_sql("DELETE FROM throttles").rowcount == 1
    session.remove()
    engine.dispose()


def test_whatever_else_is_wrong_with_a_file_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class FullDisk:
        def execute(self, _statement: str) -> None:
            raise sqlite3.OperationalError("database or disk is full")

    def wait(_seconds: float) -> None:
        pytest.fail("it waited for a disk to grow")

    monkeypatch.setattr(sqlite.time, "sleep", wait)
    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        sqlite._write_ahead(FullDisk())  # type: ignore[arg-type]
