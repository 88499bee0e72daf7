"""This process's memory: how much it has, an allocator and a collector that keep it small, and what is done when it grows."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from app.runtime import limits, logs, shutdown
from app.runtime.settings import Settings

# The numbers of glibc's <malloc.h>.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

MMAP_THRESHOLD_BYTES = 1024 * 1024  # a block this large (a password hash takes 12 MiB) goes back when it is freed
TRIM_THRESHOLD_BYTES = (
    128 * 1024
)  # free memory on top of the heap that is given back; glibc would let it grow to 64 MiB
_STATM = Path("/proc/self/statm")

PASSENGER_PROCESSES = 4  # among how many a limit is divided where Passenger does not say how many it may start
PAUSE_SECONDS = 60  # between two tidyings, and two lines in the log of what could not be helped
YOUNG_SECONDS = (
    60  # so old must a process be to give way: one that is over at once would be followed by one that is, too
)


def limit_malloc() -> bool:
    """Make glibc give freed memory back, and share one heap among threads; tell whether this system's malloc could.

    Without it glibc raises its own thresholds with the first large block, and keeps that block for good in each thread.
    Elsewhere (musl, macOS) there is nothing to set, and nothing happens.
    """
    mallopt = _mallopt()
    if mallopt is None:
        return False
    wishes = (
        (_M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES),
        (_M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES),
        (_M_ARENA_MAX, 1),
    )
    granted = [mallopt(name, value) == 1 for name, value in wishes]
    return all(granted)


def _mallopt() -> ctypes._NamedFuncPointer | None:
    """Return glibc's function; the symbol alone is no proof, as other libraries export one that does nothing."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version") or not hasattr(library, "mallopt"):
        return None
    return library.mallopt


def tidy() -> None:
    """Collect what is garbage, and have glibc give back what is free below the top of its heap."""
    gc.collect()
    if _mallopt() is not None:
        ctypes.CDLL(None).malloc_trim(0)


def rss_bytes() -> int | None:
    """Return the memory of this process that is in RAM, shared pages included; None where the system does not say.

    This process's own, never the host's: on shared hosting the machine has hundreds of gigabytes and we have one.
    """
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def freeze() -> None:
    """Collect, then keep the collector off everything that is here now, so that forks go on sharing it."""
    gc.collect()
    gc.freeze()


@dataclass(frozen=True, slots=True)
class Standing:
    """How this process stands: ``state`` is ok, soft or hard; a bound of 0 is none; ``rss_bytes`` is 0 where unknown."""

    rss_bytes: int
    soft_bytes: int
    hard_bytes: int
    source: str
    state: str
    collections: int


@dataclass
class _Governor:
    """Looks at this process's memory now and then, and remembers what it found and did."""

    soft_mib: int | None = None
    hard_mib: int | None = None
    every: int = 50
    limit: limits.Limit | None = None
    root: Path = Path()
    bounds: limits.Bounds = field(default_factory=lambda: limits.Bounds(0, 0, "none"))
    born: float = field(default_factory=time.monotonic)
    state: str = "ok"
    requests: int = 0
    collections: int = 0
    tidied: float = float("-inf")
    asked: float = float("-inf")
    told: str = ""
    told_at: float = float("-inf")

    def is_due(self) -> bool:
        """Count a request; while too much is in use, each of them is followed by a look."""
        self.requests += 1
        return self.state == "hard" or self.requests % self.every == 0

    def look(self) -> None:
        used = rss_bytes() or 0
        if self.state_of(used) != "ok" and self._may_tidy(used):
            used = self._tidy(used)
        self.state = self.state_of(used)
        if self.state == "hard":
            self._give_way(used)

    def state_of(self, used: int) -> str:
        above_hard = 0 < self.bounds.hard_bytes < used
        return "hard" if above_hard else "soft" if 0 < self.bounds.soft_bytes < used else "ok"

    def _may_tidy(self, used: int) -> bool:
        is_grave = self.state_of(used) == "hard" and self.state != "hard"
        return is_grave or time.monotonic() - self.tidied >= PAUSE_SECONDS

    def _tidy(self, used: int) -> int:
        tidy()
        left = rss_bytes() or 0
        self.tidied, self.collections = time.monotonic(), self.collections + 1
        logs.warning("memory_tidied", before_bytes=used, after_bytes=left, soft_bytes=self.bounds.soft_bytes)
        return left

    def _give_way(self, used: int) -> None:
        """Have this process replaced; where that would not help, or cannot be done, say so once a minute."""
        now = time.monotonic()
        if now - self.born < YOUNG_SECONDS:
            done = "too_young"
        elif now - self.asked >= PAUSE_SECONDS:
            self.asked, done = now, _replace(self.root)
        else:
            return
        if done != self.told or now - self.told_at >= PAUSE_SECONDS:
            self.told, self.told_at = done, now
            logs.error("memory_over_limit", rss_bytes=used, hard_bytes=self.bounds.hard_bytes, done=done)


def _replace(root: Path) -> str:
    try:
        return shutdown.replace(root)
    except OSError as error:
        return f"restart_impossible: {error.strerror}"


_governor = _Governor()
_looking = threading.Lock()


def govern(settings: Settings) -> None:
    """Begin to look after this process's memory, by the settings and by what the system grants.

    The working folder is the program's, under Passenger: there it is where a restart is wished for.
    """
    global _governor  # noqa: PLW0603 - there is one process, and it has one memory
    soft, hard = settings.memory_soft_mib, settings.memory_hard_mib
    _governor = _Governor(soft, hard, settings.memory_check_requests, limits.find(), root=Path.cwd())
    share_among(PASSENGER_PROCESSES if shutdown.server() == "passenger" else 1)


def share_among(processes: int) -> None:
    """Say among how many processes the system's limit is divided; this one begins its life now."""
    _governor.bounds = limits.bounds(_governor.soft_mib, _governor.hard_mib, _governor.limit, processes)
    _governor.born = time.monotonic()


def after_request() -> None:
    """Count a request that was answered, and after every so many look at the memory; one look at a time."""
    if _governor.is_due() and _looking.acquire(blocking=False):
        try:
            _governor.look()
        finally:
            _looking.release()


def is_over() -> bool:
    """Tell whether this process has more than it may have, and a server to replace it: it is to take on nothing large."""
    return _governor.state == "hard" and shutdown.server() != ""


def standing() -> Standing:
    """Return how this process stands now."""
    used, bounds = rss_bytes() or 0, _governor.bounds
    state, collections = _governor.state_of(used), _governor.collections
    return Standing(used, bounds.soft_bytes, bounds.hard_bytes, bounds.source, state, collections)
