"""The program under Passenger: its processes end politely, whoever asks, and one that has too much memory asks for a restart."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.conftest import IS_CI
from tests.system import servers
from tests.system.passenger import NEWEST, WATCHFUL, Passenger, missing, passenger
from tests.system.test_lifecycle import ABOVE, LIMITS, aborted

WASTEFUL = "from tests.system.overeating import application\n"
# Where everything is to be tested, only a Python that this Passenger cannot run is an excuse.
IS_EXCUSED = not IS_CI or sys.version_info[:2] > NEWEST
pytestmark = pytest.mark.skipif(bool(missing()) and IS_EXCUSED, reason=missing() or "it is there")


@contextmanager
def running(database: servers.MariaDB, **environ: str) -> Iterator[Passenger]:
    """Yield a Passenger on a database: by its port, as its socket lies in a folder that is ours alone."""
    url = f"mysql://root@127.0.0.1:{database.port}/slotkeeper"
    with passenger(WASTEFUL, {"DATABASE_URL": url, **environ}, limits=WATCHFUL) as server:
        yield server


def ask(server: Passenger, path: str) -> tuple[int, Any]:
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=40)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def touch(path: Path) -> None:
    """Wish for a restart, as the program's user would."""
    path.touch()
    owner = path.parent.stat()
    os.chown(path, owner.st_uid, owner.st_gid)


def test_processes_that_are_restarted_and_stopped_say_goodbye_to_the_database(mortal: servers.MariaDB) -> None:
    lost = aborted(mortal)
    with running(mortal) as server:
        assert ask(server, "/readyz")[0] == 200
        first = server.processes()
        touch(server.app / "tmp/restart.txt")
        servers.until(lambda: ask(server, "/readyz")[0] == 200 and not first & server.processes())
    assert aborted(mortal) == lost


def test_a_process_that_forgets_its_goodbye_is_counted_as_lost(mortal: servers.MariaDB) -> None:
    lost = aborted(mortal)
    with running(mortal, FORGETFUL="1") as server:
        assert ask(server, "/readyz")[0] == 200
    servers.until(lambda: aborted(mortal) > lost)


def test_sigterm_lets_the_request_in_flight_finish(mortal: servers.MariaDB) -> None:
    lost = aborted(mortal)
    with running(mortal) as server:
        assert ask(server, "/readyz")[0] == 200
        answers: list[Any] = []
        visitor = Thread(target=lambda: answers.append(ask(server, "/linger/3000")))
        (process,) = server.processes()
        idle = _sockets(process)
        visitor.start()
        servers.until(lambda: _sockets(process) > idle)  # it has the request
        os.kill(process, signal.SIGTERM)
        visitor.join()
        assert answers == [(200, {"pid": process})]
        servers.until(lambda: process not in server.processes())
        assert "Traceback" not in server.output()
    assert aborted(mortal) == lost


def _sockets(process: int) -> int:
    return sum(str(path.readlink()).startswith("socket:") for path in Path(f"/proc/{process}/fd").iterdir())


def test_a_process_over_its_hard_limit_asks_for_one_restart(mortal: servers.MariaDB) -> None:
    with running(mortal, YOUNG_SECONDS="0", **LIMITS) as server:
        restart = server.app / "tmp/restart.txt"
        first = server.processes()
        assert ask(server, f"/eat/{ABOVE}")[0] == 200
        servers.until(restart.exists)
        servers.until(lambda: ask(server, "/healthz")[0] == 200 and not first & server.processes())
        wished_at = restart.stat().st_mtime_ns
        assert ask(server, f"/eat/{ABOVE}")[0] == 200
        servers.until(lambda: '"restarted_lately"' in server.output())
        assert restart.stat().st_mtime_ns == wished_at
        assert ask(server, "/api/v1/calendar/nobody.ics")[1]["code"] == "busy"
        assert ask(server, "/api/v1/venues")[0] == 200
