"""The warm-up: what visitors ask for is compiled when it is over, and the database has not changed."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.persistence import rehearsal, session
from app.persistence.tables import metadata
from app.web import warmup
from tests.web.conftest import Hall


@pytest.fixture
def database_url(mariadb_url: str) -> str:
    """The kind of database with which servers fork: SQLite has no rehearsal."""
    return mariadb_url


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """Return all that is stored."""
    with session.engine().connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(select(table))] for name, table in metadata.tables.items()
        }


def visit(hall: Hall) -> None:
    held = hall.hold(resource_id=hall.resource_id)
    assert held.status_code == 201
    assert hall.client.delete(f"/api/v1/holds/{held.json['token']}").status_code == 204
    assert hall.slots().status_code == hall.slots(days=30).status_code == 200
    assert hall.client.get("/api/v1/bookings/nobodys").status_code == 404


def compiled(hall: Hall, caplog: pytest.LogCaptureFixture) -> int:
    """Return how many statements a visit has had to compile, of which SQLAlchemy writes a line each."""
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="sqlalchemy.engine"):
        visit(hall)
    assert "cached since" in caplog.text, "nothing was logged, so nothing was looked at"
    return caplog.text.count("generated in")


def test_after_it_a_visitor_has_nothing_compiled(app: Flask, hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    session.engine().clear_compiled_cache()
    assert compiled(hall, caplog) > 5
    session.engine().clear_compiled_cache()
    warmup.run(app)
    assert compiled(hall, caplog) == 0


def test_it_leaves_the_database_as_it_was(app: Flask, hall: Hall) -> None:
    before = rows()
    assert before["resources"]
    warmup.run(app)
    session.remove()
    assert rows() == before
    assert hall.hold().status_code == 201, "all is written again"
    assert len(rows()["holds"]) == 1


def test_a_hall_that_is_not_open_is_no_error(app: Flask, hall: Hall) -> None:
    with session.transaction() as opened:
        opened.execute(metadata.tables["resources"].update().values(active=False))
    warmup.run(app)
    assert hall.slots().status_code == 200


def test_a_database_that_goes_away_meanwhile_does_not_keep_the_server_from_starting(
    app: Flask, hall: Hall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def lose(_: object) -> None:
        raise OperationalError("DELETE", {}, Exception("gone away"))

    monkeypatch.setattr(rehearsal, "rehearse_changes", lose)
    warmup.run(app)
    assert "not_rehearsed" in caplog.text
    assert hall.hold().status_code == 201
    assert len(rows()["holds"]) == 1
