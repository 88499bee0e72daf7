"""Calendars fetched from a server that is really there: what has changed, what has moved, and what is refused."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from app.gateways.busy_calendars import MOST_BYTES, Fetched, fetch
from app.gateways.outward import AddressRefused, AnswerTooLarge, Unreachable
from tests.gateways.receivers import LOOPBACK, Receiver, answering, connections_noted, lead, running


@dataclass
class Script(Receiver):
    """A server that gives one answer after the other."""

    answers: list[bytes] = field(default_factory=list)

    def respond(self, connection: socket.socket) -> None:
        connection.sendall(self.answers.pop(0))


@pytest.fixture
def server() -> Iterator[tuple[Script, str]]:
    script = Script()
    with running(script) as port:
        yield script, f"http://127.0.0.1:{port}"


def get(url: str, etag: str = "") -> Fetched:
    return fetch(url, etag, allowed=LOOPBACK, seconds=5)


def test_a_file_comes_with_its_tag(server: tuple[Script, str]) -> None:
    script, url = server
    script.answers = [answering("200 OK", b"BEGIN:VCALENDAR", ETag='"7"')]
    assert get(f"{url}/ada.ics?key=secret") == Fetched(b"BEGIN:VCALENDAR", '"7"')
    assert script.received[0].line == "GET /ada.ics?key=secret HTTP/1.1"
    assert "if-none-match" not in script.received[0].headers


def test_a_file_that_has_not_changed_is_not_sent_again(server: tuple[Script, str]) -> None:
    script, url = server
    script.answers = [answering("304 Not Modified")]
    assert get(url, '"7"') == Fetched(None, '"7"')
    assert script.received[0].headers["if-none-match"] == '"7"'


def test_a_tag_that_does_not_fit_is_done_without(server: tuple[Script, str]) -> None:
    script, url = server
    script.answers = [answering("200 OK", b"x", ETag='"' + "7" * 300 + '"')]
    assert get(url).etag == ""


def test_one_redirect_is_followed(server: tuple[Script, str]) -> None:
    script, url = server
    script.answers = [answering("302 Found", Location="/elsewhere.ics"), answering("200 OK", b"x")]
    assert get(url).content == b"x"
    assert script.received[1].line == "GET /elsewhere.ics HTTP/1.1"


def test_a_second_redirect_is_not(server: tuple[Script, str]) -> None:
    script, url = server
    script.answers = [answering("301 Moved", Location="/a"), answering("307 Moved", Location="/b")]
    with pytest.raises(Unreachable, match="from one address to the next"):
        get(url)
    assert len(script.received) == 2


@pytest.mark.parametrize("target", ["https://inside.example/x", "file:///etc/passwd", "https://[::1", ""])
def test_a_redirect_leads_nowhere_that_could_not_have_been_asked(
    server: tuple[Script, str], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, url = server
    lead(monkeypatch, inside_example="10.0.0.7", **{"127_0_0_1": "127.0.0.1"})
    script.answers = [answering("302 Found", Location=target), answering("302 Found", Location=target)]
    with connections_noted(monkeypatch) as tried, pytest.raises(Unreachable):
        get(url)
    assert all(str(address).startswith("('127.0.0.1'") for address in tried)


def test_an_address_inside_is_refused_before_anything_is_sent(
    server: tuple[Script, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, url = server
    with connections_noted(monkeypatch) as tried, pytest.raises(AddressRefused):
        fetch(url, "", allowed=(), seconds=5)
    assert (tried, script.received) == ([], [])


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oh", "204 No Content", "304 Not Modified"])
def test_any_other_answer_is_no_file(server: tuple[Script, str], status: str) -> None:
    script, url = server
    script.answers = [answering(status)]
    with pytest.raises(Unreachable, match=f"the server answered {status[:3]}"):
        get(url)


def test_a_file_that_is_too_large_is_not_read_to_its_end(server: tuple[Script, str]) -> None:
    script, url = server
    script.answers = [answering("200 OK", b"x" * (MOST_BYTES + 1))]
    with pytest.raises(AnswerTooLarge):
        get(url)


def test_a_compressed_file_is_refused(server: tuple[Script, str]) -> None:
    script, url = server
    script.answers = [answering("200 OK", b"x", Content_Encoding="gzip")]
    with pytest.raises(Unreachable, match="compressed"):
        get(url)
