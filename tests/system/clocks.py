"""A server whose clock a test moves while it runs, as an operator or a virtual machine that wakes up might."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import IS_CI
from tests.system import servers

INSTALL = "apt-get install faketime"
# Python sleeps until a moment of the clock that ticks, which the library takes for one of the clock it moves, and refuses.
_SLEEP = "import select, time\ntime.sleep = lambda seconds: select.select((), (), (), seconds)\n"


def library() -> Path:
    """Return what stands between a process and the clock; the test is skipped, or fails in CI, where it is not installed."""
    found = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if found is None:
        (pytest.fail if IS_CI else pytest.skip)(f"there is no libfaketime here: {INSTALL}")
    return found


class Clock:
    """The wall clock of the processes that are started with its :attr:`environment`; what ticks for them goes on as ever."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        (folder / "sitecustomize.py").write_text(_SLEEP)
        self.environment = {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # a clock that is set does not move it
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": f"{folder}{os.pathsep}{servers.ROOT}",
        }
        self._set(timedelta())

    @contextmanager
    def moved(self, **span: float) -> Iterator[None]:
        """Let the clock be so far from the true time during the block."""
        self._set(timedelta(**span))
        try:
            yield
        finally:
            self._set(timedelta())

    def _set(self, span: timedelta) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{int(span.total_seconds()):+d}\n")
        fresh.replace(self._file)  # whole, whoever reads it
