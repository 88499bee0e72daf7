"""SQLite's connections."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

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
