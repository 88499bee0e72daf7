"""The smallest machine we promise to run on: two workers and their work inside 128 MiB and 25 processes and threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from scripts.bench import leak
from tests.system import servers
from tests.system.cages import Cage, NoCage, cage

MEMORY_BYTES, TASKS = 128 * 1024 * 1024, 25
REQUESTS = 2_000


@pytest.fixture
def small() -> Iterator[Cage]:
    """A group of processes that may have that much; skipped, with what is missing, where the machine does not grant one."""
    try:
        with cage(f"slotkeeper-{os.getpid()}") as made:
            made.limit(memory_bytes=MEMORY_BYTES, tasks=TASKS)
            yield made
    except NoCage as reason:
        pytest.skip(f"no limit can be put on memory and processes here: {reason}")


def test_two_workers_do_their_work_in_128_mebibytes_and_25_tasks(
    mariadb_server: servers.MariaDB, tmp_path: Path, small: Cage
) -> None:
    mariadb_server.run("DROP DATABASE IF EXISTS small", "CREATE DATABASE small CHARACTER SET utf8mb4")
    url, first = mariadb_server.url("small"), datetime.now(timezone.utc).date() + timedelta(days=2)
    key = leak.furnish(url, first)
    with ExitStack() as stack:
        with small.entered():
            server, place = stack.enter_context(leak.open_again(url, tmp_path, first, key))
        load = leak.Load(place, 4)
        load.do(REQUESTS)
        pids, held, log = server.worker_pids(), small.tasks(), server.output()
        load.leave()
        assert server.stop() == 0
    print(f"{small.peak_mib():.1f} MiB at the peak, {held} tasks, {load.answers}")  # noqa: T201 - the figures
    assert held >= 3, "the server is not in its cage"
    assert load.failures == []
    assert small.kills() == small.refused_tasks() == 0
    assert "SIGKILL" not in log
    assert "memory_over_limit" not in log
    assert len(pids) == 2


def test_what_is_too_large_for_the_machine_is_killed(small: Cage) -> None:
    """The control: without it, a cage that is open would pass as one that is large enough."""
    assert small.kills() == 0
    with small.entered():
        glutton = subprocess.Popen([sys.executable, "-c", f"bytearray(b'x') * {2 * MEMORY_BYTES}"])
    assert glutton.wait(60) == -signal.SIGKILL
    assert small.kills() == 1
