"""What a process does before it forks, so that its children write to as little as can be of what they share with it.

CPython counts references inside the objects: a child that only reads what its parent has loaded writes to it all the same, and
a page that is written to is shared no longer. Of that most cannot be helped; what is here can.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from pathlib import Path

_SMAPS = Path("/proc/self/smaps")
_MADV_DONTNEED = 4  # of Linux's <sys/mman.h>


def prepare_to_fork() -> None:
    """Collect and tidy, then keep the collector off everything that is here now."""
    gc.collect()
    # It holds 4,096 names of attributes, and each that makes room for another would be written to in a child: 0.4 MiB.
    clear_caches = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache  # noqa: SLF001 - the name it has
    clear_caches()
    gc.freeze()
    forget_libraries()


def forget_libraries() -> None:
    """Let go of what was read of libraries: most of it serves to start, and what is needed again is still in their files.

    A child begins without it anyway. A parent that only waits kept 8 MiB.
    """
    if not _SMAPS.exists():
        return
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for start, end in list(_unchanged_files(_SMAPS.read_text("utf-8", "replace"))):
        madvise(start, end - start, _MADV_DONTNEED)


def _unchanged_files(smaps: str) -> Iterator[tuple[int, int]]:
    """Yield where a file lies in memory, read-only and word for word: what was relocated would be lost (proc(5), smaps)."""
    start, end, is_file = 0, 0, False
    for line in smaps.splitlines():
        first, _, rest = line.partition(" ")
        if not first.endswith(":"):
            start, end = (int(one, 16) for one in first.split("-"))
            mode, _, _, inode, *_ = rest.split()
            is_file = mode.startswith("r-") and inode != "0"
        elif first == "Anonymous:" and is_file and rest.split()[0] == "0":
            yield start, end
