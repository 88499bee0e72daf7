"""A database for a whole module of tests, of each kind: threads serve SQLite, greenlets the other."""

from __future__ import annotations

import shutil

import pytest

from tests.system import servers

KINDS = ("sqlite", "mariadb")


def database_of(request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database with all tables, of the kind that the fixture's parameter names."""
    if request.param == "sqlite":
        template = request.getfixturevalue("migrated_sqlite")
        return f"sqlite:///{shutil.copy(template, factory.mktemp('place') / 'slotkeeper.sqlite3')}"
    request.getfixturevalue("migrated_mariadb")
    server: servers.MariaDB = request.getfixturevalue("mariadb_server")
    return server.url("slotkeeper")
