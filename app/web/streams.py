"""Answers that are made while they are sent: what can be refused is refused before the first byte.

How many a process makes at once is bounded: each takes a mebibyte or two, and a place at the processor. A place is free again when
the stream has ended, its client has left, or its beginning went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import Response

from app.domain.errors import Busy
from app.runtime.places import NoPlace, Place, Places

_AT_ONCE = 4  # as many as a process has database connections in its pool, and some 6 MiB
EXPORTS = Places(_AT_ONCE)  # of those who run the house
VISITORS = Places(_AT_ONCE)  # of everybody else: a calendar that is read slowly shall not keep the house from its lists


class AllTaken(Busy):
    """As many streams as a process makes at once are being sent."""

    retry_after_seconds = 5


class Begun(Iterator[bytes]):
    """A stream whose first chunk has been made, so that whatever goes wrong at its beginning is answered as a problem.

    Closing it closes what makes it, at once and not when memory is next tidied up.
    """

    def __init__(self, chunks: Iterator[bytes], place: Place | None = None) -> None:
        """Make the first chunk; the place is left with the last one."""
        self._chunks, self._place = chunks, place
        self._first: bytes | None = b""
        try:
            self._first = next(chunks, b"")
        except BaseException:  # also that of a server which ends
            self.close()
            raise

    def __next__(self) -> bytes:
        """Return the next chunk."""
        if self._first is None:
            return self._next()
        first, self._first = self._first, None
        return first

    def _next(self) -> bytes:
        try:
            return next(self._chunks)
        except BaseException:  # the end is one of them
            self._leave()
            raise

    def close(self) -> None:
        """End the making: the client has all, or has left."""
        try:
            if close := getattr(self._chunks, "close", None):
                close()
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._place is not None:
            self._place.leave()


def later(make: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    """Yield the chunks that *make* returns, which is called for the first of them: when there is a place for its work."""
    yield from make()


def stream(
    chunks: Iterator[bytes],
    mimetype: str,
    filename: str,
    *,
    is_shown: bool = False,
    places: Places | None = EXPORTS,
) -> Response:
    """Return the answer that sends *chunks* as they are made; *filename* is plain ASCII.

    A browser saves it, or shows it where *is_shown*. What is a page long and sent in one go needs no place.

    Raises:
        Busy: all *places* are taken.
    """
    kind = "inline" if is_shown else "attachment"
    headers = {"Content-Disposition": f'{kind}; filename="{filename}"', "X-Accel-Buffering": "no"}
    return Response(Begun(chunks, _taken(places)), mimetype=mimetype, headers=headers)


def _taken(places: Places | None) -> Place | None:
    try:
        return None if places is None else places.take()
    except NoPlace:
        raise AllTaken("As many exports as this process makes at once are being sent.") from None
