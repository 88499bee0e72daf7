from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from app.persistence import mysql
from app.persistence.engine import make_engine


def test_an_engine_looks_for_no_listeners_at_each_statement(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path / 'x.sqlite3'}", "mysql://somebody@localhost/nothing"):
        engine: Any = make_engine(url)
        assert not engine._has_events, url


def _described(engine: Engine, statement: str) -> list[Any]:
    """Return what the driver tells of a statement's columns, and the first row."""
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(statement)
        return [cursor.description, cursor.fetchone()]


def test_a_column_is_described_once_a_process_and_as_before(mariadb_url: str) -> None:
    engine = make_engine(mariadb_url)
    first = _described(engine, "SELECT 1 AS number, 'ä' AS word, NULL AS nothing")
    known = mysql._describe.cache_info()
    again = _described(engine, "SELECT 1 AS number, 'ä' AS word, NULL AS nothing")
    assert again == first
    assert mysql._describe.cache_info().misses == known.misses
    assert mysql._describe.cache_info().hits == known.hits + 3
    engine.dispose()


def test_columns_of_one_name_keep_their_own_types(mariadb_url: str) -> None:
    engine = make_engine(mariadb_url)
    values = ("1", "'1'", "DATE '2026-05-01'", "1.5", "NULL")
    for _ in range(2):
        with engine.connect() as connection:
            kinds = [type(connection.scalar(text(f"SELECT {value} AS x"))).__name__ for value in values]
        assert kinds == ["int", "str", "date", "Decimal", "NoneType"]
    engine.dispose()
