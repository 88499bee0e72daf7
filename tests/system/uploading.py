"""Large files for a real server, the memory and the writes they cost it, and a line that breaks off where it is told to."""

from __future__ import annotations

import json
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

from sqlalchemy import Engine

from tests.system.halls import Hall, booking
from tests.system.racing import PATIENCE_SECONDS, Answer

MIB = 1024 * 1024
HEAD = b"%PDF-1.7\n"  # the type of all that is sent here
_BLOCK = bytes(range(256)) * 4096
TUS = {"Tus-Resumable": "1.0.0"}


def content(length: int, start: int = 0) -> Iterator[bytes]:
    """Yield a PDF, as far as its head goes, or the rest of one: nothing in it repeats within a mebibyte."""
    if start == 0:
        yield HEAD[:length]
        start = len(HEAD)
    while start < length:
        chunk = _BLOCK[start % MIB : start % MIB + length - start]
        yield chunk
        start += len(chunk)


def whole(length: int) -> bytes:
    return b"".join(content(length))


class Booked:
    """A booking, and whoever has its manage link."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        made = hall.post(booking(hall.service([hall.room()]), hall.day() + timedelta(hours=10)))
        assert made.status == 201, made
        self.ref = str(made.document["ref"])
        self.token = str(made.document["manage_url"]).partition("?token=")[2]

    @property
    def path(self) -> str:
        return f"/api/v1/bookings/{self.ref}/attachments"

    def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: Iterator[bytes] | bytes = b""
    ) -> Answer:
        """Return the answer to a request with the manage token."""
        sent = {"X-Manage-Token": self.token, **(headers or {})}
        with closing(HTTPConnection("127.0.0.1", self.hall.server.port, timeout=PATIENCE_SECONDS * 10)) as connection:
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            data = answer.read()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return Answer(answer.status, json.loads(data) if is_json and data else {}, dict(answer.getheaders()))

    def send(self, length: int) -> Answer:
        """Return the answer to a file that is the body itself."""
        headers = {"Content-Type": "application/pdf", "Content-Length": str(length)}
        return self.ask("POST", self.path, headers=headers, body=content(length))

    def send_form(self, length: int) -> Answer:
        """Return the answer to what a browser sends."""
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="plan.pdf"\r\n\r\n'
        tail = b"\r\n--x--\r\n"

        def body() -> Iterator[bytes]:
            yield head
            yield from content(length)
            yield tail

        sent = {"Content-Length": str(len(head) + length + len(tail))}
        return self.ask(
            "POST", self.path, headers={**sent, "Content-Type": "multipart/form-data; boundary=x"}, body=body()
        )

    def begin(self, length: int) -> str:
        """Begin a resumable upload, and return its path."""
        told = {**TUS, "Upload-Length": str(length), "Upload-Metadata": f"booking_ref {encoded(self.ref)}"}
        made = self.ask("POST", "/api/v1/uploads", headers=told)
        assert made.status == 201, made
        return f"/api/v1/uploads/{made.document['upload_id']}"

    def offset(self, path: str) -> Answer:
        return self.ask("HEAD", path, headers=TUS)

    def go_on(self, path: str, offset: int, body: bytes | Iterator[bytes], **headers: str) -> Answer:
        kind = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        return self.ask("PATCH", path, headers={**TUS, **kind, **headers}, body=body)

    def open_line(self, method: str, path: str, length: int, headers: Mapping[str, str]) -> socket.socket:
        """Return a connection on which the head of a request has been sent, and nothing of its body."""
        line = socket.create_connection(("127.0.0.1", self.hall.server.port), PATIENCE_SECONDS)
        told = {"Host": "127.0.0.1", "X-Manage-Token": self.token, "Content-Length": str(length), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        line.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())
        return line


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def kept(folder: Path) -> list[Path]:
    """Return all files below the folder of uploads."""
    return [path for path in folder.rglob("*") if path.is_file()]


def rows(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar_one())  # noqa: S608 - our own names


class Worker:
    """What a process of the server costs."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def forget_peak(self) -> None:
        (self._folder / "clear_refs").write_text("5")  # proc(5): the peak begins anew at what is resident now

    def resident(self, name: str = "VmRSS") -> int:
        """Return bytes that are in memory now, or were at the peak (VmHWM)."""
        status = (self._folder / "status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024

    def written(self) -> int:
        """Return the bytes of every write so far, be it to a file or to a log."""
        line = next(line for line in (self._folder / "io").read_text().splitlines() if line.startswith("wchar:"))
        return int(line.split()[1])


class Line:
    """A door through which visitors reach a server; it breaks their connections off after so many bytes, again and again.

    ``after`` holds the numbers to come, each counted from the last break on, over all connections.
    """

    def __init__(self, port: int, after: Sequence[int]) -> None:
        self.after = list(after)
        self._house, self._carried, self._lock = port, 0, threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.settimeout(0.2)
        self._is_over = threading.Event()
        self._keeper = threading.Thread(target=self._keep)
        self.port = int(self._door.getsockname()[1])

    def __enter__(self) -> Line:  # noqa: PYI034 - Self is of Python 3.11
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._keeper.join()
        self._door.close()

    def _keep(self) -> None:
        carriers: list[threading.Thread] = []
        while not self._is_over.is_set():
            with suppress(TimeoutError):
                visitor, _ = self._door.accept()
                visitor.settimeout(PATIENCE_SECONDS)
                carriers.append(threading.Thread(target=self._serve, args=(visitor,)))
                carriers[-1].start()
        for carrier in carriers:
            carrier.join()

    def _serve(self, visitor: socket.socket) -> None:
        with visitor, socket.create_connection(("127.0.0.1", self._house), PATIENCE_SECONDS) as house:
            back = threading.Thread(target=self._carry, args=(house, visitor), kwargs={"counts": False})
            back.start()
            self._carry(visitor, house, counts=True)
            back.join()

    def _carry(self, source: socket.socket, target: socket.socket, *, counts: bool) -> None:
        with suppress(OSError):
            while data := source.recv(16 * 1024):
                target.sendall(data)
                if counts and self._breaks(len(data)):
                    break
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _breaks(self, carried: int) -> bool:
        with self._lock:
            self._carried += carried
            is_due = bool(self.after) and self._carried >= self.after[0]
            if is_due:
                self.after.pop(0)
                self._carried = 0
            return is_due
