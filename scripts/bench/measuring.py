"""What a running server holds: memory by the kernel's own books, descriptors, threads, and connections to its database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, median

from sqlalchemy import Engine, text

from tests.system import servers


@dataclass(frozen=True)
class Sample:
    """What was held after so many requests: MiB of the whole tree (PSS) and of each worker; counts over all workers."""

    requests: int
    pss: float
    rss: list[float]
    private: list[float]
    descriptors: int
    threads: int
    connections: int


def rollup(pid: int, *names: str) -> float:
    """Return the sum of some of a process's memory figures, in MiB (proc(5), smaps_rollup)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.partition(":")[0] in names) / 1024


def tree_pss(server: servers.Gunicorn) -> float:
    """Return what a server's processes have in memory together, in MiB, pages that they share counted once."""
    return sum(rollup(pid, "Pss") for pid in (server.pid, *server.worker_pids()))


def private(pid: int) -> float:
    """Return what a process has in memory that no other shares, in MiB."""
    return rollup(pid, "Private_Clean", "Private_Dirty")


def sample(server: servers.Gunicorn, database: Engine, requests: int) -> Sample:
    """Return what the server holds now."""
    pids = server.worker_pids()
    return Sample(
        requests=requests,
        pss=round(tree_pss(server), 3),
        rss=[round(rollup(pid, "Rss"), 3) for pid in pids],
        private=[round(private(pid), 3) for pid in pids],
        descriptors=sum(_entries(pid, "fd") for pid in pids),
        threads=sum(_entries(pid, "task") for pid in pids),
        connections=connections(database),
    )


def connections(database: Engine) -> int:
    """Count the connections to a MariaDB's database but for the one that asks."""
    with database.connect() as connection:
        query = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        return int(connection.execute(text(query)).scalar_one())


def _entries(pid: int, what: str) -> int:
    return len(list(Path(f"/proc/{pid}/{what}").iterdir()))


def slope(samples: Sequence[Sample], *, since: float = 0.1) -> float:
    """Return how many MiB the tree grows a request: least squares over the samples behind the first tenth of the requests."""
    kept = [one for one in samples if one.requests >= since * samples[-1].requests]
    return linear_regression([one.requests for one in kept], [one.pss for one in kept]).slope


def growth(samples: Sequence[Sample], begin: float, end: float = 1.0) -> float:
    """Return by how many MiB the tree has grown between two points of a run, each the median of a twentieth around it.

    A single sample says little: a garbage collection that is due moves it by half a mebibyte.
    """
    return _around(samples, end) - _around(samples, begin)


def _around(samples: Sequence[Sample], point: float) -> float:
    last = samples[-1].requests
    low, high = (point - 0.05) * last, point * last
    return median([one.pss for one in samples if low <= one.requests <= high] or [samples[0].pss])
