"""What a client library would never send, at a real server of each kind: one refusal, no second request, no row changed."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.system import servers
from tests.system.halls import Hall, booking, hall
from tests.system.places import KINDS, database_of
from tests.system.racing import PATIENCE_SECONDS
from tests.web.untouched import contents

HOST = b"Host: 127.0.0.1\r\n"
CLOSE = b"Connection: close\r\n"
JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
LIST = b"/api/v1/venues"
TROUBLE = ("Traceback", "unexpected_error", "[ERROR]", "[CRITICAL]", "WORKER TIMEOUT", "SIGKILL", "SIGSEGV", "smuggled")
STATUS_LINE = re.compile(rb"HTTP/1\.[01] [0-9]{3} ")
FAULT = 500
UNKNOWN_CODING = (
    501  # RFC 9112, 6.1: a transfer coding that the server does not know; the one 5xx that is the visitor's fault
)


def _get(path: bytes, *more: bytes, method: bytes = b"GET", head: bytes = HOST + CLOSE) -> bytes:
    return method + b" " + path + b" HTTP/1.1\r\n" + head + b"".join(more) + b"\r\n"


def _post(body: bytes, *framing: bytes, path: bytes = b"/api/v1/holds") -> bytes:
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + JSON + b"".join(framing) + b"\r\n" + body


HOSTS = {
    "no host": (_get(LIST, head=CLOSE), 400),
    "no host in the old protocol": (b"GET " + LIST + b" HTTP/1.0\r\n\r\n", 400),
    "an empty host": (_get(LIST, head=b"Host:\r\n" + CLOSE), 400),
    "two hosts": (_get(LIST, b"Host: evil.example\r\n"), 400),
    "the same host twice": (_get(LIST, HOST), 400),
    "two hosts in one header": (_get(LIST, head=b"Host: 127.0.0.1, evil.example\r\n" + CLOSE), 400),
    "another host": (_get(LIST, head=b"Host: evil.example\r\n" + CLOSE), 400),
    "a dot behind the host": (_get(LIST, head=b"Host: 127.0.0.1.\r\n" + CLOSE), 400),
    "a user before the host": (_get(LIST, head=b"Host: evil@127.0.0.1\r\n" + CLOSE), 400),
    "a host behind a port": (_get(LIST, head=b"Host: 127.0.0.1:80@evil.example\r\n" + CLOSE), 400),
    "a port that is none": (_get(LIST, head=b"Host: 127.0.0.1:8x\r\n" + CLOSE), 400),
    "bytes for a host": (_get(LIST, head=b"Host: \xff\xfe\r\n" + CLOSE), 400),
    "another host in the request line": (_get(b"http://evil.example" + LIST), 400),
    "a user in the request line": (_get(b"http://127.0.0.1:80@evil.example" + LIST), 400),
    "half an address in the request line": (_get(b"http://[::1" + LIST), 400),
    "our own host in the request line": (_get(b"http://127.0.0.1" + LIST), 200),
    "a path that looks like a host": (_get(b"//evil.example" + LIST), 404),
}
LINES = {
    "a tunnel": (_get(b"evil.example:443", method=b"CONNECT"), 404),
    "a tunnel to a path": (_get(LIST, method=b"CONNECT"), 405),
    "an echo": (_get(LIST, method=b"TRACE"), 405),
    "a method of WebDAV": (_get(LIST, method=b"PROPFIND"), 405),
    "a method in small letters": (_get(LIST, method=b"get"), 400),
    "a NUL in a method": (_get(LIST, method=b"G\x00T"), 400),
    "an endless method": (_get(LIST, method=b"A" * 200), 400),
    "no method at all": (b" " + LIST + b" HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "two spaces": (_get(b" " + LIST), 400),
    "no path": (_get(b""), 400),
    "a path without a slash": (_get(b"api/v1/venues"), 400),
    "an asterisk": (_get(b"*", method=b"OPTIONS"), 404),
    "no protocol": (b"GET " + LIST + b"\r\n\r\n", 400),
    "a protocol of tomorrow": (b"GET " + LIST + b" HTTP/9.9\r\n" + HOST + b"\r\n", 400),
    "HTTP/2 unasked": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "lines that end in LF": (b"GET " + LIST + b" HTTP/1.1\n" + HOST + b"\n", 400),
    "a NUL in the path": (_get(LIST + b"/\x00"), 400),
    "bytes in the path": (_get(LIST + b"/\xff"), 400),
    "UTF-8 in the path": (_get(LIST + "/é".encode()), 400),
    "a quoted NUL": (_get(LIST + b"/%00"), 404),
    "a quoted line break": (_get(LIST + b"/1%0d%0aX:%20y"), 404),
    "a quoted path upwards": (_get(b"/api/v1/%2e%2e/v1/venues"), 404),
    "a path upwards": (_get(b"/api/v1/../v1/venues"), 404),
    "a path quoted twice": (_get(b"/%2561pi/v1/venues"), 404),
    "an overlong slash": (_get(b"/api/v1%c0%afvenues"), 404),
    "backslashes": (_get(b"\\api\\v1\\venues"), 400),
    "a backslash": (_get(b"/api\\v1/venues"), 404),
    "a semicolon": (_get(LIST + b";x=1"), 404),
    "quotes that are none": (_get(LIST + b"/%zz%"), 404),
    "bytes in the query": (_get(LIST + b"?limit=\xff"), 400),
    "an endless request line": (_get(b"/" + b"a" * 8000), 414),
    "an endless query": (_get(LIST + b"?q=" + b"a" * 3900), 422),
}
HEADERS = {
    "a hundred headers": (_get(LIST, *(b"X-%d: y\r\n" % n for n in range(100))), 431),
    "one header fifty times": (_get(LIST, b"X: y\r\n" * 50), 200),
    "a header of 9 KB": (_get(LIST, b"X: " + b"y" * 9000 + b"\r\n"), 431),
    "a cookie of 8 KB": (_get(LIST, b"Cookie: slotkeeper=" + b"x" * 8000 + b"\r\n"), 200),
    "cookies in quotes, bytes and pieces": (
        _get(LIST, b'Cookie: a="\\377\\"; \xff=\xfe; =; ;;\r\nCookie: a=%00\r\n'),
        200,
    ),
    "a header over two lines": (_get(LIST, b"X: y\r\n z\r\n"), 400),
    "a header without a colon": (_get(LIST, b"X\r\n"), 400),
    "a header without a name": (_get(LIST, b": y\r\n"), 400),
    "a space before the colon": (_get(LIST, b"Content-Length : 5\r\n"), 400),
    "a NUL in a header": (_get(LIST, b"X: a\x00b\r\n"), 400),
    "a lone CR in a header": (_get(LIST, b"X: a\rHost: evil.example\r\n"), 400),
    "bytes in headers": (_get(LIST, b"X: \xff\r\nUser-Agent: \xff\r\nOrigin: \xff\r\nIf-None-Match: \xff\r\n"), 200),
    "a path in a header": (_get(b"/evil" + LIST, b"SCRIPT_NAME: /evil\r\n"), 404),
    "a path in a header that is not there": (_get(LIST, b"SCRIPT_NAME: /evil\r\nPATH_INFO: /healthz\r\n"), 200),
    "headers that a gateway would take for others": (
        _get(LIST, b"Content_Length: 5\r\nX_Forwarded_For: 6.6.6.6\r\n"),
        200,
    ),
    "schemes that contradict": (_get(LIST, b"X-Forwarded-Proto: https\r\nX-Forwarded-SSL: off\r\n"), 400),
    "an expectation nobody knows": (_get(LIST, b"Expect: the-unexpected\r\n"), 417),
    "an upgrade": (_get(LIST, b"Upgrade: h2c\r\nHTTP2-Settings: AAA\r\n"), 200),
    "two kinds of body": (_post(b"{}", JSON, b"Content-Length: 2\r\n"), 400),
}
BODIES = {
    "a length below nothing": (_post(b"{}", b"Content-Length: -2\r\n"), 400),
    "a length with a sign": (_post(b"{}", b"Content-Length: +2\r\n"), 400),
    "a length in letters": (_post(b"{}", b"Content-Length: 0x2\r\n"), 400),
    "a length in raised figures": (_post(b"{}", b"Content-Length: \xb2\r\n"), 400),
    "a list of lengths": (_post(b"{}", b"Content-Length: 2, 2\r\n"), 400),
    "two lengths": (_post(b"{}", b"Content-Length: 2\r\nContent-Length: 3\r\n"), 400),
    "a length past every number": (_post(b"{}", CLOSE, b"Content-Length: " + b"9" * 30 + b"\r\n"), 413),
    "a length of 5,000 figures": (_post(b"{}", b"Content-Length: " + b"9" * 5000 + b"\r\n"), 400),
    "no length, and a request behind": (_post(SMUGGLED, CLOSE), 400),
    "a length and chunks": (_post(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: 5\r\n", CHUNKED), 400),
    "chunks and a length": (_post(b"0\r\n\r\n" + SMUGGLED, CHUNKED, b"Content-Length: 99\r\n"), 400),
    "chunks of chunks": (_post(b"0\r\n\r\n" + SMUGGLED, CHUNKED, CHUNKED), 400),
    "chunks in the old protocol": (_post(b"0\r\n\r\n", CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
    "a coding that is none": (_post(b"0\r\n\r\n" + SMUGGLED, b"Transfer-Encoding: identity\r\n"), 400),
    "a coding nobody knows": (_post(b"0\r\n\r\n" + SMUGGLED, b"Transfer-Encoding: xchunked\r\n"), UNKNOWN_CODING),
    "a coding behind a tab": (_post(b"0\r\n\r\n" + SMUGGLED, b"Transfer-Encoding:\x0bchunked\r\n"), 400),
    "a packed body": (_post(b"2\r\n\x1f\x8b\r\n0\r\n\r\n", b"Transfer-Encoding: gzip, chunked\r\n"), 400),
    "a chunk without a size": (_post(b"\r\n{}\r\n0\r\n\r\n" + SMUGGLED, CHUNKED), 400),
    "a size in no figures": (_post(b"zz\r\n{}\r\n0\r\n\r\n" + SMUGGLED, CHUNKED), 400),
    "a size below nothing": (_post(b"-2\r\n{}\r\n0\r\n\r\n" + SMUGGLED, CHUNKED), 400),
    "a size with a prefix": (_post(b"0x2\r\n{}\r\n0\r\n\r\n" + SMUGGLED, CHUNKED), 400),
    "a chunk that is longer than it says": (_post(b"2\r\n{}{}\r\n0\r\n\r\n" + SMUGGLED, CHUNKED), 400),
    "a chunk without an end": (_post(b"2\r\n{}0\r\n\r\n" + SMUGGLED, CHUNKED), 400),
    "an endless remark behind a size": (_post(b"2;" + b"a" * 20_000, CHUNKED), 400),
    "a line break in a remark": (_post(b"2;a\rb\r\n{}\r\n0\r\n\r\n" + SMUGGLED, CHUNKED), 400),
    "a host behind the body": (_post(b"2\r\n{}\r\n0\r\nHost: evil.example\r\n\r\n" + SMUGGLED, CHUNKED), 400),
    "chunks behind a read": (_get(LIST, CHUNKED) + b"zz\r\n" + SMUGGLED, 200),
    "chunks for nobody": (_post(b"zz\r\n" + SMUGGLED, CHUNKED, path=b"/nowhere"), 404),
}


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A server with one worker, on a database of each kind, in which something can be booked."""
    url = database_of(request, tmp_path_factory)
    with hall(url, tmp_path_factory.mktemp("hostile"), 1) as found:
        found.service([found.room()])
        before = contents(found.engine)
        yield found
        assert contents(found.engine) == before
        assert servers.is_healthy(found.server.url)
        log = found.server.output()
        assert [word for word in TROUBLE if word in log] == [], log[-3000:]


def _answers(place: Hall, data: bytes, *, ends: bool = False) -> list[bytes]:
    """Return every answer on one connection, until the server closes; *ends* tells it that no more will come."""
    said = b""
    with socket.create_connection(("127.0.0.1", place.server.port), PATIENCE_SECONDS) as visitor:
        try:
            visitor.sendall(data)
            if ends:
                visitor.shutdown(socket.SHUT_WR)
            while more := visitor.recv(65536):
                said += more
        except ConnectionError:
            pass  # it closed before it had read all; what it said before counts
    starts = [found.start() for found in STATUS_LINE.finditer(said)]
    return [said[start:end] for start, end in pairwise([*starts, len(said)])]


def _is_answered_once(place: Hall, data: bytes, status: int) -> bool:
    answers = _answers(place, data)
    assert len(answers) == 1, answers
    assert int(answers[0].split()[1]) == status, answers
    assert status < FAULT or status == UNKNOWN_CODING
    assert b"Traceback" not in answers[0]
    return True


@pytest.mark.parametrize("what", HOSTS)
def test_a_host_that_is_not_ours_or_not_one_is_refused(place: Hall, what: str) -> None:
    assert _is_answered_once(place, *HOSTS[what])


@pytest.mark.parametrize("what", LINES)
def test_a_request_line_that_is_bent_leads_nowhere(place: Hall, what: str) -> None:
    assert _is_answered_once(place, *LINES[what])


@pytest.mark.parametrize("what", HEADERS)
def test_headers_are_counted_and_measured_and_say_nothing_of_the_path(place: Hall, what: str) -> None:
    assert _is_answered_once(place, *HEADERS[what])


@pytest.mark.parametrize("what", BODIES)
def test_a_body_whose_end_is_in_doubt_is_refused_and_nothing_behind_it_is_heard(place: Hall, what: str) -> None:
    assert _is_answered_once(place, *BODIES[what])


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_that_breaks_off_is_refused_whatever_it_says_so_far(place: Hall, framing: str) -> None:
    before = contents(place.engine)
    shot = booking(1, place.day() + timedelta(hours=10))
    _, _, body = shot.encode("127.0.0.1").partition(b"\r\n\r\n")
    size = b"Content-Length: %d\r\n" % (len(body) + 1)
    data = {
        "length": _post(body, size, path=b"/api/v1/bookings"),
        "chunks": _post(b"%x\r\n%b\r\n" % (len(body), body), CHUNKED, path=b"/api/v1/bookings"),
    }
    answers = _answers(place, data[framing], ends=True)
    assert [answer.split()[1] for answer in answers] == [b"400"]
    assert b"application/problem+json" in answers[0]
    assert contents(place.engine) == before
