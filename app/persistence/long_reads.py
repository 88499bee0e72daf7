"""Reads of any length, a page at a time: each page over a connection that is given back before anybody waits for a reader."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.persistence.session import is_dropped, streaming

T = TypeVar("T")

PAGE = 500  # rows: about 1 MiB while they are being made into text
_TRIES = 20
_PAUSE_SECONDS = 0.5


def iter_pages(
    read: Callable[[Connection, T | None], list[T]], *, pause: Callable[[float], None] = time.sleep
) -> Iterator[list[T]]:
    """Yield page after page: *read* is given the last row of the page before, or None, and returns at most ``PAGE`` rows.

    The first page fails at once, when that can still be told. A later one waits for a connection, up to ten seconds: what has
    been sent cannot be taken back.
    """
    rows = _read(read, None)
    while rows:
        yield rows
        last, is_full = rows[-1], len(rows) == PAGE
        del rows  # or two pages were in memory while the next is read, of a mebibyte each
        rows = _patient(read, last, pause) if is_full else []


def _read(read: Callable[[Connection, T | None], list[T]], last: T | None) -> list[T]:
    with streaming() as connection:
        return read(connection, last)


def _patient(read: Callable[[Connection, T | None], list[T]], last: T, pause: Callable[[float], None]) -> list[T]:
    for _ in range(_TRIES):
        try:
            return _read(read, last)
        except (PoolTimeout, DBAPIError) as error:
            if not isinstance(error, PoolTimeout) and not is_dropped(error):
                raise
        pause(_PAUSE_SECONDS)
    return _read(read, last)
