"""What a process loads: a first request for slots brings in what it needs, and nothing that it does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "alembic", "mako", "icalendar", "reportlab", "PIL", "smtplib", "argon2", "nacl", "gevent", "greenlet", "cryptography",
    "dateutil", "pytest", "unittest", "xml", "multiprocessing", "tomllib", "tomli",
}  # fmt: skip
if sys.version_info < (3, 11):
    HEAVY.discard("greenlet")  # SQLAlchemy 2.0, the last for Python 3.10, loads it
PROGRAM = """
import json, sys
from app import create_app
program = create_app(warm={warm})
built = sorted(sys.modules)
answer = program.test_client().get("/api/v1/services/1/slots?from=2027-01-01&to=2027-01-02")
print(json.dumps([answer.status_code, built, sorted(sys.modules), answer.get_json()["code"]]))
"""


def loaded(url: str, folder: Path, *, warm: bool = False, flags: tuple[str, ...] = ()) -> tuple[set[str], set[str]]:
    environ = {**os.environ, "INSTANCE_DIR": str(folder), "DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    code = PROGRAM.format(warm=warm)
    done = subprocess.run(
        [sys.executable, *flags, "-c", code], env=environ, capture_output=True, text=True, check=True, cwd=folder
    )
    status, built, after, word = json.loads(done.stdout.splitlines()[-1])
    assert (status, word) == (404, "not_found")
    return set(built), set(after)


def test_a_first_request_for_slots_loads_nothing_heavy(sqlite_url: str, tmp_path: Path) -> None:
    _, after = loaded(sqlite_url, tmp_path)
    assert HEAVY & after == set()
    assert "pymysql" not in after


def test_mariadb_brings_its_driver_and_nothing_else(mariadb_url: str, tmp_path: Path) -> None:
    _, after = loaded(mariadb_url, tmp_path)
    assert HEAVY & after == set()
    assert "pymysql" in after
    assert "sqlite3" not in after


def test_views_and_commands_are_loaded_when_they_are_asked_for(sqlite_url: str, tmp_path: Path) -> None:
    built, after = loaded(sqlite_url, tmp_path)
    views = {"app.web.slots", "app.web.bookings", "app.web.holds", "app.web.catalogue", "app.web.operations"}
    assert views & built == set()
    assert views & after == {"app.web.slots"}
    commands = {path.stem for path in (ROOT / "app/cli").glob("*.py")} - {"__init__", "errors", "groups"}
    assert {f"app.cli.{name}" for name in commands} & after == set()


def test_a_server_that_forks_has_its_daily_views_beforehand(sqlite_url: str, tmp_path: Path) -> None:
    built, after = loaded(sqlite_url, tmp_path, warm=True)
    assert {"app.web.slots", "app.web.bookings"} <= built
    assert {name for name in after - built if name.startswith("app.")} == set()


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_the_program_runs_without_docstrings_and_asserts(sqlite_url: str, tmp_path: Path, flag: str) -> None:
    assert loaded(sqlite_url, tmp_path, flags=(flag,))
