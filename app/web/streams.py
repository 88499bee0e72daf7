"""Answers that are made while they are sent: what can be refused is refused before the first byte."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response


class Begun(Iterator[bytes]):
    """A stream whose first chunk has been made, so that whatever goes wrong at its beginning is answered as a problem.

    Closing it closes what makes it, at once and not when memory is next tidied up.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        """Make the first chunk."""
        self._chunks = chunks
        self._first: bytes | None = next(chunks, b"")

    def __next__(self) -> bytes:
        """Return the next chunk."""
        if self._first is None:
            return next(self._chunks)
        first, self._first = self._first, None
        return first

    def close(self) -> None:
        """End the making: the client has all, or has left."""
        if close := getattr(self._chunks, "close", None):
            close()


def stream(chunks: Iterator[bytes], mimetype: str, filename: str, *, is_shown: bool = False) -> Response:
    """Return the answer that sends *chunks* as they are made; *filename* is plain ASCII.

    A browser saves it, or shows it where *is_shown*.
    """
    kind = "inline" if is_shown else "attachment"
    headers = {"Content-Disposition": f'{kind}; filename="{filename}"', "X-Accel-Buffering": "no"}
    return Response(Begun(chunks), mimetype=mimetype, headers=headers)
