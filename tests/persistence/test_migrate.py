"""Migrations: they make exactly the tables of the program, once, whoever runs them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, event, inspect, text

from app.domain.errors import Busy, Conflict
from app.persistence import migrate, schema
from app.persistence.engine import make_engine
from app.persistence.tables import metadata

ROOT = Path(__file__).resolve().parents[2]
# One program is imported, and forks before any process has asked: they come closer together than three that import first.
UPGRADE = """
import os, sys, traceback
from app.persistence import engine, migrate
gate, opener = os.pipe()
for _ in range(3):
    if not os.fork():
        os.close(opener)
        os.read(gate, 1)  # ends for all of them in the same moment
        try:
            migrate.upgrade(engine.make_engine(sys.argv[1]))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
os.close(opener)
print([os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(3)])
"""


@pytest.fixture
def fresh_engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path / 'fresh.sqlite3'}")
    yield engine
    engine.dispose()


@pytest.fixture
def fresh_mariadb(empty_mariadb_url: str) -> Iterator[Engine]:
    engine = make_engine(empty_mariadb_url)
    yield engine
    engine.dispose()


def _differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def _revision(engine: Engine) -> object:
    with engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def test_the_newest_migration_is_the_schema_that_the_program_asks_for() -> None:
    assert migrate.head() == schema.HEAD


def test_migrations_make_the_tables_of_the_program_on_sqlite(fresh_engine: Engine) -> None:
    assert _differences(fresh_engine)
    migrate.upgrade(fresh_engine)
    assert _differences(fresh_engine) == []
    assert _revision(fresh_engine) == schema.HEAD


def test_migrations_make_the_tables_of_the_program_on_mariadb(fresh_mariadb: Engine) -> None:
    migrate.upgrade(fresh_mariadb)
    assert _differences(fresh_mariadb) == []
    assert _revision(fresh_mariadb) == schema.HEAD


def test_a_migration_cut_off_on_mariadb_is_taken_up_again(fresh_mariadb: Engine) -> None:
    with pytest.raises(RuntimeError, match="power cut"):
        _upgrade_and_fail_at(fresh_mariadb, "CREATE INDEX ix_customers_phone")
    assert "customers" in inspect(fresh_mariadb).get_table_names()
    migrate.upgrade(fresh_mariadb)
    assert _differences(fresh_mariadb) == []


def test_a_second_upgrade_changes_nothing(fresh_engine: Engine) -> None:
    migrate.upgrade(fresh_engine)
    statements: list[str] = []
    event.listen(fresh_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    migrate.upgrade(fresh_engine)
    assert not [line for line in statements if line.split()[0] not in {"SELECT", "PRAGMA"}]


def test_a_migration_that_fails_half_way_leaves_nothing_on_sqlite(fresh_engine: Engine) -> None:
    with pytest.raises(RuntimeError, match="power cut"):
        _upgrade_and_fail_at(fresh_engine, "CREATE TABLE IF NOT EXISTS occupancies")
    assert inspect(fresh_engine).get_table_names() in ([], ["alembic_version"])
    migrate.upgrade(fresh_engine)
    assert _differences(fresh_engine) == []


def _upgrade_and_fail_at(engine: Engine, statement: str) -> None:
    def cut(*args: object) -> None:
        if str(args[2]).strip().startswith(statement):
            raise RuntimeError("power cut")

    event.listen(engine, "before_cursor_execute", cut)
    try:
        migrate.upgrade(engine)
    finally:
        event.remove(engine, "before_cursor_execute", cut)


def test_processes_that_upgrade_at_once_all_succeed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    command = [sys.executable, "-c", UPGRADE, url]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout == "[0, 0, 0]\n", ended.stderr
    engine = create_engine(url)
    assert _revision(engine) == schema.HEAD
    engine.dispose()


def test_a_process_that_waits_too_long_for_another_says_so(
    fresh_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0)
    with migrate._file_lock(tmp_path / "fresh.sqlite3"), pytest.raises(Busy, match="Another process"):
        migrate.upgrade(fresh_engine)


def test_a_database_of_a_newer_program_is_left_alone(fresh_engine: Engine) -> None:
    migrate.upgrade(fresh_engine)
    with fresh_engine.connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Conflict, match="9999"):
        migrate.upgrade(fresh_engine)
