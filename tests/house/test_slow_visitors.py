"""What gunicorn_config.py does about visitors who send slowly: how long is waited, for what, and what ends it."""

from __future__ import annotations

import errno
import runpy
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn import util
from gunicorn.config import Config
from gunicorn.http import parser

ROOT = Path(__file__).resolve().parents[2]
HEAD = b"POST /api/v1/holds HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Line:
    """A socket at the other end of which *size* bytes come every *seconds*; it has the worker's own time limit, if any."""

    def __init__(self, clock: Clock, size: int, seconds: float, limit: float | None = None) -> None:
        self.clock, self.size, self.seconds, self.limit = clock, size, seconds, limit

    def gettimeout(self) -> float | None:
        return self.limit

    def settimeout(self, seconds: float | None) -> None:
        self.limit = seconds

    def recv(self, most: int) -> bytes:
        wait = self.seconds if self.limit is None else min(self.seconds, self.limit)
        self.clock.now += wait
        if wait < self.seconds:
            raise TimeoutError
        return b"x" * min(self.size, most)


@pytest.fixture
def values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What gunicorn reads; with SQLite, so that nothing is patched here."""
    monkeypatch.setenv("INSTANCE_DIR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return runpy.run_path(str(ROOT / "gunicorn_config.py"))


@pytest.fixture
def clock(values: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setitem(values["PatientUnreader"].chunk.__globals__, "time", clock)
    return clock


def received(unreader: Any, most: int = 10**9) -> int:
    """Return how many bytes came before the visitor was given up, or *most* were there."""
    total = 0
    while total < most:
        try:
            total += len(unreader.chunk(1024 * 1024))
        except ConnectionResetError:
            break
    return total


def body_over(values: dict[str, Any], line: Line) -> Any:
    unreader = values["PatientUnreader"](line)
    values["pre_request"](None, request(unreader))
    return unreader


def request(unreader: Any) -> Any:
    return SimpleNamespace(method="GET", unreader=unreader, body=SimpleNamespace(reader=None))


def test_a_body_of_a_byte_a_second_is_given_up_after_30_seconds(values: dict[str, Any], clock: Clock) -> None:
    assert received(body_over(values, Line(clock, 1, 1))) in {29, 30}
    assert clock.now == 1030


def test_a_visitor_who_sends_nothing_at_all_is_given_up_then_as_well(values: dict[str, Any], clock: Clock) -> None:
    assert received(body_over(values, Line(clock, 1, 10**6))) == 0
    assert clock.now == 1030


@pytest.mark.parametrize(("rate", "taken"), [(17 * 1024, 1), (15 * 1024, 0)])
def test_a_mebibyte_is_taken_at_the_rate_and_not_below(
    values: dict[str, Any], clock: Clock, rate: int, taken: int
) -> None:
    size = 1024 * 1024
    assert received(body_over(values, Line(clock, rate, 1)), size) // size == taken


def test_a_large_upload_from_a_poor_line_is_taken_whole(values: dict[str, Any], clock: Clock) -> None:
    size = 200 * 1024 * 1024
    assert received(body_over(values, Line(clock, 32 * 1024, 1)), size) == size
    assert clock.now > 1000 + 6000


def test_a_body_that_stops_after_a_good_start_has_what_it_earned(values: dict[str, Any], clock: Clock) -> None:
    line = Line(clock, 64 * 1024, 1)
    unreader = body_over(values, line)
    assert sum(len(unreader.chunk(640 * 1024)) for _ in range(10)) == 640 * 1024
    line.seconds = 10**6
    assert received(unreader) == 0
    assert clock.now == 1040


def test_the_time_we_take_between_two_reads_is_not_the_visitors(values: dict[str, Any], clock: Clock) -> None:
    unreader = body_over(values, Line(clock, 1, 1))
    for _ in range(20):
        unreader.chunk()
        clock.now += 100
    assert received(unreader) in {9, 10}


def test_a_head_has_10_seconds_from_its_first_byte_and_an_idle_connection_as_long_as_the_server_likes(
    values: dict[str, Any], clock: Clock
) -> None:
    line = Line(clock, 1, 3600)
    unreader = values["PatientUnreader"](line)
    assert unreader.chunk() == b"x"
    line.seconds = 1
    assert received(unreader) in {9, 10}
    assert clock.now == 1000 + 3600 + 10


def test_the_head_after_a_body_starts_afresh(values: dict[str, Any], clock: Clock) -> None:
    line = Line(clock, 1, 25)
    unreader = body_over(values, line)
    unreader.chunk()
    values["post_request"](None, request(unreader), {}, None)
    line.seconds = 9
    assert unreader.chunk() == unreader.chunk() == b"x"


@pytest.mark.parametrize("limit", [None, 100.0])
def test_the_socket_is_left_as_it_was(values: dict[str, Any], clock: Clock, limit: float | None) -> None:
    line = Line(clock, 1, 1, limit)
    unreader = body_over(values, line)
    unreader.chunk()
    assert line.gettimeout() == limit
    received(unreader)
    assert line.gettimeout() == limit


def test_a_shorter_limit_of_the_worker_stays_the_workers(values: dict[str, Any], clock: Clock) -> None:
    unreader = body_over(values, Line(clock, 1, 10, limit=5.0))
    with pytest.raises(TimeoutError):
        unreader.chunk()


def test_a_reader_that_is_not_ours_is_left_alone(values: dict[str, Any]) -> None:
    values["pre_request"](None, request(object()))
    values["post_request"](None, request(object()), {}, None)


@pytest.fixture
def pair(values: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection, in a process that a worker's start has prepared."""
    monkeypatch.setattr(parser, "SocketUnreader", parser.SocketUnreader)  # put back afterwards
    monkeypatch.setattr(util, "close_graceful", util.close_graceful)
    values["post_worker_init"](None)
    visitor, server = socket.socketpair()
    with visitor, server:
        yield visitor, server


def test_gunicorn_reads_with_our_reader_and_never_reuses_a_connection_it_gave_up(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, pair: tuple[socket.socket, socket.socket]
) -> None:
    monkeypatch.setitem(values["pre_request"].__globals__, "BODY_SECONDS", 0.05)
    visitor, server = pair
    requests = parser.RequestParser(Config(), server, ("127.0.0.1", 1))
    assert isinstance(requests.unreader, values["PatientUnreader"])
    visitor.sendall(HEAD + b"12345")
    first = next(requests)
    values["pre_request"](None, first)
    with pytest.raises(ConnectionResetError) as caught:
        first.body.read(10)
    assert caught.value.errno == errno.ECONNRESET  # what gunicorn closes on without an error in its log
    visitor.sendall(b"67890GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    values["post_request"](None, first, {}, None)
    with pytest.raises(StopIteration):
        next(requests)


@pytest.mark.parametrize("coding", [b"Content-Length: 12\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_the_answer_to_a_body_that_nobody_wanted_arrives(
    values: dict[str, Any], pair: tuple[socket.socket, socket.socket], coding: bytes
) -> None:
    visitor, server = pair
    visitor.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n" + coding + b"\r\n")
    one = next(parser.RequestParser(Config(), server, ("127.0.0.1", 1)))
    values["pre_request"](None, one)
    visitor.sendall(b"c\r\n1234567890")
    visitor.shutdown(socket.SHUT_WR)  # or the test would take as long as a worker lingers
    server.sendall(b"HTTP/1.1 413 Content Too Large\r\n\r\n")
    values["post_request"](None, one, {}, SimpleNamespace(headers_sent=True))
    server.close()
    assert visitor.recv(100).startswith(b"HTTP/1.1 413 ")
    assert visitor.recv(100) == b""  # where it was only closed, the system says here that the connection was reset


def test_a_connection_that_may_bring_another_request_is_left_open(
    values: dict[str, Any], pair: tuple[socket.socket, socket.socket]
) -> None:
    visitor, server = pair
    visitor.sendall(HEAD.replace(b"POST", b"GET") + b"1234567890")
    one = next(parser.RequestParser(Config(), server, ("127.0.0.1", 1)))
    values["pre_request"](None, one)
    values["post_request"](None, one, {}, SimpleNamespace(headers_sent=True))
    server.sendall(b"still open")
    assert visitor.recv(100) == b"still open"


def test_requests_on_one_connection_are_read_one_after_the_other(
    values: dict[str, Any], pair: tuple[socket.socket, socket.socket]
) -> None:
    visitor, server = pair
    requests = parser.RequestParser(Config(), server, ("127.0.0.1", 1))
    for body in (b"1234567890", b"abcdefghij"):
        visitor.sendall(HEAD.replace(b"POST", b"GET") + body)
        one = next(requests)
        values["pre_request"](None, one)
        assert one.body.read() == body
        values["post_request"](None, one, {}, None)
    assert server.gettimeout() is None


@pytest.mark.parametrize(("method", "is_last"), [(b"GET", 0), (b"HEAD", 0), (b"POST", 1), (b"DELETE", 1)])
def test_nobody_waits_on_a_connection_for_the_messages_that_a_change_owes(
    values: dict[str, Any], pair: tuple[socket.socket, socket.socket], method: bytes, is_last: int
) -> None:
    visitor, server = pair
    visitor.sendall(HEAD.replace(b"POST", method) + b"1234567890")
    one = next(parser.RequestParser(Config(), server, ("127.0.0.1", 1)))
    values["pre_request"](None, one)
    assert one.should_close() == is_last


def test_a_connection_that_carried_chunks_carries_nothing_else(
    values: dict[str, Any], pair: tuple[socket.socket, socket.socket]
) -> None:
    visitor, server = pair
    requests = parser.RequestParser(Config(), server, ("127.0.0.1", 1))
    visitor.sendall(HEAD.replace(b"Content-Length: 10", b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + HEAD)
    one = next(requests)
    assert not one.should_close()
    values["pre_request"](None, one)
    assert one.should_close()


def test_an_idle_connection_is_closed_before_a_slow_head_would_be(values: dict[str, Any]) -> None:
    assert values["keepalive"] <= values["HEAD_SECONDS"] <= values["BODY_SECONDS"] <= 30
    assert values["graceful_timeout"] >= values["BODY_SECONDS"]
