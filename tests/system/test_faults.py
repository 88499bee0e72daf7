"""What the world does to a server, and what its visitors may notice of it: 503 for a moment, never 500, never a loss."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from http.client import HTTPException
from pathlib import Path
from random import Random
from typing import Any

import pymysql
import pytest
from sqlalchemy import select

from app.persistence import migrate, session
from app.persistence.engine import make_engine
from app.persistence.tables import bookings
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue
from tests.system import servers
from tests.system.test_races import Hall, booking, overbooked

KILLS = int(os.environ.get("KILL_ROUNDS", "8"))  # 50 say more, and take minutes
PATIENCE_SECONDS = 5  # a client that hears nothing for so long gives up: the test fails
Reply = tuple[int, dict[str, Any]]


def ask(url: str, body: dict[str, Any] | None = None, **headers: str) -> Reply:
    """Return status and document, whatever the status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()} | {"Content-Type": "application/json"}
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), named)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - our own server
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[servers.MariaDB]:
    """A MariaDB of this test's own, to be ill-treated."""
    if not servers.mariadb_is_installed():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"there is no MariaDB server here: {servers.INSTALL}")
    with servers.mariadb(tmp_path / "db") as server:
        server.run("CREATE DATABASE slot CHARACTER SET utf8mb4")
        yield server


@pytest.fixture
def hall(database: servers.MariaDB, tmp_path: Path) -> Iterator[Hall]:
    engine = make_engine(database.url("slot"))
    migrate.upgrade(engine)
    session.configure(engine)
    with servers.gunicorn(database.url("slot"), tmp_path / "instance", workers=2) as server:
        yield Hall(engine, server)
    session.remove()
    engine.dispose()


def listing(hall: Hall) -> str:
    return f"{hall.server.url}/api/v1/services"


def is_busy(reply: Reply) -> bool:
    return reply[0] == 503 and reply[1]["code"] == "busy"


def test_a_database_that_is_away_makes_us_busy_and_nothing_worse(hall: Hall, database: servers.MariaDB) -> None:
    service = hall.service([hall.room()])
    shot = booking(service, hall.day())
    assert ask(listing(hall))[0] == 200
    database.stop()
    for _ in range(4):
        assert is_busy(ask(listing(hall)))
        assert is_busy(ask(hall.server.url + shot.path, shot.body))
    assert ask(f"{hall.server.url}/healthz")[0] == 200
    assert ask(f"{hall.server.url}/readyz")[1]["checks"]["database"] == "unreachable"
    database.start()
    assert ask(listing(hall))[0] == 200
    assert ask(hall.server.url + shot.path, shot.body)[0] == 201
    assert "unexpected_error" not in hall.server.output()


def test_a_database_that_hangs_makes_us_busy_until_it_goes_on(hall: Hall, database: servers.MariaDB) -> None:
    assert database.process
    assert ask(listing(hall))[0] == 200
    database.process.send_signal(signal.SIGSTOP)
    try:
        assert [is_busy(ask(listing(hall))) for _ in range(4)] == [True] * 4
        assert ask(f"{hall.server.url}/healthz")[0] == 200
    finally:
        database.process.send_signal(signal.SIGCONT)
    servers.until(lambda: ask(listing(hall))[0] == 200)
    assert "unexpected_error" not in hall.server.output()


@pytest.mark.parametrize("pause_seconds", [0.0, 1.2])
def test_a_connection_that_the_server_has_dropped_is_not_noticed(
    hall: Hall, database: servers.MariaDB, pause_seconds: float
) -> None:
    service = hall.service([hall.room()])
    for _ in range(6):
        assert ask(listing(hall))[0] == 200
        time.sleep(pause_seconds)  # within a second of its last use a connection is not pinged
        kill_connections(database)
        assert ask(listing(hall))[0] == 200
        kill_connections(database)
        shot = booking(service, hall.day())
        assert ask(hall.server.url + shot.path, shot.body)[0] == 201


def kill_connections(database: servers.MariaDB) -> None:
    own = pymysql.connect(unix_socket=str(database.socket_path), user="root", ssl_disabled=True)
    with own, own.cursor() as cursor:
        cursor.execute("SELECT id FROM information_schema.processlist WHERE db = 'slot'")
        for (number,) in cursor.fetchall():
            with suppress(pymysql.err.OperationalError):  # gone by itself
                cursor.execute(f"KILL {number}")


def test_a_lock_that_somebody_keeps_makes_us_busy_and_books_nothing(hall: Hall) -> None:
    service = hall.service([hall.room()])
    shot = booking(service, hall.day())
    with hall.engine.connect() as keeper:
        keeper.exec_driver_sql("START TRANSACTION")
        keeper.exec_driver_sql("UPDATE resources SET calendar_version = calendar_version + 1")
        replies: list[object] = []
        visitors = [threading.Thread(target=lambda: replies.append(try_to(hall, shot.body))) for _ in range(12)]
        for visitor in visitors:
            visitor.start()
        servers.until(lambda: any(isinstance(reply, tuple) for reply in replies))
        keeper.exec_driver_sql("ROLLBACK")
        for visitor in visitors:
            visitor.join()
    statuses = [reply[0] for reply in replies if isinstance(reply, tuple)]
    assert 503 in statuses  # those that found no free connection within a second
    assert statuses.count(201) <= 1
    assert set(statuses) <= {201, 409, 503}
    assert overbooked(hall.engine) == []
    assert ask(listing(hall))[0] == 200


def try_to(hall: Hall, body: dict[str, Any], **headers: str) -> Reply | None:
    """Book; None where no answer came."""
    try:
        return ask(f"{hall.server.url}/api/v1/bookings", body, **headers)
    except (OSError, HTTPException):
        return None


@pytest.mark.parametrize("victim", ["worker", "database"])
def test_nothing_acknowledged_is_lost_and_nothing_booked_twice_when_somebody_is_killed(
    hall: Hall, database: servers.MariaDB, victim: str
) -> None:
    chance = Random(20261124)
    service = hall.service([hall.room() for _ in range(4)])
    acknowledged: dict[str, str] = {}
    for round_number in range(KILLS):
        midnight = hall.day()
        keys = {f"{round_number}-{n}": booking(service, midnight + timedelta(minutes=30 * n)).body for n in range(40)}
        done = threading.Event()
        killer = threading.Thread(target=_kill_soon, args=(hall, database, victim, chance.uniform(0.0, 0.4), done))
        killer.start()
        unknown = _book_all(hall, keys, acknowledged)
        done.set()
        killer.join()
        if victim == "database":
            database.start()
            hall.engine.dispose()  # the test's own connections died with it
        servers.until(lambda: ask_or_none(listing(hall)) == 200)
        for _ in range(20):  # as a client would: again with the same key, until an answer comes
            if unknown := _book_all(hall, {key: keys[key] for key in unknown}, acknowledged):
                time.sleep(0.1)
        assert unknown == []
        assert overbooked(hall.engine) == []
    with hall.engine.connect() as connection:
        stored = [ref for (ref,) in connection.execute(select(bookings.c.ref))]
    assert sorted(stored) == sorted(acknowledged.values())


def _book_all(hall: Hall, keys: dict[str, dict[str, Any]], acknowledged: dict[str, str]) -> list[str]:
    """Book each wish under its key; return the keys whose outcome is not known."""
    unknown = []
    for key, body in keys.items():
        reply = try_to(hall, body, Idempotency_Key=key)
        if reply is None or reply[0] == 503:
            unknown.append(key)
        else:
            assert reply[0] == 201, reply
            acknowledged[key] = reply[1]["ref"]
    return unknown


def _kill_soon(hall: Hall, database: servers.MariaDB, victim: str, delay: float, done: threading.Event) -> None:
    done.wait(delay)
    if victim == "database":
        database.kill()
    else:
        for pid in hall.server.worker_pids()[:1]:
            os.kill(pid, signal.SIGKILL)


def ask_or_none(url: str) -> int | None:
    with suppress(OSError, HTTPException):
        return ask(url)[0]
    return None


def test_sqlite_keeps_what_it_acknowledged_when_its_workers_are_killed(sqlite_url: str, tmp_path: Path) -> None:
    engine = make_engine(sqlite_url)
    venue = make_venue(engine, timezone="UTC")
    service = make_service(engine, venue, [[make_resource(engine, venue, daily_hours=AROUND_THE_CLOCK)]])
    acknowledged: dict[str, str] = {}
    chance = Random(20261124)
    with servers.gunicorn(sqlite_url, tmp_path / "instance", workers=2) as server:
        hall = Hall(engine, server)
        for number in range(KILLS):
            midnight = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
            first = midnight + timedelta(days=2 + number)
            keys = {f"{number}-{n}": booking(service, first + timedelta(hours=n)).body for n in range(20)}
            timer = threading.Timer(
                chance.uniform(0, 0.2), lambda: [os.kill(p, signal.SIGKILL) for p in server.worker_pids()]
            )
            timer.start()
            unknown = _book_all(hall, keys, acknowledged)
            timer.join()
            servers.until(lambda: servers.is_healthy(server.url))
            while unknown:
                unknown = _book_all(hall, {key: keys[key] for key in unknown}, acknowledged)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        stored = [ref for (ref,) in connection.execute(select(bookings.c.ref))]
    assert sorted(stored) == sorted(acknowledged.values())
    engine.dispose()
