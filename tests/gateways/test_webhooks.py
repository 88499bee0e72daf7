"""Webhooks on the wire: signed so that the reference library of Standard Webhooks takes them, and what each answer means."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.gateways import webhooks
from app.gateways.errors import DeliveryFailed
from app.gateways.webhooks import EndpointGone, Signed, post
from tests.gateways.loopback import free_port, make_certificate
from tests.gateways.receivers import LOOPBACK, Received, Receiver, answering, lead, running, trust

KEY, BEFORE = bytes(range(32)), bytes(range(32, 64))
BODY = '{"type":"booking.made","data":{"name":"Zoë, 会議室"}}'.encode()


def now() -> int:
    """Return the time, read when it is asked for: by the library's own clock a message is old in five minutes."""
    return int(datetime.now(timezone.utc).timestamp())


def signed(*keys: bytes, at: int | None = None, body: bytes = BODY) -> Signed:
    return Signed("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", now() if at is None else at, body, keys or (KEY,))


def send(receiver: Receiver, message: Signed | None = None) -> Received:
    with running(receiver) as port:
        post(f"http://127.0.0.1:{port}/hook?a=1", message or signed(), allowed=LOOPBACK)
    (received,) = receiver.received
    return received


def failure(receiver: Receiver) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        send(receiver)
    return caught.value


def library(key: bytes) -> Webhook:
    return Webhook("whsec_" + base64.b64encode(key).decode())


def test_what_is_sent_is_taken_by_the_reference_library() -> None:
    received = send(Receiver())
    assert received.line == "POST /hook?a=1 HTTP/1.1"
    assert received.body == BODY
    assert received.headers["content-type"] == "application/json"
    assert library(KEY).verify(received.body, received.headers)["type"] == "booking.made"


def test_the_signature_is_the_one_that_the_reference_library_makes() -> None:
    at = now()
    made = library(KEY).sign("msg_1", datetime.fromtimestamp(at, timezone.utc), BODY.decode())
    assert Signed("msg_1", at, BODY, (KEY,)).headers()["webhook-signature"] == made


@pytest.mark.parametrize("what", ["key", "body", "id", "timestamp"])
def test_what_was_changed_on_the_way_is_refused_by_the_reference_library(what: str) -> None:
    received = send(Receiver())
    headers, body, key = dict(received.headers), received.body, KEY
    if what == "key":
        key = BEFORE
    elif what == "body":
        body = body.replace(b"made", b"mace")
    else:
        headers[f"webhook-{what}"] = {"id": "msg_2", "timestamp": str(now() + 1)}[what]
    with pytest.raises(WebhookVerificationError):
        library(key).verify(body, headers)


def test_while_a_secret_is_changed_receivers_with_either_take_it() -> None:
    received = send(Receiver(), signed(KEY, BEFORE))
    for key in (KEY, BEFORE):
        library(key).verify(received.body, received.headers)
    with pytest.raises(WebhookVerificationError):
        library(bytes(32)).verify(received.body, received.headers)


def test_an_old_message_that_is_sent_now_is_signed_now() -> None:
    received = send(Receiver(), signed())
    library(KEY).verify(received.body, received.headers)
    old = send(Receiver(), signed(at=now() - int(timedelta(minutes=10).total_seconds())))
    with pytest.raises(WebhookVerificationError):
        library(KEY).verify(old.body, old.headers)


def test_the_example_in_the_documentation_takes_what_is_sent_and_nothing_else() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/operating.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", page[page.index("## Webhooks") :], re.DOTALL)
    assert example
    names: dict[str, Any] = {}
    exec(example[1], names)  # noqa: S102 - our own words
    secrets = ["whsec_" + base64.b64encode(key).decode() for key in (KEY, BEFORE, bytes(32))]
    both, old = signed(KEY, BEFORE), signed(at=now() - 600)
    assert [names["is_ours"](secret, both.headers(), BODY) for secret in secrets] == [True, True, False]
    assert not names["is_ours"](secrets[0], both.headers(), BODY + b" ")
    assert not names["is_ours"](secrets[0], old.headers(), BODY)


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Hm"])
def test_every_success_counts(status: str) -> None:
    send(Receiver(answering(status)))


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent", "400 Bad", "401 Who", "403 No", "404 Gone?", "500 Oh", "502 Bad", "503 Busy"]
)  # fmt: skip
def test_every_other_answer_is_a_failure_that_may_be_mended(status: str) -> None:
    error = failure(Receiver(answering(status, Location="http://127.0.0.1/")))
    assert (str(error), error.permanent) == (f"the server answered {status[:3]}", False)


def test_410_says_that_nobody_is_there_any_more() -> None:
    error = failure(Receiver(answering("410 Gone")))
    assert isinstance(error, EndpointGone)
    assert error.permanent


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        ("429 Slow", "120", 120), ("503 Busy", "30", 30), ("429 Slow", "999999999", 86_400), ("429 Slow", "-5", 0),
        ("429 Slow", "soon", 0), ("429 Slow", "9" * 40, 0), ("500 Oh", "30", 0), ("429 Slow", "\u0663", 0),
    ],
)  # fmt: skip
def test_a_server_that_is_busy_says_when_to_come_back_within_a_day(status: str, header: str, seconds: int) -> None:
    assert failure(Receiver(answering(status, Retry_After=header))).retry_after_seconds == seconds


def test_the_body_of_an_answer_is_not_read() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
    send(Receiver(head + b"a" * 1_000_000))


def test_a_server_that_says_nothing_is_left_after_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.2)

    class Silent(Receiver):
        def respond(self, connection: object) -> None:
            connection.settimeout(5)  # type: ignore[attr-defined]  # a socket
            connection.recv(1)  # type: ignore[attr-defined]  # until the other end goes

    error = failure(Silent())
    assert (str(error), error.permanent) == ("it took too long", False)


def test_without_a_network_that_is_allowed_this_machine_is_not_reached() -> None:
    receiver = Receiver()
    with running(receiver) as port, pytest.raises(DeliveryFailed, match="not one of the internet") as caught:
        post(f"https://127.0.0.1:{port}/", signed(), allowed=())
    assert not caught.value.permanent  # names may be put right
    assert receiver.received == []


def test_a_closed_port_is_a_failure_without_the_address_in_its_text() -> None:
    with pytest.raises(DeliveryFailed) as caught:
        post(f"http://127.0.0.1:{free_port()}/secret-path", signed(), allowed=LOOPBACK)
    assert "secret-path" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


def test_keys_and_content_are_in_no_text_of_a_message() -> None:
    assert base64.b64encode(KEY).decode() not in repr(signed())
    assert repr(KEY) not in repr(signed())


def test_an_encrypted_endpoint_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path, "DNS:hooks.example.org")
    trust(monkeypatch, certificate)
    lead(monkeypatch, hooks_example_org="127.0.0.1")
    receiver = Receiver(certificate=certificate)
    with running(receiver) as port:
        post(f"https://hooks.example.org:{port}/", signed(), allowed=LOOPBACK)
    library(KEY).verify(receiver.received[0].body, receiver.received[0].headers)
