"""What the world does to a server, and what its visitors may notice of it: 503 for a moment, never 500, never a loss."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path

import pymysql
import pytest
from sqlalchemy import func, select

from app.persistence import engine as engines
from app.persistence import mysql, sqlite
from app.persistence.tables import audit_log, booking_resources, bookings, occupancies
from tests.system import servers
from tests.system.halls import Hall, booking, hall, overbooked, tally
from tests.system.racing import Answer, Shot

PATIENCE_SECONDS = 5  # a visitor who hears nothing for so long gives up: the test fails
LIST = "/api/v1/services"
CONNECTIONS = 2 * engines.POOL_SIZE  # of one worker: the pool and its overflow
PRODUCTION = {
    "ENVIRONMENT": "production",
    "BASE_URL": "https://book.invalid",
    "SECRET_KEY": "q4Zt8Lw1Xv6Nb3Ks9Rf2Yh7Jd5Mc0PgA",
    "ALLOWED_HOSTS": "127.0.0.1",
}


@pytest.fixture
def one(mortal: servers.MariaDB, tmp_path: Path) -> Iterator[Hall]:
    """A server with one worker, on a database that a test may stop; no fault of it may show as a fault of ours."""
    with hall(mortal.url("slotkeeper"), tmp_path, 1) as found:
        yield found
        found.nobody_died()


def is_busy(answer: Answer) -> bool:
    return (
        answer.status == 503
        and answer.document["code"] == "busy"
        and answer.headers["Content-Type"] == "application/problem+json"
        and int(answer.headers["Retry-After"]) >= 1
    )


def times(found: Hall, many: int) -> list[Shot]:
    """Return bookings of as many times of one room."""
    service, day = found.service([found.room()]), found.day()
    return [booking(service, day + timedelta(hours=hour)) for hour in range(many)]


def all_at_once(found: Hall, shots: Sequence[Shot], patience: float) -> list[Answer]:
    with ThreadPoolExecutor(len(shots)) as visitors:
        return list(visitors.map(lambda shot: found.post(shot, patience), shots))


def ready_checks(found: Hall) -> tuple[int, str]:
    answer = found.get("/readyz", PATIENCE_SECONDS)
    return answer.status, answer.document["checks"]["database"]


def test_a_database_that_is_away_makes_us_busy_and_nothing_worse(one: Hall, mortal: servers.MariaDB) -> None:
    first, second = times(one, 2)
    assert one.post(first).status == 201
    mortal.stop()
    for _ in range(CONNECTIONS):
        assert is_busy(one.get(LIST, PATIENCE_SECONDS))
        assert is_busy(one.post(second, PATIENCE_SECONDS))
    assert one.get("/healthz", PATIENCE_SECONDS).status == 200
    assert ready_checks(one) == (503, "unreachable")
    mortal.start()
    assert one.get(LIST).status == 200
    assert one.post(second).status == 201
    assert ready_checks(one) == (200, "ok")


def test_a_database_that_hangs_makes_us_busy_until_it_goes_on(one: Hall, mortal: servers.MariaDB) -> None:
    first, second = times(one, 2)
    assert one.post(first).status == 201
    assert mortal.process
    mortal.process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(2):
            assert is_busy(one.get(LIST, PATIENCE_SECONDS))
            assert is_busy(one.post(second, PATIENCE_SECONDS))
        assert one.get("/healthz", PATIENCE_SECONDS).status == 200
        assert ready_checks(one) == (503, "unreachable")
    finally:
        mortal.process.send_signal(signal.SIGCONT)
    servers.until(lambda: one.get(LIST).status == 200)
    assert one.post(second).status == 201


def test_a_database_that_takes_calls_and_says_nothing_is_called_once_a_request(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "mute"))
        mute.listen(50)
        mute.setblocking(False)  # noqa: FBT003 - the name says it
        url = f"mysql://root@localhost/none?unix_socket={tmp_path / 'mute'}"
        with hall(url, tmp_path, 1, extra_env=PRODUCTION) as found:
            calls(mute)  # of the warm-up
            assert is_busy(found.get(LIST, PATIENCE_SECONDS))
            assert calls(mute) == 1
            assert is_busy(found.post(booking(1, datetime(2030, 1, 1, tzinfo=timezone.utc)), PATIENCE_SECONDS))
            assert calls(mute) == 1
            found.nobody_died()


def calls(mute: socket.socket) -> int:
    """Count the connections since the last time, and hang up."""
    for number in count():
        try:
            mute.accept()[0].close()
        except BlockingIOError:
            return number
    raise AssertionError


def test_a_server_comes_up_while_its_database_is_away(mortal: servers.MariaDB, tmp_path: Path) -> None:
    mortal.stop()
    with hall(mortal.url("slotkeeper"), tmp_path, 1, extra_env=PRODUCTION) as found:
        assert ready_checks(found) == (503, "unreachable")
        assert is_busy(found.get(LIST, PATIENCE_SECONDS))
        mortal.start()
        assert ready_checks(found) == (200, "ok")
        assert found.get(LIST).status == 200


@pytest.mark.parametrize("idle_seconds", [0, mysql.FRESH_SECONDS + 0.2], ids=["just used", "idle"])
def test_connections_that_the_server_has_dropped_are_not_noticed(
    one: Hall, mortal: servers.MariaDB, idle_seconds: float
) -> None:
    shots = times(one, 12)
    one.engine.dispose()  # the test's own connections would be dropped as well
    for read_first in (True, False, True, False):
        pair, then = [shots.pop(), shots.pop()], shots.pop()
        assert tally(all_at_once(one, pair, PATIENCE_SECONDS)) == {201: 2}  # so that the pool has two
        drop_connections(mortal, idle_seconds)
        if read_first:
            assert one.get(LIST).status == 200
        assert one.post(then).status == 201


def drop_connections(server: servers.MariaDB, idle_seconds: float) -> None:
    """End all connections to the database of the tests, as a server does with those that are idle for too long."""
    time.sleep(idle_seconds)
    with pymysql.connect(unix_socket=str(server.socket_path), user="root", ssl_disabled=True) as own:
        cursor = own.cursor()
        cursor.execute("SELECT id FROM information_schema.processlist WHERE db = 'slotkeeper'")
        numbers = [number for (number,) in cursor.fetchall()]
        assert numbers
        for number in numbers:
            cursor.execute(f"KILL {number}")


def test_a_pool_that_is_in_use_makes_others_busy_until_it_is_free(one: Hall) -> None:
    shots = times(one, CONNECTIONS)
    with ThreadPoolExecutor(CONNECTIONS) as visitors:
        with calendars_locked(one):
            waiting = [visitors.submit(one.post, shot) for shot in shots]
            servers.until(lambda: waiting_for_locks(one) == CONNECTIONS)
            assert is_busy(one.get(LIST, PATIENCE_SECONDS))
            assert one.get("/healthz", PATIENCE_SECONDS).status == 200
        assert tally([answer.result() for answer in waiting]) == {201: CONNECTIONS}
    assert one.get(LIST).status == 200


@pytest.mark.long
def test_a_lock_that_is_kept_too_long_is_waited_for_again_and_then_makes_us_busy(one: Hall) -> None:
    first, second = times(one, 2)
    with ThreadPoolExecutor(1) as visitors:
        with calendars_locked(one):
            waiting = visitors.submit(one.post, first)
            servers.until(lambda: waiting_for_locks(one) == 1)
            time.sleep(mysql.LOCK_WAIT_SECONDS + 1)
        assert waiting.result().status == 201
        with calendars_locked(one):
            assert is_busy(one.post(second))
    assert one.post(second).status == 201


@contextmanager
def calendars_locked(found: Hall) -> Iterator[None]:
    """Keep what every booking locks first."""
    with found.engine.connect() as keeper:
        keeper.exec_driver_sql("START TRANSACTION")
        keeper.exec_driver_sql("UPDATE resources SET calendar_version = calendar_version + 1")
        yield
        keeper.exec_driver_sql("ROLLBACK")


def waiting_for_locks(found: Hall) -> int:
    with found.engine.connect() as connection:
        statement = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'UPDATE resources %%'"
        return int(connection.exec_driver_sql(statement).scalar() or 0)


@pytest.mark.long
def test_a_sqlite_file_that_somebody_keeps_can_be_read_and_makes_writers_busy(sqlite_url: str, tmp_path: Path) -> None:
    with hall(sqlite_url, tmp_path, 1) as found:
        first, second = times(found, 2)
        with ThreadPoolExecutor(1) as visitors, closing(sqlite3.connect(sqlite_file(sqlite_url))) as keeper:
            keeper.isolation_level = None
            keeper.execute("BEGIN IMMEDIATE")
            waiting = visitors.submit(found.post, first)
            assert found.get(LIST, PATIENCE_SECONDS).status == 200
            time.sleep(sqlite.BUSY_SECONDS + 1)
            keeper.execute("ROLLBACK")
            assert waiting.result().status == 201
            keeper.execute("BEGIN IMMEDIATE")
            assert is_busy(found.post(second))
            keeper.execute("ROLLBACK")
        assert found.post(second).status == 201
        found.nobody_died()


def sqlite_file(url: str) -> Path:
    path = engines.sqlite_path(url)
    assert path
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() or not mount or not umount:
        pytest.skip("only root can mount a small disk")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no disk can be mounted here: {made.stderr.decode(errors='replace').strip()}")
    try:
        yield folder
    finally:
        subprocess.run([umount, "--lazy", str(folder)], check=True)


def test_a_full_disk_refuses_and_leaves_nothing_half_done(
    migrated_sqlite: Path, small_disk: Path, tmp_path: Path
) -> None:
    file = Path(shutil.copy(migrated_sqlite, small_disk / "slotkeeper.sqlite3"))
    with hall(f"sqlite:///{file}", tmp_path, 1) as found:
        service, day = found.service([found.room()], minutes=30), found.day()
        shots = [booking(service, day + timedelta(minutes=30 * number)) for number in range(48)]
        made = [found.post(shot).status for shot in shots[:4]]
        filler = small_disk / "filler"
        fill(filler)
        refused = [found.post(shot) for shot in shots[4:]]
        assert refused[-1].status == 507
        assert refused[-1].document["code"] == "storage_full"
        assert found.get(LIST).status == 200
        made += [answer.status for answer in refused]
        assert set(made) == {201, 507}
        assert stored(found) == [made.count(201)] * 4
        filler.unlink()
        assert found.post(shots[-1]).status == 201
        assert stored(found) == [made.count(201) + 1] * 4
        assert overbooked(found.engine) == []
        with found.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        found.nobody_died()


def fill(file: Path) -> None:
    """Write until the disk is full."""
    with file.open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space left"):
        while True:
            filler.write(bytes(4096))


def stored(found: Hall) -> list[int]:
    """Count the rows that each booking writes one of."""
    with found.engine.connect() as connection:
        tables = (bookings, booking_resources, occupancies, audit_log)
        return [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]
