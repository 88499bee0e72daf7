"""Places for work that takes memory as long as it lasts: a process has so many, and who comes when all are taken is told so."""

from __future__ import annotations

from collections import deque


class NoPlace(Exception):
    """All places are taken."""


class Places:
    """A number of places. Taking one waits for nobody, and takes no lock: a place may be left while memory is tidied up."""

    def __init__(self, count: int) -> None:
        self._free = deque([None] * count)

    def take(self) -> Place:
        """Return a place of one's own.

        Raises:
            NoPlace: all are taken.
        """
        try:
            self._free.pop()
        except IndexError:
            raise NoPlace from None
        return Place(self._free)


class Place:
    """One place, taken until it is left or forgotten."""

    def __init__(self, free: deque[None]) -> None:
        self._free: deque[None] | None = free

    def leave(self) -> None:
        """Give the place to the next one; once is enough, and twice does no harm."""
        free, self._free = self._free, None
        if free is not None:
            free.append(None)

    def __del__(self) -> None:
        """Leave: an answer that nobody sends, as to HEAD, is not closed but forgotten."""
        self.leave()
