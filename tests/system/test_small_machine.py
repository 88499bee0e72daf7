"""Small machines: a server, and its work, inside a limit on memory and on processes and threads that the system enforces.

Agreed are two workers in 128 MiB and 25 tasks. They do what visitors do there, bookings and their mails included. For everything a
worker can do they need more than that today: 130 MiB, and 12 for each password that is hashed (see test_memory.py), 152 at the
peak. So everything is done by one worker in 128 MiB, and by two in 160. Only the server is inside; its database and clients are not.

Where the machine grants no limit, these tests are skipped and say what is missing, in CI as well: it is not ours to install.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from scripts.bench import leak
from scripts.bench.mix import deck
from tests.system import servers
from tests.system.cages import Cage, NoCage, cage

MIB, TASKS = 1024 * 1024, 25
REQUESTS = 1_000
VISITORS = (
    ["day"] * 8 + ["month"] + ["unchanged"] * 3 + ["catalogue"] * 3 + ["nowhere"] + ["hold"] * 2 + ["booking"] * 2
)


@pytest.fixture(scope="module")
def furnished(mariadb_server: servers.MariaDB) -> tuple[str, date, str]:
    """The URL of a database with the data set, its first day, and the key of its desk."""
    mariadb_server.run("DROP DATABASE IF EXISTS small", "CREATE DATABASE small CHARACTER SET utf8mb4")
    url, first = mariadb_server.url("small"), datetime.now(timezone.utc).date() + timedelta(days=2)
    return url, first, leak.furnish(url, first)


@pytest.fixture
def small() -> Iterator[Cage]:
    """A group of processes that may have that much; skipped, with what is missing, where the machine does not grant one."""
    try:
        with cage(f"slotkeeper-{os.getpid()}") as made:
            made.limit(memory_bytes=128 * MIB, tasks=TASKS)
            yield made
    except NoCage as reason:
        pytest.skip(f"no limit can be put on memory and processes here: {reason}")


@pytest.mark.parametrize(
    ("mebibytes", "workers", "kinds"),
    [(128, 2, VISITORS), (128, 1, deck()), (160, 2, deck())],
    ids=["visitors at two workers in 128 MiB", "everything at one in 128 MiB", "everything at two in 160 MiB"],
)
def test_nobody_is_killed_or_refused(
    furnished: tuple[str, date, str], tmp_path: Path, small: Cage, mebibytes: int, workers: int, kinds: list[str]
) -> None:
    small.limit(memory_bytes=mebibytes * MIB, tasks=TASKS)
    with ExitStack() as stack:
        with small.entered():
            server, place = stack.enter_context(
                leak.open_again(furnished[0], tmp_path, *furnished[1:], workers=workers)
            )
        before, held = server.worker_pids(), small.tasks()
        load = leak.Load(place, 4)
        for visitor in load.visitors:
            visitor.kinds = kinds
        load.do(REQUESTS)
        load.leave()
        after = server.worker_pids()
        ended, log = server.stop(), server.output()
    print(f"{small.peak_mib():.1f} MiB at the peak, {load.answers}")  # noqa: T201 - the figures
    assert held >= 1 + workers, "the server is not in its cage"
    assert load.failures == []
    assert ended == 0, "taken apart at its end, a process copies all that it shares"
    assert small.kills() == small.refused_tasks() == 0
    assert before == after, "a worker was replaced"
    assert "memory_over_limit" not in log


def test_what_is_too_large_for_the_machine_is_killed(small: Cage) -> None:
    """The control: without it, a cage that is open would pass as one that is large enough."""
    assert small.kills() == 0
    with small.entered():
        glutton = subprocess.Popen([sys.executable, "-c", f"bytearray(b'x') * {256 * MIB}"])
    assert glutton.wait(60) == -signal.SIGKILL
    assert small.kills() == 1
