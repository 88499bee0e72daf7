"""A wire to a database server that is cut where a booking is committed: before, while or after the server does it."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Where = Literal["before", "while", "after"]
_HEADER = 4  # bytes: the length of what follows in three, and a number
_QUERY = 3  # the command that carries a statement


def _nothing() -> None:
    """Strike nobody."""


@dataclass(frozen=True)
class Cut:
    """One cut, of the next booking: COMMIT is held back, or sent, or its answer is held back; then *strike* is called.

    ``goes_dark``: nobody gets through any more, over this connection or another, until the wire is mended.
    """

    where: Where
    strike: Callable[[], None] = _nothing
    goes_dark: bool = False


class Wire:
    """Carries packets between clients and a server, both on Unix sockets, and knows a booking's COMMIT when it comes."""

    def __init__(self, server: Path, here: Path) -> None:
        self.faults: list[BaseException] = []
        self.cuts = 0
        self._server, self._here = server, here
        self._cut: Cut | None = None
        self._is_dark = False
        self._lines: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)

    def url(self, database: str) -> str:
        return f"mysql://root@localhost/{database}?unix_socket={self._here}"

    def cut_next(self, cut: Cut) -> None:
        self._cut = cut

    def mend(self) -> None:
        self._is_dark = False

    def go_dark(self) -> None:
        """End every connection, and let no other come about."""
        self._is_dark = True
        for line in list(self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        self._listener.bind(str(self._here))
        self._listener.listen(50)
        self._start(self._accept)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.go_dark()
        for thread in self._threads:
            thread.join()
        self._here.unlink()

    def _start(self, work: Callable[..., None], *with_what: socket.socket) -> None:
        thread = threading.Thread(target=work, args=with_what)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._connect, client)

    def _connect(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            try:
                if not self._is_dark:
                    server.connect(str(self._server))
                    self._lines |= {client, server}
                    self._carry(client, server)
            except OSError:
                pass  # one of the two has gone away, and now so does the other
            except BaseException as error:  # noqa: BLE001 - told to the test, which fails with it
                self.faults.append(error)
            finally:
                self._lines -= {client, server}

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        come, is_booking = b"", False
        while True:
            ready, _, _ = select.select([client, server], [], [])
            if server in ready:
                client.sendall(_received(server))
            if client not in ready:
                continue
            come += _received(client)
            while (packet := _first_packet(come)) is not None:
                come = come[len(packet) :]
                statement = packet[_HEADER + 1 :] if packet[_HEADER] == _QUERY else b""
                if statement == b"COMMIT" and is_booking and self._cut is not None:
                    self._make(self._cut, server, packet)
                    return
                server.sendall(packet)
                is_booking = (is_booking or b"INSERT INTO bookings" in statement) and statement != b"COMMIT"

    def _make(self, cut: Cut, server: socket.socket, commit: bytes) -> None:
        self._cut = None
        if cut.where != "before":
            server.sendall(commit)
        if cut.where == "after":
            _received(server)
        cut.strike()
        if cut.goes_dark:
            self.go_dark()
        self.cuts += 1


def _received(line: socket.socket) -> bytes:
    data = line.recv(65536)
    if not data:
        raise ConnectionResetError
    return data


def _first_packet(come: bytes) -> bytes | None:
    length = _HEADER + int.from_bytes(come[:3], "little")
    return come[:length] if len(come) >= max(length, _HEADER) else None


@contextmanager
def wire_to(server: Path) -> Iterator[Wire]:
    """Yield a wire to the server with that socket; its own socket lies beside it, as a path may not be long."""
    wire = Wire(server, server.with_name("w"))
    wire.open()
    try:
        yield wire
    finally:
        wire.close()
    assert wire.faults == []
