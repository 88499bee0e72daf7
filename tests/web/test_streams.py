"""Answers that are made while they are sent: begun before the headers, ended when the client leaves, packed piece by piece."""

from __future__ import annotations

import gzip
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from wsgiref.simple_server import WSGIRequestHandler, make_server

import brotli
import pytest
from flask import Flask, Response
from werkzeug.http import parse_accept_header

from app.domain.errors import Busy
from app.runtime.places import NoPlace, Places
from app.web import compression, errors
from app.web.compression import Packed, chosen
from app.web.streams import Begun, later, stream

LINES = [f"{number},row of some length\r\n".encode() for number in range(2000)]


class Told:
    """A source of chunks that tells how far it has been read, and whether it was ended."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.made = 0
        self.is_ended = False
        self._chunks = chunks

    def __call__(self) -> Iterator[bytes]:
        try:
            for chunk in self._chunks:
                self.made += 1
                yield chunk
        finally:
            self.is_ended = True


def test_the_first_chunk_is_made_before_the_answer_begins_and_no_more() -> None:
    told = Told(LINES)
    begun = Begun(told())
    assert told.made == 1
    assert b"".join(begun) == b"".join(LINES)


def test_what_goes_wrong_at_the_beginning_goes_wrong_before_the_answer() -> None:
    def broken() -> Iterator[bytes]:
        raise LookupError
        yield b""

    with pytest.raises(LookupError):
        stream(broken(), "text/csv", "a.csv")


def test_an_empty_stream_is_an_empty_answer() -> None:
    assert list(Begun(iter([]))) == [b""]


def test_a_client_that_leaves_ends_the_making() -> None:
    told = Told(LINES)
    response = stream(told(), "text/csv", "a.csv")
    response.close()
    assert told.is_ended


@pytest.mark.parametrize("kind", [compression._Brotli, compression._Gzip])
def test_a_client_that_leaves_a_packed_stream_ends_the_making(kind: type) -> None:
    told = Told(LINES)
    packed = Packed(Begun(told()), kind())
    next(packed)
    packed.close()
    assert told.is_ended


@pytest.mark.parametrize(
    ("kind", "unpacker"),
    [
        (compression._Brotli, lambda: brotli.Decompressor().process),
        (compression._Gzip, lambda: zlib.decompressobj(31).decompress),
    ],
)
def test_each_chunk_can_be_read_when_it_has_come(kind: type, unpacker: Callable[[], Callable[[bytes], bytes]]) -> None:
    unpack = unpacker()
    seen = [unpack(chunk) for chunk in Packed(iter(LINES[:50]), kind())]
    assert seen[:50] == LINES[:50]


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("br", "br"),
        ("gzip", "gzip"),
        ("gzip, br", "br"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("br;q=0", None),
        ("br;q=0, gzip", "gzip"),
        ("*", "br"),
        ("*;q=0", None),
        ("br;q=0, *", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("GZIP", "gzip"),
    ],
)
def test_weights_are_honoured(header: str, encoding: str | None) -> None:
    assert chosen(parse_accept_header(header)) == encoding


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("encoding", "unpacker"),
    [
        ("br", lambda: brotli.Decompressor().process),
        ("gzip", lambda: zlib.decompressobj(31).decompress),
        ("identity", lambda: bytes),
    ],
)
def test_rows_reach_a_reader_before_the_last_is_made(
    encoding: str, unpacker: Callable[[], Callable[[bytes], bytes]]
) -> None:
    may_go_on, app = threading.Event(), Flask(__name__)
    compression.init_app(app)

    def rows() -> Iterator[bytes]:
        yield b"first row\r\n"
        assert may_go_on.wait(10)
        yield b"last row\r\n"

    app.add_url_rule("/rows", "rows", lambda: stream(rows(), "text/csv", "rows.csv"))
    with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with socket.create_connection(server.server_address, 10) as visitor:
            visitor.sendall(f"GET /rows HTTP/1.0\r\nAccept-Encoding: {encoding}\r\n\r\n".encode())
            unpack, head, got = unpacker(), b"", b""
            while b"\r\n\r\n" not in head:
                head += visitor.recv(4096)
            packed = head.partition(b"\r\n\r\n")[2]
            while b"first row" not in (got := got + unpack(packed)):
                packed = visitor.recv(4096)
            assert b"last row" not in got
            may_go_on.set()
            while data := visitor.recv(4096):
                got += unpack(data)
        thread.join(10)
    assert got == b"first row\r\nlast row\r\n"


@pytest.fixture
def answered() -> Callable[..., Response]:
    app = Flask(__name__)
    compression.init_app(app)
    app.add_url_rule("/<kind>/<name>", "rows", lambda kind, name: stream(iter(LINES), f"{kind}/{name}", "rows"))

    def ask(path: str, **headers: str) -> Response:
        return app.test_client().get(path, headers={key.replace("_", "-"): value for key, value in headers.items()})

    return ask


def test_a_packed_stream_unpacks_to_what_it_was(answered: Callable[..., Response]) -> None:
    answer = answered("/text/csv", Accept_Encoding="gzip")
    assert gzip.decompress(answer.data) == b"".join(LINES)
    assert answer.headers["Vary"] == "Accept-Encoding"


def test_pages_are_not_packed_twice(answered: Callable[..., Response]) -> None:
    answer = answered("/application/pdf", Accept_Encoding="gzip, br")
    assert "Content-Encoding" not in answer.headers
    assert answer.data == b"".join(LINES)


@pytest.fixture
def places() -> Places:
    return Places(4)


def begin(places: Places, chunks: Iterator[bytes] | None = None) -> Response:
    return stream(iter(LINES) if chunks is None else chunks, "text/csv", "a.csv", places=places)


def free(places: Places) -> int:
    """Return how many places are free, by taking them all for a moment."""
    held = []
    try:
        while True:
            held.append(places.take())
    except NoPlace:
        return len(held)


def test_the_fifth_stream_at_once_is_asked_to_come_again(places: Places) -> None:
    four = [begin(places) for _ in range(4)]
    told = Told(LINES)
    with pytest.raises(Busy):
        begin(places, told())
    assert told.made == 0
    four.pop().close()
    assert begin(places).status_code == 200


def test_whoever_is_asked_to_come_again_reads_when(places: Places) -> None:
    app = Flask(__name__)
    errors.init_app(app)
    app.add_url_rule("/rows", "rows", lambda: begin(places))
    held = [begin(places) for _ in range(4)]
    answer = app.test_client().get("/rows")
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert answer.get_json()["code"] == "busy"
    assert int(answer.headers["Retry-After"]) > 0
    held[0].close()
    assert app.test_client().get("/rows").status_code == 200


def test_a_stream_that_was_read_to_its_end_gives_its_place_back(places: Places) -> None:
    responses = [begin(places) for _ in range(4)]
    assert free(places) == 0
    for response in responses:
        assert b"".join(response.response) == b"".join(LINES)
    assert free(places) == 4


@pytest.mark.parametrize("kind", [compression._Brotli, compression._Gzip])
def test_packed_streams_that_were_left_give_their_places_back(places: Places, kind: type) -> None:
    for _ in range(50):
        begun = Begun(iter(LINES), places.take())
        packed = Packed(begun, kind())
        next(packed)
        packed.close()
    assert free(places) == 4


def test_streams_that_break_at_their_beginning_give_their_places_back(places: Places) -> None:
    def broken() -> Iterator[bytes]:
        raise LookupError

    for _ in range(50):
        with pytest.raises(LookupError):
            begin(places, later(broken))
    assert free(places) == 4


def test_streams_that_break_in_the_middle_give_their_places_back(places: Places) -> None:
    def broken() -> Iterator[bytes]:
        yield b"1"
        raise LookupError

    for _ in range(50):
        begun = begin(places, broken())
        with pytest.raises(LookupError):
            list(begun.response)
    assert free(places) == 4


def test_what_cannot_even_be_ended_gives_its_place_back(places: Places) -> None:
    class Stubborn(Iterator[bytes]):
        def __next__(self) -> bytes:
            return b"1"

        def close(self) -> None:
            raise LookupError

    begun = Begun(Stubborn(), places.take())
    with pytest.raises(LookupError):
        begun.close()
    assert free(places) == 4


def test_answers_to_head_which_nobody_sends_give_their_places_back(places: Places) -> None:
    app = Flask(__name__)
    compression.init_app(app)
    app.add_url_rule("/rows", "rows", lambda: begin(places))
    assert {app.test_client().head("/rows").status_code for _ in range(50)} == {200}
    assert free(places) == 4


def test_work_before_the_first_chunk_waits_for_a_place(places: Places) -> None:
    asked: list[str] = []

    def make() -> Iterator[bytes]:
        asked.append("read")
        return iter(LINES)

    held = [begin(places) for _ in range(4)]
    with pytest.raises(Busy):
        begin(places, later(make))
    assert asked == []
    held.clear()
    assert begin(places, later(make)).status_code == 200
    assert asked == ["read"]
