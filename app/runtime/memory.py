"""This process's memory: how much it has, and an allocator and a collector that keep it small."""

from __future__ import annotations

import ctypes
import gc
import os
from pathlib import Path

# The numbers of glibc's <malloc.h>.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

MMAP_THRESHOLD_BYTES = 1024 * 1024  # a block this large (a password hash takes 12 MiB) goes back when it is freed
TRIM_THRESHOLD_BYTES = (
    128 * 1024
)  # free memory on top of the heap that is given back; glibc would let it grow to 64 MiB
_STATM = Path("/proc/self/statm")


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
