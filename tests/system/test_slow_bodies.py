"""Visitors who send slowly, or nothing, at a real server of each kind, whose 30 seconds are made one."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from tests.system import servers
from tests.system.halls import Hall, booking, hall
from tests.system.places import KINDS, database_of
from tests.system.racing import PATIENCE_SECONDS
from tests.web.untouched import contents

# The server's own settings, with less patience. Nobody is idle for too long here, so that keep-alive bounds nothing.
IMPATIENT = """
__file__ = {ours!r}
exec(compile(open(__file__).read(), __file__, "exec"))
HEAD_SECONDS = BODY_SECONDS = {seconds}
keepalive = 60
"""
SECONDS = 1.0
MANY = 5  # of each kind: more than a worker has threads
PAUSE_SECONDS = 0.1


@pytest.fixture(scope="module", params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of each kind."""
    return database_of(request, tmp_path_factory)


@pytest.fixture(scope="module")
def place(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A server with one worker that has patience for a second."""
    with _hall(url, tmp_path_factory.mktemp("place"), SECONDS) as found:
        yield found
        found.nobody_died()


@pytest.fixture(scope="module")
def patient(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A server with one worker that has patience for a minute: what is cut elsewhere is cut by the limit."""
    with _hall(url, tmp_path_factory.mktemp("patient"), 60) as found:
        yield found
        found.nobody_died()


def _hall(url: str, folder: Path, seconds: float) -> AbstractContextManager[Hall]:
    path = folder / "impatient.py"
    path.write_text(IMPATIENT.format(ours=str(servers.ROOT / "gunicorn_config.py"), seconds=seconds))
    return hall(url, folder, 1, ["-c", str(path)])


def _visit(found: Hall) -> socket.socket:
    return socket.create_connection(("127.0.0.1", found.server.port), PATIENCE_SECONDS)


def _request(found: Hall, length: int = 0, line: bytes = b"") -> tuple[bytes, bytes]:
    """Return the head and the body of a booking that would be taken; *length* pads the body with spaces."""
    shot = booking(found.service([found.room()]), found.day() + timedelta(hours=10))
    head, _, body = shot.encode("127.0.0.1").replace(b"Connection: close\r\n", b"").partition(b"\r\n\r\n")
    padded = body.ljust(length)
    told = head.replace(b"Length: %d" % len(body), b"Length: %d" % len(padded))
    return (line + told[told.index(b" HTTP/1.1") :] if line else told) + b"\r\n\r\n", padded


def _dribble(visitor: socket.socket, data: bytes) -> bytes:
    """Send a byte at a time until the server closes, and return what it says; fail if it takes all of it."""
    visitor.settimeout(PAUSE_SECONDS)
    said = b""
    for number in range(len(data)):
        try:
            visitor.sendall(data[number : number + 1])
            more = visitor.recv(65536)
        except TimeoutError:
            continue
        except ConnectionError:
            return said
        if not more:
            return said
        said += more
    raise AssertionError(f"all of it was taken: {said!r}")


def _everything(visitor: socket.socket) -> bytes:
    """Return what comes until the server closes; a reset behind an answer counts as that."""
    said = b""
    with suppress(ConnectionError):
        while more := visitor.recv(65536):
            said += more
    return said


def _answer(visitor: socket.socket) -> bytes:
    """Return one answer of a connection that stays open."""
    said = b""
    while not said.endswith(b"}"):
        more = visitor.recv(65536)
        assert more, said
        said += more
    return said


def _is_cut(said: bytes) -> bool:
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 "), said
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "invalid"
    return True


def _is_silent(visitor: socket.socket) -> bool:
    """Tell whether the server has neither said anything nor closed."""
    visitor.settimeout(0)
    try:
        visitor.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    finally:
        visitor.settimeout(PATIENCE_SECONDS)
    return False


def test_a_body_that_dribbles_is_cut_with_a_problem_and_writes_nothing(place: Hall) -> None:
    head, body = _request(place)
    before = contents(place.engine)
    with _visit(place) as visitor:
        visitor.sendall(head)
        assert _is_cut(_dribble(visitor, body))
    assert contents(place.engine) == before


def test_a_body_of_chunks_that_dribbles_is_cut_as_well(place: Hall) -> None:
    head, body = _request(place)
    before = contents(place.engine)
    with _visit(place) as visitor:
        visitor.sendall(head.replace(b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked"))
        assert _is_cut(_dribble(visitor, b"".join(b"1\r\n%c\r\n" % byte for byte in body)))
    assert contents(place.engine) == before


def test_a_visitor_who_promises_a_body_and_sends_none_is_cut(place: Hall) -> None:
    head, _ = _request(place)
    with _visit(place) as visitor:
        visitor.sendall(head)
        assert _is_cut(_everything(visitor))


def test_the_body_of_a_request_that_was_refused_unread_does_not_hold_the_worker(place: Hall) -> None:
    head, body = _request(place, length=400, line=b"PUT /healthz")
    with _visit(place) as visitor:
        visitor.sendall(head)
        assert _dribble(visitor, body).startswith(b"HTTP/1.1 405 ")


def test_a_head_that_dribbles_is_cut(place: Hall) -> None:
    head, _ = _request(place)
    with _visit(place) as visitor:
        assert _dribble(visitor, head) == b""


def test_more_slow_visitors_than_there_are_threads_do_not_keep_others_out(place: Hall) -> None:
    head, body = _request(place)
    with ExitStack() as stack:
        for start in (head[:1], head, head + body[:-1]) * MANY:
            stack.enter_context(_visit(place)).sendall(start)
        servers.until(lambda: servers.is_healthy(place.server.url))


def test_others_are_served_while_slow_visitors_are_waited_for(patient: Hall) -> None:
    head, body = _request(patient)
    with _visit(patient) as first, _visit(patient) as second:
        first.sendall(head)
        second.sendall(head + body[:-1])
        assert servers.is_healthy(patient.server.url)
        assert _is_silent(first)
        assert _is_silent(second)


def test_a_body_that_keeps_to_the_rate_may_take_longer(place: Hall) -> None:
    head, body = _request(place, length=400 * 1024)
    with _visit(place) as visitor:
        visitor.sendall(head)
        for start in range(0, len(body), 25 * 1024):
            visitor.sendall(body[start : start + 25 * 1024])
            time.sleep(PAUSE_SECONDS)  # 1.6 s in all, at many times the rate, however slow this machine is
        assert _answer(visitor).startswith(b"HTTP/1.1 201 ")


def test_an_idle_connection_is_not_in_a_hurry(place: Hall) -> None:
    with _visit(place) as visitor:
        for idle in (SECONDS + 0.5, 0):
            visitor.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert _answer(visitor).startswith(b"HTTP/1.1 200 ")
            time.sleep(idle)


def test_with_patience_the_same_body_would_be_taken(patient: Hall) -> None:
    head, body = _request(patient)
    with _visit(patient) as visitor:
        visitor.sendall(head + body[:-30])
        with pytest.raises(AssertionError, match="all of it was taken"):
            _dribble(visitor, body[-30:-1])
        visitor.settimeout(PATIENCE_SECONDS)
        visitor.sendall(body[-1:])
        assert _answer(visitor).startswith(b"HTTP/1.1 201 ")
