"""What the host lets us have, against what the workers need: memory, processes, open files."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

from app.domain.findings import Finding, ok, warn
from app.runtime import limits, memory
from app.runtime.limits import Limit

MIB = 1024 * 1024
WORKER_MIB = 75  # of a healthy worker that has drawn documents
LEAST_FILES, LEAST_PROCESSES = 256, 20  # a worker has some thirty files open, and the smallest plans grant 25 processes
_PLAN = "lower WEB_CONCURRENCY, set MEMORY_HARD_MIB, or take a larger plan"


def examine(workers: int, root: Path = Path("/")) -> Iterator[Finding]:
    """Yield what there is to say of the limits that the system tells of."""
    yield memory_of(workers, limits.find(root), memory.rss_bytes() or 0)
    yield _count("processes", resource.getrlimit(resource.RLIMIT_NPROC)[0], LEAST_PROCESSES)
    yield _count("open files", resource.getrlimit(resource.RLIMIT_NOFILE)[0], LEAST_FILES)


def memory_of(workers: int, limit: Limit | None, used_bytes: int) -> Finding:
    """Compare the memory that all workers need with what is granted to all of them, or to each."""
    own = f"this command uses {used_bytes // MIB} MiB"
    if limit is None:
        return ok("memory", f"no limit is told; {workers} workers want {workers * WORKER_MIB} MiB; {own}")
    among = workers if limit.is_shared else 1
    granted, needed = limit.limit_bytes // MIB, among * WORKER_MIB
    whom = f"{workers} workers want {needed}" if limit.is_shared else f"a worker wants {needed}"
    detail = f"{granted} MiB are granted ({limit.source}), {whom}; {own}"
    if granted < needed:
        return warn("memory", f"{detail}: processes may be killed at peaks", _PLAN)
    return ok("memory", detail)


def _count(check: str, limit: int, least: int) -> Finding:
    if limit == resource.RLIM_INFINITY:
        return ok(check, "no limit")
    if limit < least:
        return warn(check, f"at most {limit}, and {least} are little enough", "ask your host for more")
    return ok(check, f"at most {limit}")
