"""What a process loads: a first request for slots brings in what it needs, and nothing that it does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.persistence.engine import make_engine
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue

pytestmark = pytest.mark.long

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
BOOKING = """
import json, sys
from datetime import date, timedelta
from app import create_app
client = create_app().test_client()
first = date.today() + timedelta(days=2)
slots = client.get(f"/api/v1/services/1/slots?from={first}&to={first + timedelta(days=1)}")
wish = {"service_id": 1, "starts_at": f"{first}T10:00:00Z", "customer": {"name": "Ada", "email": "ada@example.org"}}
booked = [client.post("/api/v1/bookings", json=wish) for _ in range(2)]
print(json.dumps([[answer.status_code for answer in (slots, *booked)], sorted(sys.modules)]))
"""


def run_program(code: str, url: str, folder: Path, *flags: str) -> Any:
    """Return what a program prints last."""
    environ = {**os.environ, "INSTANCE_DIR": str(folder), "DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *flags, "-c", code], env=environ, capture_output=True, text=True, check=True, cwd=folder
    )
    return json.loads(done.stdout.splitlines()[-1])


def loaded(url: str, folder: Path, *, warm: bool = False, flags: tuple[str, ...] = ()) -> tuple[set[str], set[str]]:
    status, built, after, word = run_program(PROGRAM.format(warm=warm), url, folder, *flags)
    assert (status, word) == (404, "not_found")
    return set(built), set(after)


def test_a_first_request_for_slots_loads_nothing_heavy(sqlite_url: str, tmp_path: Path) -> None:
    _, after = loaded(sqlite_url, tmp_path)
    assert HEAVY & after == set()
    assert {"pymysql", "sqlalchemy.dialects.mysql"} & after == set()


def test_neither_slots_nor_a_booking_load_the_mapper_of_sqlalchemy(sqlite_url: str, tmp_path: Path) -> None:
    engine = make_engine(sqlite_url)
    venue = make_venue(engine, timezone="UTC")
    room = make_resource(engine, venue, capacity=1, daily_hours=AROUND_THE_CLOCK)
    make_service(engine, venue, [[room]])
    engine.dispose()
    answers, modules = run_program(BOOKING, sqlite_url, tmp_path)
    assert answers == [200, 201, 409]
    assert "sqlalchemy.engine" in modules
    assert [name for name in modules if name.startswith("sqlalchemy.orm")] == []


def test_mariadb_brings_its_driver_and_nothing_else(mariadb_url: str, tmp_path: Path) -> None:
    _, after = loaded(mariadb_url, tmp_path)
    assert HEAVY & after == set()
    assert "pymysql" in after
    assert {"sqlite3", "sqlalchemy.dialects.sqlite"} & after == set()


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
