"""A connection that is over after a time, however slowly its other end sends: one deadline for all that is read and written.

The time limits of sockets count from byte to byte: a server that sends one every four seconds keeps a process for as long as
it likes. Here the socket never waits by itself; what waits is ``poll``, for what is left of the time.
"""

from __future__ import annotations

import io
import select
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

T = TypeVar("T")
_LATE = "took too long"


class Deadline:
    """The end of a time that begins now."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: none are.
        """
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError(_LATE)
        return left

    def until(self, open_socket: socket.socket, step: Callable[[], T], waits_for: int = select.POLLIN) -> T:
        """Return what a step on a socket that does not wait gives, once it can be done.

        Encryption says itself whether it has to read or to write first; a plain socket waits for *waits_for*.

        Raises:
            TimeoutError: it cannot be done in time. OSError: it fails.
        """
        while True:
            left = self.left()
            try:
                return step()
            except ssl.SSLWantReadError:
                _wait(open_socket, select.POLLIN, left)
            except ssl.SSLWantWriteError:
                _wait(open_socket, select.POLLOUT, left)
            except BlockingIOError:
                _wait(open_socket, waits_for, left)


def _wait(open_socket: socket.socket, what: int, seconds: float) -> None:
    waiting = select.poll()
    waiting.register(open_socket, what)
    if not waiting.poll(max(1, seconds * 1000)):
        raise TimeoutError(_LATE)


class TimedSocket:
    """What ``http.client`` wants of a socket: to send, to read in a file's way, to close."""

    def __init__(self, open_socket: socket.socket, deadline: Deadline, *, most_bytes: int) -> None:
        """Take over a connected socket; more than *most_bytes* are never read from it."""
        open_socket.settimeout(0)
        self._socket, self._deadline, self._most_bytes = open_socket, deadline, most_bytes

    def sendall(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            OSError: the other end does not take it, or not in time.
        """
        rest = memoryview(data)
        while rest:
            sent = self._deadline.until(self._socket, partial(self._socket.send, rest), select.POLLOUT)
            rest = rest[sent:]

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return what the other end sends, as a file."""
        del mode  # "rb", always
        return io.BufferedReader(_Incoming(self._socket, self._deadline, self._most_bytes))

    def close(self) -> None:
        """Do nothing: ``http.client`` lets go of a connection while its answer is still to be read. Whoever made it closes it."""


class _Incoming(io.RawIOBase):
    def __init__(self, open_socket: socket.socket, deadline: Deadline, most_bytes: int) -> None:
        self._socket, self._deadline, self._left = open_socket, deadline, most_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        room = memoryview(buffer)  # type: ignore[arg-type]  # whatever has the bytes of a buffer
        count = self._deadline.until(self._socket, partial(self._socket.recv_into, room))
        self._left -= count
        if self._left < 0:
            raise OSError("sends too much")
        return count
