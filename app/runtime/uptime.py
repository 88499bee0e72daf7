"""How long this process has been running, as the system knows it: a worker that was forked counts from then."""

from __future__ import annotations

import os
import time
from pathlib import Path

_STAT = Path("/proc/self/stat")
_STARTED = 19  # field 22 of proc(5): ticks between the system's start and this process's; counted behind the name


def uptime_seconds() -> int | None:
    """Return the seconds since this process was started; None where the system does not say."""
    try:
        fields = _STAT.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        started = int(fields[_STARTED]) / os.sysconf("SC_CLK_TCK")
        return int(time.clock_gettime(time.CLOCK_BOOTTIME) - started)
    except (OSError, IndexError, ValueError, AttributeError):
        return None
