"""Backups of either database: brought back into another, every row and file is what it was; or nothing has changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from app.domain.errors import Conflict, Invalid
from app.persistence import migrate, schema, session, tables
from app.persistence.backup_restore import Filling, current_revision, is_empty
from app.persistence.engine import make_engine
from app.runtime.settings import Settings, load
from app.services import backup
from app.services.files import storage
from tests.services.desk import NOW, Desk
from tests.services.vault import CONTENT, NOTES, bring_back, furnish, rows_of

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def house(database: Engine, tmp_path: Path) -> Settings:
    return furnish(database, tmp_path / "instance")


@pytest.fixture
def source(house: Settings, tmp_path: Path) -> Path:
    """Return a backup of the house."""
    backup.make(house, tmp_path / "all.tar", now=NOW)
    return tmp_path / "all.tar"


@pytest.fixture(params=["sqlite", "mariadb"])
def scratch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without any tables, of each kind in turn; not yet the one of the session."""
    url = f"sqlite:///{tmp_path / 'scratch.sqlite3'}"
    engine = make_engine(url if request.param == "sqlite" else request.getfixturevalue("empty_mariadb_url"))
    yield engine
    session.remove()
    engine.dispose()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    """Settings of a new installation."""
    return load({"INSTANCE_DIR": str(tmp_path / "elsewhere")})


@pytest.mark.parametrize("name", ["all.tar", "all.tar.gz"])
def test_every_row_and_file_comes_back_in_a_database_of_either_kind(
    house: Settings, database: Engine, scratch: Engine, elsewhere: Settings, tmp_path: Path, name: str
) -> None:
    before = rows_of(database)
    head, manifest = backup.make(house, tmp_path / name, now=NOW)
    assert manifest.rows == {table: len(rows) for table, rows in before.items()}
    assert (head.schema, manifest.files, manifest.missing, manifest.rows["bookings"]) == (schema.HEAD, 1, 0, 4)
    bring_back(elsewhere, tmp_path / name, scratch)
    after = rows_of(scratch)
    assert after == before
    assert NOTES in next(iter(after["bookings"]))
    assert b"".join(storage(elsewhere).open(after["contents"][0][0])) == CONTENT
    assert current_revision(scratch) == schema.HEAD


def test_whoever_comes_next_gets_the_next_number(source: Path, scratch: Engine, elsewhere: Settings) -> None:
    bring_back(elsewhere, source, scratch)
    Desk(scratch).room_service()
    with scratch.connect() as connection:
        assert connection.execute(select(func.max(tables.services.c.id))).scalar() == 3


def test_a_backup_is_of_one_instant(
    house: Settings, database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, real, before = Desk(database), backup._add_table, rows_of(database)

    def and_then_somebody_changes_all(writer: Any, seen: Any, table: Any, *rest: Any) -> int:
        if table.name == "venues":
            desk.room_service()
        return real(writer, seen, table, *rest)

    monkeypatch.setattr(backup, "_add_table", and_then_somebody_changes_all)
    _, manifest = backup.make(house, tmp_path / "all.tar", now=NOW)
    assert manifest.rows == {name: len(rows) for name, rows in before.items()}
    assert rows_of(database) != before


def test_a_database_with_something_in_it_is_left_alone(house: Settings, database: Engine, source: Path) -> None:
    before = rows_of(database)
    with pytest.raises(Conflict, match="not empty"):
        bring_back(house, source, database)
    assert rows_of(database) == before


def test_what_is_there_is_replaced_where_that_is_said(house: Settings, database: Engine, source: Path) -> None:
    before = rows_of(database)
    Desk(database).room_service()
    bring_back(house, source, database, replace=True)
    assert rows_of(database) == before


def test_a_restore_that_fails_in_the_middle_changes_nothing(
    house: Settings, database: Engine, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real = rows_of(database), Filling.add_rows

    def fail_late(self: Filling, name: str, *rest: Any) -> None:
        real(self, name, *rest)
        if name == "bookings":
            raise Invalid("A row of bookings cannot be stored here: it is one too many")

    monkeypatch.setattr(Filling, "add_rows", fail_late)
    with pytest.raises(Invalid):
        bring_back(house, source, database, replace=True)
    assert rows_of(database) == before


KILLED = """
import os, signal, sys
from app import create_app
from app.persistence.backup_restore import Filling
real = Filling.add_rows
def then_die(self, name, *rest):
    real(self, name, *rest)
    if name == "bookings":
        os.kill(os.getpid(), signal.SIGKILL)
Filling.add_rows = then_die
create_app().test_cli_runner().invoke(args=["restore", sys.argv[1]])
"""


def test_a_restore_that_is_killed_in_the_middle_leaves_an_empty_database(
    source: Path, scratch: Engine, elsewhere: Settings, tmp_path: Path
) -> None:
    url = scratch.url.render_as_string(hide_password=False)
    environ = {**os.environ, "INSTANCE_DIR": str(elsewhere.instance_dir), "DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLED, str(source)]
    done = subprocess.run(command, env=environ, capture_output=True, check=False, cwd=tmp_path, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert is_empty(scratch)
    bring_back(elsewhere, source, scratch)


def test_a_backup_of_an_older_version_is_brought_up(source: Path, scratch: Engine, elsewhere: Settings) -> None:
    """A backup made at schema 0004 has fewer tables and columns; what this schema has added is there afterwards."""
    migrate.upgrade(scratch, to="0004")
    with scratch.connect() as connection:
        stamp = "'2027-01-01 00:00:00.000000'"
        connection.exec_driver_sql(
            "INSERT INTO venues (slug, name, timezone, currency, address, email, phone, version, created_at, updated_at)"  # noqa: S608
            f" VALUES ('park', 'Park', 'Europe/Berlin', 'EUR', '', '', '', 1, {stamp}, {stamp})"
        )
    session.configure(scratch)
    old = source.with_name("old.tar")
    head, manifest = backup.make(elsewhere, old, now=NOW)
    assert (head.schema, manifest.rows["venues"], "duties" in head.tables) == ("0004", 1, False)
    with scratch.connect() as connection:
        connection.exec_driver_sql("DELETE FROM venues")
    bring_back(elsewhere, old, scratch)
    with scratch.connect() as connection:
        assert connection.execute(select(tables.venues.c.slug, tables.venues.c.language)).all() == [("park", "en")]
    assert current_revision(scratch) == schema.HEAD


def test_a_backup_of_another_version_takes_an_empty_database(
    house: Settings, database: Engine, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("app.services.backup_restore.current_revision", lambda _engine: "0099")
        with pytest.raises(Conflict, match="takes an empty database"):
            bring_back(house, source, database, replace=True)
    monkeypatch.setattr(schema, "HEAD", "0001")
    with pytest.raises(Conflict, match="install the newer one"):
        bring_back(house, source, database, replace=True)


def test_notes_of_the_program_itself_do_not_make_a_database_full(
    source: Path, scratch: Engine, elsewhere: Settings
) -> None:
    migrate.upgrade(scratch)
    with scratch.connect() as connection:
        connection.execute(tables.duties.insert(), {"name": "holds", "lease_ends": 0, "last_error": ""})
    bring_back(elsewhere, source, scratch)
    with scratch.connect() as connection:
        assert connection.execute(select(tables.duties.c.name)).all() == []


def test_a_row_that_another_database_cannot_hold_is_told_with_its_table(
    house: Settings, database: Engine, empty_mariadb_url: str, elsewhere: Settings, tmp_path: Path
) -> None:
    if database.dialect.name != "sqlite":
        pytest.skip("MariaDB takes no name that is too long in the first place")
    with database.connect() as connection:
        connection.execute(update(tables.venues).values(name="x" * 300))
    backup.make(house, tmp_path / "long.tar", now=NOW)
    engine = make_engine(empty_mariadb_url)
    with pytest.raises(Invalid, match=r"A row of venues cannot be stored here: .*Data too long for column 'name'"):
        bring_back(elsewhere, tmp_path / "long.tar", engine)
    assert is_empty(engine)
    session.remove()
    engine.dispose()
