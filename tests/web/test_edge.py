from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from gunicorn.http.errors import InvalidChunkSize
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app import create_app
from app.runtime.logs import JsonFormatter
from app.runtime.settings import Settings
from app.web import operations
from app.web.edge import hosts_of, is_allowed, repair_path


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url  # what is tested here never reaches a database, or does not care which


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"PATH_INFO": "/caf%C3%A9", "REQUEST_URI": "/caf%C3%A9?q=1"}, "/caf\xc3\xa9"),
        ({"SCRIPT_NAME": "/app", "PATH_INFO": "/a%20b", "REQUEST_URI": "/app/a%20b"}, "/a b"),
        ({"PATH_INFO": "/a%20b", "REQUEST_URI": "/a%2520b"}, "/a%20b"),  # decoded by the server already
        ({"PATH_INFO": "/a%20b"}, "/a%20b"),
        ({"PATH_INFO": "/100%", "REQUEST_URI": "/100%25"}, "/100%"),
    ],
)
def test_a_path_is_unquoted_once_and_only_where_the_server_has_not(environ: dict[str, str], path: str) -> None:
    repair_path(environ)
    assert environ["PATH_INFO"] == path


def test_a_path_that_passenger_left_encoded_finds_its_route(client: FlaskClient) -> None:
    for path, status in (("/%68ealthz", 200), ("/healthz%2F", 404), ("/%ff%00", 404)):
        environ = {"PATH_INFO": path, "REQUEST_URI": path}
        assert client.get("/", environ_overrides=environ).status_code == status


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "evilexample.com",
        "book.example.org.",
        "book.example.org.evil.example",
        "book.example.org:",
        "book.example.org:999999",
        "*.example.com",
    ],
)
def test_a_star_stands_for_every_name_below_and_for_nothing_else(host: str) -> None:
    allowed = ("book.example.org", "*.example.com")
    assert all(is_allowed(ours, allowed) for ours in ("book.example.org", "BOOK.example.org:443", "a.b.example.com"))
    assert not is_allowed(host, allowed)


@pytest.mark.parametrize(
    ("line", "hosts"),
    [
        ("/healthz", ["book.example.org"]),
        ("*", ["book.example.org"]),
        ("//evil.example/healthz", ["book.example.org"]),  # a path, whatever it looks like
        ("/healthz?next=http://evil.example", ["book.example.org"]),
        ("http://evil.example/healthz", ["book.example.org", "evil.example"]),
        ("HTTPS://book.example.org:443@evil.example", ["book.example.org", "book.example.org:443@evil.example"]),
        ("http:///healthz", ["book.example.org", ""]),
        ("x://evil.example?/", ["book.example.org", "evil.example"]),
    ],
)
def test_a_host_in_the_request_line_counts_beside_the_header(line: str, hosts: list[str]) -> None:
    assert hosts_of({"HTTP_HOST": "book.example.org", "RAW_URI": line}) == hosts
    assert hosts_of({"HTTP_HOST": "book.example.org", "REQUEST_URI": line}) == hosts


@pytest.mark.parametrize(
    ("line", "status"),
    [("http://localhost/healthz", 200), ("http://evil.example/healthz", 400), ("http://localhost:1@evil/healthz", 400)],
)
def test_a_request_line_with_a_strange_host_is_refused(client: FlaskClient, line: str, status: int) -> None:
    for name in ("RAW_URI", "REQUEST_URI"):
        environ = {"RAW_URI": "", "REQUEST_URI": "", name: line}
        assert client.get("/healthz", environ_overrides=environ).status_code == status


@pytest.mark.parametrize("error", [RuntimeError("inside"), SystemExit(3), BaseException("inside"), RecursionError()])
def test_no_exception_in_a_view_reaches_the_server_or_the_visitor(
    app: Flask,
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: BaseException,
) -> None:
    def fail() -> None:
        raise error

    view = app.view_functions["operations.operations_health"]
    client.get("/healthz")
    monkeypatch.setattr(view, "_handler", fail)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert "inside" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-Id"] == answer.json["request_id"]
    logged = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert (logged["event"], logged["request_id"]) == ("unexpected_error", answer.json["request_id"])
    assert type(error).__name__ in logged["trace"]
    monkeypatch.setattr(view, "_handler", operations.health)
    assert client.get("/healthz").status_code == 200


def test_an_interrupt_is_not_swallowed(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    client.get("/healthz")
    monkeypatch.setattr(app.view_functions["operations.operations_health"], "_handler", interrupt)
    with pytest.raises(KeyboardInterrupt):
        client.get("/healthz")


def caller(settings: Settings, proxies: int) -> Callable[..., tuple[str, str]]:
    program = create_app(dataclasses.replace(settings, trusted_proxies=proxies))
    seen: list[str] = []
    program.before_request(lambda: seen.append(sys.modules["flask"].request.remote_addr))

    def call(**headers: str) -> tuple[str, str]:
        answer = program.test_client().get("/healthz", headers={k.replace("_", "-"): v for k, v in headers.items()})
        return seen.pop(), answer.headers["X-Request-Id"]

    return call


def test_proxies_are_believed_as_far_as_they_are_counted(settings: Settings) -> None:
    chain = {"X_Forwarded_For": "6.6.6.6, 203.0.113.7, 198.51.100.2", "X_Request_Id": "from-the-proxy-1"}
    assert caller(settings, 0)(**chain)[0] == "127.0.0.1"
    assert caller(settings, 0)(**chain)[1] != "from-the-proxy-1"
    assert caller(settings, 1)(**chain) == ("198.51.100.2", "from-the-proxy-1")
    assert caller(settings, 2)(**chain)[0] == "203.0.113.7"


@pytest.mark.parametrize(
    ("name", "lie"),
    [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-Port", "6666"),
        ("Forwarded", "host=evil.example"),
    ],
)
def test_a_trusted_proxy_says_who_and_how_but_not_where(settings: Settings, name: str, lie: str) -> None:
    program = create_app(dataclasses.replace(settings, trusted_proxies=1))
    seen: list[str] = []
    program.before_request(lambda: seen.append(sys.modules["flask"].request.url))
    assert program.test_client().get("/healthz", headers={name: lie}).status_code == 200
    assert seen == ["http://localhost/healthz"]


@pytest.mark.parametrize("lie", ["evil", "https,http", "javascript:", "\xff", " ", "x" * 8000])
def test_a_scheme_or_address_that_is_none_makes_nothing_fail(settings: Settings, lie: str) -> None:
    program = create_app(dataclasses.replace(settings, trusted_proxies=1))
    for name in ("X-Forwarded-Proto", "X-Forwarded-For"):
        answer = program.test_client().get("/api/v1/venues", headers={name: lie})
        assert answer.status_code == 200
        assert lie.strip() not in {answer.text, answer.headers.get("Location")}


def test_a_complaint_of_the_server_about_a_body_is_the_visitors_fault(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def read_chunks() -> None:
        raise InvalidChunkSize(b"zz")

    client.get("/healthz")
    monkeypatch.setattr(app.view_functions["operations.operations_health"], "_handler", read_chunks)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    assert not caplog.records


def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_in_vain(**_: object) -> None:
        raise PoolTimeout

    client.get("/api/v1/venues")
    monkeypatch.setattr(app.view_functions["api.catalogue_list_venues"], "_handler", wait_in_vain)
    answer = client.get("/api/v1/venues")
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (503, "busy", "1")
    assert "connection" not in answer.text


@pytest.mark.parametrize("name", ["short", "x" * 65, "with space", "new\tline", "<script>"])
def test_a_name_for_a_request_is_a_plain_word(settings: Settings, name: str) -> None:
    assert caller(settings, 1)(X_Request_Id=name)[1] != name
