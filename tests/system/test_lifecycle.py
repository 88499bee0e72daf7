"""Workers begin and end under load, and nothing stays behind; one that has too much memory gives way, and nobody notices."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pymysql
import pytest

from tests.system import servers

APPLICATION = "tests.system.overeating:application"
WORKERS, ROUNDS = 5, 10  # fifty restarts, five at a time: a gevent worker takes up to 2 s to see that it is to end
THREADS = 5  # that a worker with threads has at most: its main one, and four as they are needed (gunicorn_config.py)
MANY = 4 * WORKERS
LIMITS = {"MEMORY_SOFT_MIB": "110", "MEMORY_HARD_MIB": "150", "MEMORY_CHECK_REQUESTS": "1"}
BELOW, ABOVE = 5, 120  # MiB to eat: a worker has 60 to 75 before it


def ask(server: servers.Gunicorn, path: str) -> tuple[int, Any]:
    """Return the status and the document of an answer, over a connection of its own."""
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=40)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


class Load:
    """Visitors who ask small things, one after the other, and remember everything that was not answered."""

    def __init__(self, server: servers.Gunicorn, *, visitors: int = 4) -> None:
        self.server, self.over = server, Event()
        self.answered, self.failed = 0, []  # type: int, list[object]
        self.threads = [Thread(target=self._work) for _ in range(visitors)]

    def _work(self) -> None:
        while not self.over.is_set():
            for path, expected in (("/readyz", 200), ("/api/v1/venues", 200), ("/linger/20", 200)):
                try:
                    status, _ = ask(self.server, path)
                except Exception as error:  # noqa: BLE001 - told to the test, which fails with it
                    self.failed.append(error)
                else:
                    self.answered += 1
                    if status != expected:
                        self.failed.append((path, status))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        for thread in self.threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in self.threads:
                thread.join()


def restart(server: servers.Gunicorn, how: int) -> None:
    """Replace every worker: by a word to each, or to their parent."""
    before = server.worker_pids()
    if how % 2:
        os.kill(server.pid, signal.SIGHUP)
    else:
        for pid in before:
            os.kill(pid, signal.SIGTERM)
    servers.until(lambda: len(now := server.worker_pids()) == WORKERS and not set(now) & set(before))


def census(server: servers.Gunicorn) -> dict[str, int]:
    """Return the most that any worker has of each, and what their parent has."""
    found: dict[int, dict[str, int]] = {}
    servers.until(lambda: _counted(server, found))
    most: dict[str, int] = defaultdict(int)
    for one in found.values():
        for name, number in one.items():
            most[name] = max(most[name], number)
    del most["pid"]
    return {
        **most,
        "descriptors": max(_held(pid, "fd") for pid in server.worker_pids()),
        "parent's descriptors": _held(server.pid, "fd"),
        "parent's threads": _held(server.pid, "task"),
        "processes": 1 + len(server.worker_pids()),
    }


def _held(pid: int, what: str) -> int:
    """Count what a process holds, once it changes no more: it is still closing the connections of whoever has just asked."""
    counts = [-1, -2]
    while counts[-1] != counts[-2]:
        time.sleep(0.5)
        counts.append(len(list(Path(f"/proc/{pid}/{what}").iterdir())))
    return counts[-1]


def _counted(server: servers.Gunicorn, found: dict[int, dict[str, int]]) -> bool:
    """Ask all at once, as each counts slowly: one after the other, the same worker would answer again and again."""
    with ThreadPoolExecutor(MANY) as visitors:
        answers = list(visitors.map(lambda _: ask(server, "/census"), range(MANY)))
    for status, counted in answers:
        assert status == 200, counted
        known = found.get(counted["pid"], counted)  # the least counts: some greenlets were just leaving
        found[counted["pid"]] = counted | {"greenlets": min(known["greenlets"], counted["greenlets"])}
    return set(server.worker_pids()) <= set(found)


def aborted(server: servers.MariaDB) -> int:
    """Return how many clients the database has lost without a word."""
    with pymysql.connect(unix_socket=str(server.socket_path), user="root", ssl_disabled=True) as connection:
        cursor = connection.cursor()
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Aborted_clients'")
        return int(cursor.fetchall()[0][1])


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, tuple[int, int]]:
    return {name: (before[name], after[name]) for name in before if after[name] > before[name]}


def test_fifty_restarts_under_load_leave_no_thread_greenlet_descriptor_or_lost_client(
    mortal: servers.MariaDB, tmp_path: Path
) -> None:
    url = mortal.url("slotkeeper")
    with servers.gunicorn(url, tmp_path / "instance", workers=WORKERS, options=[APPLICATION]) as server:
        lost = aborted(mortal)
        before = census(server)
        load = Load(server)
        with load.at_work():
            for number in range(ROUNDS):
                restart(server, number)
        assert load.failed == []
        assert load.answered > ROUNDS
        assert grown(before, census(server)) == {}
        assert ask(server, "/readyz")[0] == 200
        assert server.stop() == 0
    assert aborted(mortal) - lost == 0
    assert "not_closed" not in server.output()


def test_a_worker_that_forgets_its_goodbye_is_counted_as_lost(mortal: servers.MariaDB, tmp_path: Path) -> None:
    url, lost = mortal.url("slotkeeper"), aborted(mortal)
    options = [APPLICATION]
    with servers.gunicorn(url, tmp_path, workers=1, options=options, extra_env={"FORGETFUL": "1"}) as server:
        assert ask(server, "/readyz")[0] == 200
        server.stop()
    servers.until(lambda: aborted(mortal) > lost)


def test_restarts_of_threads_on_sqlite_leave_nothing_behind(sqlite_url: str, tmp_path: Path) -> None:
    with servers.gunicorn(sqlite_url, tmp_path / "instance", workers=WORKERS, options=[APPLICATION]) as server:
        before = census(server) | {"threads": THREADS}
        load = Load(server)
        with load.at_work():
            for number in range(4):
                restart(server, number)
        assert load.failed == []
        assert grown(before, census(server)) == {}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_over_its_hard_limit_gives_way_and_no_request_is_lost(
    database_url: str, tmp_path: Path, workers: int
) -> None:
    with servers.gunicorn(
        database_url, tmp_path / "instance", workers=workers, options=[APPLICATION], extra_env=LIMITS
    ) as server:
        load = Load(server)
        with load.at_work():
            assert ask(server, f"/eat/{BELOW}")[0] == 200
            assert "memory_over_limit" not in server.output()
            slow = Thread(target=_expect, args=(load, "/linger/2500"))
            slow.start()
            _, eater = ask(server, f"/eat/{ABOVE}")
            servers.until(lambda: eater["pid"] not in server.worker_pids() and len(server.worker_pids()) == workers)
            slow.join()
            assert ask(server, "/healthz")[0] == 200
        assert load.failed == []
        line = next(line for line in server.output().splitlines() if '"memory_over_limit"' in line)
        assert json.loads(line)["done"] == "leaving"
        assert server.stop() == 0


def _expect(load: Load, path: str) -> None:
    try:
        status, _ = ask(load.server, path)
    except Exception as error:  # noqa: BLE001 - told to the test, which fails with it
        load.failed.append(error)
    else:
        load.failed.extend([] if status == 200 else [(path, status)])


def test_a_worker_that_is_over_at_once_stays_and_takes_on_nothing_large(database_url: str, tmp_path: Path) -> None:
    environ = {**LIMITS, "YOUNG_SECONDS": "1000"}
    with servers.gunicorn(
        database_url, tmp_path / "instance", workers=1, options=[APPLICATION], extra_env=environ
    ) as server:
        pids = server.worker_pids()
        assert ask(server, "/api/v1/calendar/nobody.ics")[0] == 404
        ask(server, f"/eat/{ABOVE}")
        servers.until(lambda: ask(server, "/api/v1/calendar/nobody.ics")[0] == 503)  # it looks once its answer has left
        assert ask(server, "/api/v1/calendar/nobody.ics")[1]["code"] == "busy"
        for _ in range(5):
            assert ask(server, "/api/v1/venues")[0] == 200
        assert server.worker_pids() == pids
        assert server.output().count('"memory_over_limit"') == 1
