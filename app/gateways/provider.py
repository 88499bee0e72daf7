"""A provider of text messages: one POST a message, as its settings describe it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from app.gateways.errors import DeliveryFailed
from app.gateways.timed import Deadline, TimedSocket
from app.runtime.sms_checks import fill, is_json

TIMEOUT_SECONDS = 5  # to connect
ANSWER_SECONDS = 15  # for all of it; a claim holds eight times as long
HEAD_BYTES = 64 * 1024  # of the answer; more than that is none
_WORTH_ANOTHER_TRY = {408, 425, 429}  # too slow, too early, too many: RFC 9110, 8470, 6585


@dataclass(frozen=True, slots=True)
class Provider:
    """Where and how a message is posted; address, headers and template may hold secrets, so nothing prints them."""

    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    template: str = field(repr=False)

    def post(self, *, to: str, text: str) -> None:
        """Return once the provider has taken the message; redirects are not followed: they would carry the secrets along.

        Raises:
            DeliveryFailed: it was not taken, or the connection was lost before that was said.
        """
        sent = False
        try:
            with _connected(self.url) as connection:
                sent = True
                body = fill(self.template, to=to, text=text).encode()
                connection.request("POST", _target(self.url), body, self._headers())
                status = connection.getresponse().status  # says all; the body is left unread, however long it is
        except (HTTPException, OSError, UnicodeError) as error:  # the last: a host name that DNS cannot have
            reason = (isinstance(error, ssl.SSLError) and error.reason) or type(error).__name__
            said = f"the connection to the provider failed: {reason}"
            raise DeliveryFailed(said, permanent=False, maybe_taken=sent) from None
        _check(status)

    def _headers(self) -> dict[str, str]:
        kind = "application/json" if is_json(self.template) else "application/x-www-form-urlencoded"
        return {"Content-Type": kind, "Connection": "close", **self.headers}


@contextmanager
def _connected(url: str) -> Iterator[HTTPConnection]:
    """Give a connection whose answer must come within a time, however slowly it does."""
    deadline, connection = Deadline(ANSWER_SECONDS), _made(url)
    try:
        connection.connect()
        with closing(connection.sock) as open_socket:
            connection.sock = TimedSocket(open_socket, deadline, most_bytes=HEAD_BYTES)
            yield connection
    finally:
        connection.close()


def _made(url: str) -> HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return HTTPSConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS, context=context)
    return HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _check(status: int) -> None:
    if 200 <= status < 300:  # noqa: PLR2004 - success, RFC 9110
        return
    permanent = 300 <= status < 500 and status not in _WORTH_ANOTHER_TRY  # noqa: PLR2004 - moved, or our mistake
    raise DeliveryFailed(f"the provider answered {status}", permanent=permanent)
