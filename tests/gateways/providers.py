"""A provider of text messages on this machine, and how it answers."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Request:
    """What came."""

    path: str
    headers: Message
    body: bytes


@dataclass
class Provider:
    """Answers every request with ``status``; with ``endless``, by a body that does not end until nobody reads it."""

    status: int = 202
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False
    requests: list[Request] = field(default_factory=list)
    sent_bytes: int = 0
    port: int = 0

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """Return what answers a connection."""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                provider.requests.append(Request(self.path, self.headers, body))
                self.send_response(provider.status)
                for name, value in provider.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(OSError):
                    self._speak_on()

            do_GET = do_POST  # noqa: N815 - what a client that follows a redirect would use

            def _speak_on(self) -> None:
                while provider.endless:
                    provider.sent_bytes += self.wfile.write(b"x" * 4096)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


@contextmanager
def running(provider: Provider, context: ssl.SSLContext | None = None) -> Iterator[Provider]:
    """Run the provider for the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), provider.handler())
    server.daemon_threads = False  # closing waits for every answer to end
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    provider.port = int(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
