"""Requests to servers that others have named: nowhere but the internet, to the address that was looked at, and over in time."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from app.domain.networks import Network
from app.gateways.outward import AddressRefused, AnswerTooLarge, Errand, Unreachable, ask
from tests.gateways.loopback import free_port, make_certificate, raw_server
from tests.gateways.receivers import (
    LOOPBACK,
    Names,
    Receiver,
    answering,
    connections_noted,
    lead,
    read_request,
    running,
    trust,
)

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
NAME = "hooks.example.org"
INSIDE = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3",  # noqa: S104 - refused, not bound to
    "10.0.0.7", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::1", "::", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1",
    "2002:7f00:1::", "2002:808:808::1", "2001:0:7f00:1::", "fe80::1", "fe80::1%1", "fc00::1", "fd12:3456::1", "ff02::1", "fec0::1",
    "2001:db8::1", "5f00::1",
]  # fmt: skip


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of a name."""
    return make_certificate(tmp_path_factory.mktemp("named"), f"DNS:{NAME},DNS:localhost")


def fetch(
    url: str, *, allowed: Collection[Network] = LOOPBACK, seconds: float = 5, most_bytes: int = 100
) -> tuple[int, bytes]:
    with ask(Errand("GET", url, {}, None, allowed, seconds, most_bytes)) as answer:
        return answer.status, b"".join(answer.chunks())


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused_and_nothing_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    lead(monkeypatch, hooks_example_org=address)
    with connections_noted(monkeypatch) as tried, pytest.raises(AddressRefused):
        fetch(f"https://{NAME}/", allowed=())
    assert tried == []


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "100.128.0.1", "172.32.0.1", "192.0.1.1"])
def test_a_name_that_leads_to_the_internet_is_connected_to(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    lead(monkeypatch, hooks_example_org=address)
    with connections_noted(monkeypatch) as tried, pytest.raises(Unreachable, match="connection failed"):
        fetch(f"https://{NAME}:8443/", allowed=())
    assert [place[:2] for place in tried] == [(address, 8443)]  # type: ignore[index]  # where the tests' own guard stops it


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "localhost", "[::1]", "[::ffff:7f00:1]"]
)
def test_other_spellings_of_this_machine_are_refused_by_what_they_mean(host: str) -> None:
    with pytest.raises(Unreachable, match=r"not one of the internet|cannot be resolved"):
        fetch(f"https://{host}/", allowed=())


def test_the_same_name_is_reached_where_its_network_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver(answering("200 OK", b"in"))
    lead(monkeypatch, hooks_example_org="127.0.0.1")
    with running(receiver) as port:
        url = f"http://{NAME}:{port}/at?x=1"
        with pytest.raises(AddressRefused):
            fetch(url, allowed=())
        with pytest.raises(AddressRefused):
            fetch(url, allowed=[ip_network("10.0.0.0/8"), ip_network("::/0")])
        assert fetch(url) == (200, b"in")
    (request,) = receiver.received
    assert request.line == "GET /at?x=1 HTTP/1.1"
    assert request.headers["host"] == f"{NAME}:{port}"


def test_without_encryption_the_internet_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    lead(monkeypatch, hooks_example_org="8.8.8.8")
    with connections_noted(monkeypatch) as tried, pytest.raises(AddressRefused):
        fetch(f"http://{NAME}/")
    assert tried == []


def test_a_name_that_leads_elsewhere_a_moment_later_is_connected_to_where_it_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names({NAME: "8.8.8.8"}, later={NAME: "127.0.0.1"})
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    receiver = Receiver()
    with running(receiver) as port, connections_noted(monkeypatch) as tried, pytest.raises(Unreachable):
        fetch(f"https://{NAME}:{port}/", allowed=())
    assert tried == [("8.8.8.8", port)]
    assert names.asked == [NAME]
    assert receiver.received == []


def test_of_several_addresses_those_inside_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    lead(monkeypatch, hooks_example_org=["10.0.0.1", "8.8.8.8", "::1"])
    with connections_noted(monkeypatch) as tried, pytest.raises(Unreachable):
        fetch(f"https://{NAME}/", allowed=())
    assert tried == [("8.8.8.8", 443)]


def test_where_the_first_address_takes_no_connection_the_next_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    lead(monkeypatch, hooks_example_org=["127.0.0.2", "127.0.0.1"])
    with running(Receiver(answering("200 OK"))) as port:
        assert fetch(f"http://{NAME}:{port}/") == (200, b"")


def test_an_encrypted_server_is_known_by_the_name_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, named: Path
) -> None:
    trust(monkeypatch, named)
    lead(monkeypatch, hooks_example_org="127.0.0.1", other_example_org="127.0.0.1")
    receiver = Receiver(answering("200 OK", b"sealed"), named)
    with running(receiver) as port:
        assert fetch(f"https://{NAME}:{port}/") == (200, b"sealed")
        with pytest.raises(Unreachable, match="certificate is not accepted"):
            fetch(f"https://other.example.org:{port}/")
    assert len(receiver.received) == 1


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(monkeypatch: pytest.MonkeyPatch, named: Path) -> None:
    lead(monkeypatch, hooks_example_org="127.0.0.1")
    receiver = Receiver(certificate=named)
    with running(receiver) as port, pytest.raises(Unreachable, match="certificate is not accepted"):
        fetch(f"https://{NAME}:{port}/")
    assert receiver.received == []


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    inner = Receiver()
    with running(inner) as inside:
        outer = Receiver(answering("302 Found", Location=f"http://127.0.0.1:{inside}/secrets"))
        with running(outer) as port:
            assert fetch(f"http://127.0.0.1:{port}/")[0] == 302
    assert inner.received == []


def test_a_closed_port_is_told() -> None:
    with pytest.raises(Unreachable, match="Connection refused"):
        fetch(f"http://127.0.0.1:{free_port()}/")


@pytest.mark.parametrize(
    "url", ["ftp://hooks.example.org/", "https://user:pw@hooks.example.org/", "https:///x", "https://a b/", "file:///etc/passwd"]
)  # fmt: skip
def test_what_is_no_address_is_refused_before_its_name_is_looked_up(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    names = lead(monkeypatch)
    with pytest.raises(AddressRefused):
        fetch(url)
    assert names.asked == []


def test_a_name_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(Unreachable, match="cannot be resolved"):
        fetch(f"https://{NAME}/")


def drip(connection: socket.socket, text: bytes) -> None:
    """Send byte after byte, each in time for a limit that counts from byte to byte."""
    connection.settimeout(5)
    try:
        for number in range(len(text)):
            connection.sendall(text[number : number + 1])
            time.sleep(0.05)
    except OSError:
        pass  # the caller has gone, as it should


SLOW: dict[str, Callable[[socket.socket], None]] = {
    "status": lambda connection: drip(connection, b"HTTP/1.1 200 " + b"O" * 1000),
    "headers": lambda connection: drip(connection, b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 100),
    "interim answers": lambda connection: drip(connection, b"HTTP/1.1 100 Continue\r\n\r\n" * 40),
    "body": lambda connection: drip(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b"a" * 900),
    "silence": lambda connection: drip(connection, b"") or time.sleep(1),
}


@pytest.mark.parametrize("what", SLOW)
def test_a_server_that_drips_is_left_when_the_time_is_up(what: str) -> None:
    def serve(connection: socket.socket) -> None:
        read_request(connection)
        SLOW[what](connection)

    with raw_server(serve) as port, pytest.raises(Unreachable, match="took too long"):
        fetch(f"http://127.0.0.1:{port}/", seconds=0.4, most_bytes=1000)


def test_a_handshake_that_drips_is_left_when_the_time_is_up() -> None:
    with raw_server(lambda connection: drip(connection, b"\x16\x03\x03\x40\x00" + b"\x02" * 400)) as port:
        url = f"https://127.0.0.1:{port}/"
        with pytest.raises(Unreachable, match="took too long"):
            fetch(url, seconds=0.4)


def test_a_server_that_does_not_read_is_left_when_the_time_is_up() -> None:
    body = b"x" * 20_000_000  # more than the system keeps for a server that reads nothing
    with raw_server(lambda connection: time.sleep(1) or connection.close()) as port:
        errand = Errand("POST", f"http://127.0.0.1:{port}/", {}, body, LOOPBACK, 0.4)
        with pytest.raises(Unreachable, match="took too long"), ask(errand):
            pass


def test_a_large_body_goes_out_whole() -> None:
    receiver, body = Receiver(), bytes(range(256)) * 8192
    with running(receiver) as port:
        with ask(Errand("POST", f"http://127.0.0.1:{port}/", {}, body, LOOPBACK)) as answer:
            assert answer.status == 204
        assert receiver.received[0].body == body


@pytest.mark.parametrize("size", [0, 1, 65_536, 1_000_000])
def test_a_body_within_its_bound_comes_whole(size: int) -> None:
    with running(Receiver(answering("200 OK", b"a" * size))) as port:
        assert fetch(f"http://127.0.0.1:{port}/", most_bytes=size) == (200, b"a" * size)


def test_a_body_in_chunks_comes_whole(monkeypatch: pytest.MonkeyPatch, named: Path) -> None:
    trust(monkeypatch, named)
    lead(monkeypatch, hooks_example_org="127.0.0.1")
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"5\r\nabcde\r\n" * 100 + b"0\r\n\r\n"
    with running(Receiver(body, named)) as port:
        assert fetch(f"https://{NAME}:{port}/", most_bytes=500) == (200, b"abcde" * 100)


class Endless(Receiver):
    def __init__(self, head: bytes, block: bytes) -> None:
        super().__init__()
        self.head, self.block, self.sent = head, block, 0

    def respond(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        connection.sendall(self.head)
        while True:
            self.sent += connection.send(self.block)


ENDLESS = {
    "body": (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65_536),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 1000),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 1000 + b"\r\n"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_an_answer_without_end_is_left_early(what: str) -> None:
    endless = Endless(*ENDLESS[what])
    with running(endless) as port, pytest.raises(Unreachable, match=r"too (large|much)|cannot be read"):
        fetch(f"http://127.0.0.1:{port}/", seconds=20, most_bytes=10_000)
    assert (
        endless.sent < 20_000_000
    )  # what the system's buffers took; at full speed it would be thousands of times that


def test_a_body_over_its_bound_is_told_as_that() -> None:
    with running(Receiver(answering("200 OK", b"a" * 101))) as port, pytest.raises(AnswerTooLarge):
        fetch(f"http://127.0.0.1:{port}/", most_bytes=100)


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
     b"no http at all\r\n\r\n", b"HTTP/1.1 999999 X\r\n\r\n", b"\x00" * 100],
)  # fmt: skip
def test_an_answer_that_breaks_off_or_is_none_is_told(answer: bytes) -> None:
    with running(Receiver(answer)) as port, pytest.raises(Unreachable):
        fetch(f"http://127.0.0.1:{port}/")


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_nothing_is_left_open_whatever_happens() -> None:
    before = open_files()
    for answer in (answering("200 OK", b"a" * 50), answering("200 OK", b"a" * 500), b"", b"nonsense\r\n"):
        with running(Receiver(answer)) as port:
            for _ in range(3):
                try:
                    fetch(f"http://127.0.0.1:{port}/")
                except Unreachable:
                    continue
    assert open_files() == before


UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys, time, gevent
from ipaddress import ip_network
from app.gateways.outward import Errand, Unreachable, ask

ticks = []
def tick():
    while True:
        ticks.append(time.monotonic())
        gevent.sleep(0.01)

gevent.spawn(tick)
for url, seconds in zip(sys.argv[1::2], map(float, sys.argv[2::2])):
    began = len(ticks)
    try:
        with ask(Errand("GET", url, {}, None, [ip_network("127.0.0.0/8")], seconds, 100)) as answer:
            print(answer.status, b"".join(answer.chunks()).decode())
    except Unreachable as error:
        print(error, len(ticks) - began >= 5)
"""


def test_a_gevent_server_answers_others_meanwhile_and_keeps_to_the_same_time(named: Path) -> None:
    def slow(connection: socket.socket) -> None:
        read_request(connection)
        SLOW["headers"](connection)

    def slow_within_encryption(connection: socket.socket) -> None:
        drip(connection, b"\x16\x03\x03\x40\x00" + b"\x02" * 400)

    with (
        running(Receiver(answering("200 OK", b"fine"), named)) as good,
        raw_server(slow) as slow_port,
        raw_server(slow_within_encryption) as sealed_port,
    ):
        tasks = [f"https://localhost:{good}/", "5", f"http://127.0.0.1:{slow_port}/", "0.4"]
        tasks += [f"https://127.0.0.1:{sealed_port}/", "0.4"]
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "SSL_CERT_FILE": str(named)}
        command = [sys.executable, "-c", UNDER_GEVENT, *tasks]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.splitlines() == ["200 fine", "it took too long True", "it took too long True"]
