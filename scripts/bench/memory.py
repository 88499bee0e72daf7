"""What processes take: one that Passenger has just spawned, and a gunicorn with two workers, idle and after work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from scripts.bench import fresh, hall
from scripts.bench.figures import Figure
from scripts.bench.measuring import private, rollup, tree_pss
from scripts.bench.worker import Worker
from tests.system import servers

BARE_PROCESS = """
from wsgiref.simple_server import make_server
server = make_server("127.0.0.1", 0, lambda environ, start: (start("200 OK", []), [b"x"])[1])
server.server_close()
print(0)
"""
# What the design sets beside these, and who measures it: a table of them is no use if a row is only missing.
ELSEWHERE = (
    ("growth from 10,000 to 100,000 mixed requests; descriptors, threads, connections", "python -m scripts.bench.leak"),
    ("500 clients that leave in mid-stream", "tests/system/test_streams.py"),
    ("upload of 1 GiB", "tests/system/test_uploads.py"),
    ("PDF report of 50,000 rows, and slots beside it", "tests/system/test_first_documents.py"),
    ("CSV export of 1,000,000 rows", "tests/system/test_streams.py"),
    ("20 sign-ins at once, and slots beside them", "scripts/bench/hashing, tests/system/test_memory.py"),
    (
        "hostile bodies, slow bodies, 100k parts, deep JSON",
        "tests/web/test_multipart.py, tests/system/test_slow_bodies.py",
    ),
    ("app and MariaDB's client load inside 128 MiB", "tests/system/test_small_machine.py"),
)


def start_up(url: str, folder: Path, rounds: int) -> Iterator[Figure]:
    """Yield what a process costs that Passenger has just spawned, after its first answer."""
    code = fresh.first_slots(hall.FIRST)
    fresh.run(url, folder, code)  # byte-compiles
    runs = [(fresh.run(url, folder, code), fresh.run(url, folder, BARE_PROCESS)[1]) for _ in range(rounds)]
    yield Figure("fresh process after its first slots (RSS)", median(memory for (memory, _), _ in runs), "MiB", 56)
    yield Figure("cold start to the first slots", median(cpu / bare for (_, cpu), bare in runs), "x CPU", 9)


def tree(url: str, folder: Path, requests: int, *, more: int, most: float | None) -> Iterator[Figure]:
    """Yield the memory of two workers and their master: idle, and after mixed requests; *most* is what it may then grow."""
    with servers.gunicorn(url, folder, workers=2) as server:
        worker = Worker(server)
        yield Figure("one worker, idle (RSS)", max(rollup(pid, "Rss") for pid in server.worker_pids()), "MiB", 62)
        _mixed(worker, requests)
        own = max(private(pid) for pid in server.worker_pids())
        yield Figure("one worker, of its own after work", own, "MiB", 15)
        yield Figure(f"two workers after {requests:,} mixed requests (PSS)", tree_pss(server), "MiB", 85)
        _mixed(worker, 4 * requests)
        before = tree_pss(server)
        _mixed(worker, more)
        yield Figure(f"growth over {more:,} more after {5 * requests:,}", tree_pss(server) - before, "MiB", most)


def _mixed(worker: Worker, requests: int) -> None:
    """Send slots of a day and a month, lists, refusals and holds, on connections that come and go."""
    day, month = hall.slots(hall.ONE, 1), hall.slots(hall.ANY, 30)
    hold = {"service_id": hall.ANY, "starts_at": f"{hall.FIRST}T09:00:00Z"}
    paths = [month, *[day] * 11, *[hall.SERVICES] * 4, *["/nowhere"] * 2]
    for number in range(requests):
        kind = number % 20
        if kind == 0:
            worker.connection.close()
        if kind < len(paths):
            worker.ask(paths[kind])
        else:
            worker.ask("/api/v1/holds", "POST", hold)
