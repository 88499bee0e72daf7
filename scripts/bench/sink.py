"""A mail server that takes everything and keeps none of it: what a mail costs whoever sends it, without what one costs a server."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ANSWERS = {"EHLO": "250-sink\r\n250 8BITMIME", "DATA": "354 go on", "QUIT": "221 bye"}


class Sink(socketserver.ThreadingTCPServer):
    """Counts the letters in ``taken``."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.taken = 0
        super().__init__(("127.0.0.1", 0), _Line)

    @property
    def url(self) -> str:
        """Return the MAIL_URL that ends here."""
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Line(socketserver.StreamRequestHandler):
    """One connection."""

    server: Sink

    def handle(self) -> None:
        self._say("220 sink")
        for line in self.rfile:
            verb = line[:4].decode("ascii", "replace").upper().rstrip()
            self._say(_ANSWERS.get(verb, "250 ok"))
            if verb == "QUIT":
                return
            if verb == "DATA":
                self._take()

    def _take(self) -> None:
        for line in self.rfile:
            if line == b".\r\n":
                break
        self.server.taken += 1
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode("ascii"))


@contextmanager
def sink() -> Iterator[Sink]:
    """Yield a sink that listens on a free port of this machine."""
    with Sink() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
