"""Rests for the others: a document is pure computation, and the process may have other requests to answer."""

from __future__ import annotations

import time
from collections.abc import Callable

_WORK_SECONDS = 0.008  # half of a screen's frame; the promise is at most 10 ms, and a row takes 0.1
_REST_SECONDS = 0.001  # 0 would switch between greenlets without looking whether anything has arrived


class Pauses:
    """Rests a millisecond whenever 8 ms have been worked since the last rest."""

    def __init__(
        self, rest: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._rest = rest
        self._clock = clock
        self._since = clock()

    def worked(self) -> None:
        """Rest if it is time; to be called after each row and each page."""
        if self._clock() - self._since >= _WORK_SECONDS:
            self._rest(_REST_SECONDS)
            self._since = self._clock()
