from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from urllib.parse import parse_qs

import pytest

from app.gateways import provider as provider_module
from app.gateways.errors import DeliveryFailed
from app.gateways.sms import ConsoleTexter, FileTexter, NoTexter, Sms, Texter, make_texter
from app.runtime.checks import SettingsError
from tests.gateways.loopback import free_port, raw_server, server_context
from tests.gateways.providers import Provider, running

HEADERS = "Authorization: Bearer s3cret | X-Channel: otp"
BODY = '{"from": "Hall", "to": "{to}", "text": "{text}"}'
TEXT = 'Your code is 123456.\n"Gr\u00fc\u00dfe" \\ 100% {to} & more=1'


def sms(to: str = "+49 30 123456", text: str = TEXT) -> Sms:
    return Sms(to, text, "otp-1@book.example.org")


def texter(port: int, body: str = BODY, scheme: str = "http") -> Texter:
    return make_texter(f"{scheme}://127.0.0.1:{port}/v1/messages?key=s3cret", HEADERS, body)


@contextmanager
def provider(**options: object) -> Iterator[Provider]:
    with running(Provider(**options)) as found:  # type: ignore[arg-type]
        yield found


def failure(sender: Texter, message: Sms | None = None) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        sender.send(message or sms())
    words = str(caught.value)
    assert "\n" not in words
    assert not any(secret in words for secret in ("s3cret", "30123456", "123456"))
    return caught.value


def test_a_message_arrives_as_json_with_the_headers_of_the_settings() -> None:
    with provider() as found:
        texter(found.port).send(sms())
    (request,) = found.requests
    assert request.path == "/v1/messages?key=s3cret"
    assert request.headers["Content-Type"] == "application/json"
    assert (request.headers["Authorization"], request.headers["X-Channel"]) == ("Bearer s3cret", "otp")
    assert json.loads(request.body) == {"from": "Hall", "to": "+4930123456", "text": TEXT}


def test_a_message_arrives_as_a_form() -> None:
    with provider() as found:
        texter(found.port, "From=%2B4930&To={to}&Body={text}").send(sms())
    (request,) = found.requests
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.body.decode(), strict_parsing=True) == {
        "From": ["+4930"],
        "To": ["+4930123456"],
        "Body": [TEXT],
    }


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (401, True),
        (404, True),
        (408, False),
        (422, True),
        (425, False),
        (429, False),
        (500, False),
        (503, False),
    ],
)
def test_a_refusal_is_for_good_unless_the_provider_may_take_it_later(status: int, permanent: bool) -> None:  # noqa: FBT001
    with provider(status=status) as found:
        error = failure(texter(found.port))
    assert (str(error), error.permanent) == (f"the provider answered {status}", permanent)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_one(status: int) -> None:
    with provider(status=status) as found:
        texter(found.port).send(sms())
    assert len(found.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_secrets_stay_here(status: int) -> None:
    with (
        provider() as other,
        provider(status=status, headers={"Location": f"http://127.0.0.1:{other.port}/"}) as found,
    ):
        assert failure(texter(found.port)).permanent
    assert other.requests == []


def test_an_answer_without_end_is_not_read() -> None:
    with provider(endless=True) as found:
        texter(found.port).send(sms())
    with provider(endless=True, status=500) as failing:
        assert not failure(texter(failing.port)).permanent
    assert len(found.requests) == len(failing.requests) == 1


def test_a_provider_that_answers_a_letter_at_a_time_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes within the limit of the socket; the answer never ends."""
    monkeypatch.setattr(provider_module, "ANSWER_SECONDS", 0.3)
    sent: list[int] = []

    def trickle(connection: socket) -> None:
        connection.settimeout(0.02)
        while len(sent) < 10_000:
            try:
                sent.append(connection.send(b"H"))
                if not connection.recv(65536):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    with raw_server(trickle) as port:
        error = failure(texter(port))
    assert (error.permanent, error.maybe_taken) == (False, True)
    assert 1 < len(sent) < 10_000


def test_a_provider_that_does_not_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_module, "ANSWER_SECONDS", 0.2)
    after: list[bytes] = []

    def say_nothing(connection: socket) -> None:
        connection.settimeout(10)
        while not connection.recv(65536).endswith(b"}"):
            pass
        after.append(connection.recv(1))

    with raw_server(say_nothing) as port:
        error = failure(texter(port))
    assert not error.permanent
    assert "TimeoutError" in str(error)
    assert after == [b""]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300,
        b"HTTP/1.1 abc OK\r\n\r\n",
    ],
    ids=["nothing", "another protocol", "half a status", "a long header", "many headers", "no number"],
)
def test_an_answer_that_cannot_be_understood_is_tried_again(answer: bytes) -> None:
    def reply(connection: socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with raw_server(reply) as port:
        assert not failure(texter(port)).permanent


def test_a_provider_that_is_down_is_tried_again() -> None:
    assert not failure(texter(free_port())).permanent


@pytest.mark.parametrize("host", ["x" * 70 + ".example", "a..example"])
def test_a_host_that_cannot_be_is_put_right_in_the_settings(host: str) -> None:
    assert not failure(make_texter(f"https://{host}/", "", BODY)).permanent


def test_a_provider_is_reached_encrypted_where_its_certificate_is_good(trusted: Path) -> None:
    with running(Provider(), server_context(trusted)) as found:
        texter(found.port, scheme="https").send(sms())
    assert len(found.requests) == 1


def test_a_provider_whose_certificate_nobody_trusts_gets_nothing(certificate: Path) -> None:
    with running(Provider(), server_context(certificate)) as found:
        error = failure(texter(found.port, scheme="https"))
    assert not error.permanent
    assert "CERTIFICATE_VERIFY_FAILED" in str(error)
    assert found.requests == []


BAD = [
    sms(to="+49 30 123456\nX: y"),
    sms(to="ada@example.org"),
    sms(to=""),
    sms(to="1" * 40),
    sms(text="a\x00b"),
    sms(text="half a sign: \ud800"),
    sms(text="x" * 481),
    sms(text=""),
]


@pytest.mark.parametrize("message", BAD, ids=range(len(BAD)))
def test_every_texter_refuses_the_same_messages_for_good(
    message: Sms, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with provider() as found:
        texters = [texter(found.port), FileTexter(tmp_path / "sms"), ConsoleTexter()]
        errors = [failure(sender, message) for sender in texters]
    assert [error.permanent for error in errors] == [True] * 3
    assert (found.requests, list(tmp_path.iterdir()), capsys.readouterr().err) == ([], [], "")


def test_files_hold_number_and_text_and_are_for_their_owner(tmp_path: Path) -> None:
    sender = make_texter(f"file:{tmp_path}/sms", "", BODY)
    for number in range(20):
        sender.send(sms(text=f"Your code is {number}."))
    files = sorted((tmp_path / "sms").iterdir())
    assert [path.read_text() for path in files] == [f"+4930123456\nYour code is {number}.\n" for number in range(20)]
    assert {(path.suffix, stat.S_IMODE(path.stat().st_mode)) for path in files} == {(".txt", 0o600)}


def test_the_console_shows_number_and_text(capsys: pytest.CaptureFixture[str]) -> None:
    make_texter("console:", "", BODY).send(sms(text="Your code is 123456."))
    assert capsys.readouterr().err.splitlines() == ["--- SMS to +4930123456", "Your code is 123456.", "---"]


def test_an_installation_without_text_messages_refuses_them_for_good() -> None:
    sender = make_texter("none:", "", BODY)
    assert isinstance(sender, NoTexter)
    error = failure(sender)
    assert error.permanent
    assert "SMS_URL" in str(error)


def test_the_secrets_are_not_printed() -> None:
    sender = texter(1)
    assert "s3cret" not in f"{sender!r} {vars(sender)!r}"


@pytest.mark.parametrize(
    ("url", "headers", "body"),
    [("ftp://x", "", BODY), ("https://x.example/", "no colon", BODY), ("https://x.example/", "", "{}")],
)
def test_a_texter_is_not_made_from_settings_that_cannot_be_used(url: str, headers: str, body: str) -> None:
    with pytest.raises(SettingsError):
        make_texter(url, headers, body)
