"""Everything in this folder starts real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.persistence import migrate
from app.persistence.engine import make_engine
from tests.system import servers

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before the hook that keeps marked tests in one process
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, so that ``-m "not system"`` is the fast part."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="module")
def mortal(mariadb_server: servers.MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.MariaDB]:
    """A MariaDB to be ill-treated, with all tables in ``slotkeeper``; the session's stands for whether there can be one."""
    assert mariadb_server.process
    with servers.mariadb(tmp_path_factory.mktemp("mortal")) as server:
        server.run("CREATE DATABASE slotkeeper CHARACTER SET utf8mb4")
        engine = make_engine(server.url("slotkeeper"))
        migrate.upgrade(engine)
        engine.dispose()
        yield server
