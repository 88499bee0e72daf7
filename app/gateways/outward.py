"""Requests to servers that others have named: checked where they lead, sent to the address that was checked, over within a time.

A name is resolved once. What is connected to is the address that was looked at, so that a name that leads elsewhere a moment later
is no way in. Redirects are answers like any other, and are not followed.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import ip_address
from typing import Any

from app.domain.networks import Network, is_public, is_within
from app.domain.web_addresses import WebAddress, parse_web_address
from app.gateways.timed import Deadline, TimedSocket

HEAD_BYTES = 64 * 1024  # of status, headers and framing; more than that is no honest answer
_MOST_ADDRESSES = 4  # of a name that has many: one after the other, as long as there is time
_CHUNK_BYTES = 64 * 1024
_Place = tuple[int, Any]  # family of addresses, and what connect() takes for one


class Unreachable(Exception):
    """There was no answer, or it broke off; the text is a short reason, without the address."""


class AddressRefused(Unreachable):
    """The name leads into a network that nobody outside may be sent to."""


class AnswerTooLarge(Unreachable):
    """The answer is larger than was asked for."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One request; ``allowed`` are networks beside the internet, which may be reached without encryption, too."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    allowed: Collection[Network] = ()
    seconds: float = 5
    most_bytes: int = 0  # of the answer's body that may be read


class Answer:
    """What came back: status and headers at once, the body as it is asked for."""

    def __init__(self, response: HTTPResponse, most_bytes: int) -> None:
        self._response, self._most_bytes = response, most_bytes
        self.status = response.status

    def header(self, name: str) -> str:
        """Return a header; empty where there is none."""
        return self._response.getheader(name) or ""

    def chunks(self) -> Iterator[bytes]:
        """Yield the body in pieces.

        Raises:
            Unreachable: it broke off or took too long. AnswerTooLarge: it is larger than the errand allows.
        """
        count = 0
        while True:
            with _told():
                chunk = self._response.read(_CHUNK_BYTES)
            count += len(chunk)
            if count > self._most_bytes:
                raise AnswerTooLarge("the answer is too large")
            if not chunk:
                break
            yield chunk
        if self._response.length:  # what was announced and never came: read() with a size says nothing of it
            raise Unreachable("the answer broke off")


@contextmanager
def ask(errand: Errand) -> Iterator[Answer]:
    """Send a request and give its answer, which can be read for as long as the block lasts and there is time.

    To look a name up takes as long as the system's resolver does; the time counts from then on.

    Raises:
        Unreachable: there is no answer. AddressRefused: the server is not one of the internet, or of a network allowed.
    """
    address = _parsed(errand.url)
    places = _look_up(address, errand.allowed)
    deadline = Deadline(errand.seconds)
    with _told():
        open_socket = _connect(address, places, deadline)
    with closing(open_socket):
        most = HEAD_BYTES + 2 * errand.most_bytes  # chunks may be small, and each has a frame
        connection = _Pinned(address, TimedSocket(open_socket, deadline, most_bytes=most))
        with _told():
            connection.request(errand.method, address.target, errand.body, {**errand.headers, "Connection": "close"})
            response = connection.getresponse()
        yield Answer(response, errand.most_bytes)


class _Pinned(HTTPConnection):
    """A connection that is open already, and is never opened again: to whatever the name means by then."""

    auto_open = 0

    def __init__(self, address: WebAddress, timed: TimedSocket) -> None:
        super().__init__(address.host, address.port)
        self.default_port = address.usual_port  # which the Host header leaves out
        self.sock = timed  # as much of a socket as is used


def _parsed(url: str) -> WebAddress:
    try:
        return parse_web_address(url)
    except ValueError:
        raise AddressRefused("the address cannot be used") from None


def _look_up(address: WebAddress, allowed: Collection[Network]) -> list[_Place]:
    """Return family and address of each place that the name leads to and that may be reached."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable("the name cannot be resolved") from None
    places: list[_Place] = [
        (family, place) for family, _, _, _, place in found if _may_reach(address, str(place[0]), allowed)
    ]
    if not places:
        raise AddressRefused("the name leads to an address that is not one of the internet")
    return places[:_MOST_ADDRESSES]


def _may_reach(address: WebAddress, place: str, allowed: Collection[Network]) -> bool:
    try:
        found = ip_address(place)
    except ValueError:
        return False
    return is_within(found, allowed) or (address.is_secure and is_public(found))


def _connect(address: WebAddress, places: Sequence[_Place], deadline: Deadline) -> socket.socket:
    """Return a connection to the first place that takes one, encrypted where the address says so."""
    failure: OSError = OSError("no address")
    for number, (family, place) in enumerate(places):
        fresh = socket.socket(family, socket.SOCK_STREAM)
        try:
            fresh.settimeout(deadline.left() / (len(places) - number))  # the others want some of the time, too
            fresh.connect(place)
        except OSError as error:
            fresh.close()
            failure = error
            continue
        return _encrypt(fresh, address.host, deadline) if address.is_secure else fresh
    raise failure


def _encrypt(plain: socket.socket, host: str, deadline: Deadline) -> socket.socket:
    """Return the connection encrypted, with a certificate of the name that was asked for."""
    encrypted = plain
    try:
        plain.settimeout(0)
        context = ssl.create_default_context()
        encrypted = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        deadline.until(encrypted, encrypted.do_handshake)
    except BaseException:
        encrypted.close()
        raise
    return encrypted


@contextmanager
def _told() -> Iterator[None]:
    """Turn what goes wrong with a connection into a reason in a few words."""
    try:
        yield
    except (OSError, HTTPException, UnicodeError, ValueError) as error:
        raise Unreachable(_reason(error)) from None


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message}"[:200]
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, ssl.SSLError):
        return f"the encryption failed: {error.reason}"
    if isinstance(error, OSError):
        return f"the connection failed: {error.strerror or error}"[:200]
    return f"the answer cannot be read: {type(error).__name__}"
