"""gunicorn behind nginx, both as the docs say: what visitors meet, and what they cannot make either of them believe."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import cast

import pytest

from app.web.routes import TABLE
from tests.conftest import IS_CI
from tests.system import activation, nginx, servers
from tests.system.exporting import RANGE, fill
from tests.system.fronting import Place, Visitor, fronted
from tests.system.halls import booking
from tests.system.hosted import code_in, connections

ROWS, LEAVERS = 20_000, 12  # more leavers than both workers have places for exports
API, HERE = "/api/v1", "127.0.0.7"  # an address of this machine that nobody else uses
ADA = "ada.lovelace@example.org"
EXPORT = f"{API}/admin/bookings/export.csv?{RANGE}"
FORGED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
    "X-Request-Id": "forged-request-id",
    "Script-Name": "/evil",
    "X_Forwarded_For": "203.0.113.9",
    "Connection": "close, X-Forwarded-For, X-Forwarded-Proto",
}
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(nginx.missing()) and not IS_CI, reason=nginx.missing() or "it is there"),
]


@pytest.fixture(scope="module")
def filled(mariadb_server: servers.MariaDB) -> Iterator[tuple[Place, str]]:
    with fronted(mariadb_server, "fronted") as found:
        yield found, fill(found.engine, ROWS)[1]


@pytest.fixture
def place(filled: tuple[Place, str]) -> Place:
    return filled[0]


@pytest.fixture
def key(filled: tuple[Place, str]) -> str:
    """What a server sends that may read bookings, of which there are many."""
    return filled[1]


@pytest.fixture
def visitor(place: Place) -> Iterator[Visitor]:
    with place.visitor(HERE) as found:
        yield found


def test_the_website_comes_from_its_folder_and_the_program_is_not_asked(place: Place, visitor: Visitor) -> None:
    page = place.front.www / "öffnungszeiten" / "index.html"
    page.parent.mkdir()
    page.write_text("<h1>Früh bis spät</h1>", encoding="utf-8")
    (place.front.www / "site.css").write_text("h1 { color: green }\n" * 100, encoding="ascii")
    asked = place.server.output().count("öffnungszeiten")
    found = visitor.get("/%C3%B6ffnungszeiten/")
    assert (found.status, found.data) == (200, page.read_bytes())
    assert found.headers["content-type"] == "text/html"
    css = visitor.get("/site.css", **{"Accept-Encoding": "gzip"})
    assert (css.headers["content-encoding"], css.headers["x-content-type-options"]) == ("gzip", "nosniff")
    assert visitor.get("/../instance/gunicorn.log").status == 400
    assert visitor.get("/nothing").status == 404
    assert place.server.output().count("öffnungszeiten") == asked


def test_a_visitor_finds_a_time_books_it_and_cancels(place: Place, visitor: Visitor) -> None:
    service, day = place.service([place.room()]), place.day()
    slots = f"{API}/services/{service}/slots?from={day.date()}&to={day.date() + timedelta(days=1)}"
    before = visitor.get(slots, **{"Accept-Encoding": "gzip"})
    assert (before.status, before.headers["content-encoding"]) == (200, "gzip")
    assert visitor.get(slots, **{"If-None-Match": before.headers["etag"]}).status == 304
    shot = booking(service, day + timedelta(hours=10))
    made = visitor.send(shot.path, shot.body)
    assert made.status == 201, made
    assert visitor.get(slots, **{"If-None-Match": before.headers["etag"]}).status == 200
    link = made.document["manage_url"]
    assert link.startswith(f"https://{nginx.HOST}/")
    mine = {"X-Manage-Token": link.partition("?token=")[2], "If-Match": f'W/"{made.document["version"]}"'}
    assert visitor.send(f"{API}/bookings/{made.document['ref']}/cancel", {}, **mine).status == 200


def test_whoever_signs_in_has_a_cookie_for_https_and_a_session_at_the_true_address(
    place: Place, visitor: Visitor
) -> None:
    asked = visitor.send(f"{API}/auth/register", {"name": "Ada", "email": ADA}, **FORGED)
    cookie, *attributes = asked.headers["set-cookie"].split("; ")
    assert cookie.startswith("__Host-slotkeeper=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(attributes)
    servers.until(lambda: bool(letters(place, ADA)))
    csrf = visitor.get(f"{API}/auth/session", Cookie=cookie).document["csrf_token"]
    mine = {"Cookie": cookie, "X-CSRF-Token": csrf}
    code = code_in(letters(place, ADA)[0])
    entered = visitor.send(f"{API}/auth/otp/verify", {"email": ADA, "code": code}, **mine)
    assert entered.status == 200, entered
    sessions = visitor.get(f"{API}/auth/sessions", Cookie=entered.headers["set-cookie"].partition(";")[0]).document
    assert [item["address"] for item in sessions["items"]] == [HERE]


def letters(place: Place, to: str) -> list[str]:
    """Return the texts of the mail that somebody has got."""
    files = (place.front.folder / "mail").glob("*.eml")
    found = [cast("EmailMessage", message_from_bytes(path.read_bytes(), policy=default)) for path in files]
    return [part.get_content() for mail in found if mail["To"] == to and (part := mail.get_body(("plain",)))]


def test_nobody_is_believed_who_says_where_he_comes_from(visitor: Visitor) -> None:
    seen = visitor.get("/api/mirror", **FORGED).document
    assert (seen["address"], seen["scheme"], seen["host"], seen["root"]) == (HERE, "https", nginx.HOST, "")
    told = seen["headers"]
    assert (told["x-forwarded-for"], told["x-forwarded-proto"], told["connection"]) == (HERE, "https", "close")
    assert re.fullmatch(r"[0-9a-f]{32}", told["x-request-id"])
    assert "203.0.113.9" not in json.dumps(told)


def test_a_request_has_one_name_in_the_answer_and_in_both_logs(place: Place, visitor: Visitor) -> None:
    name = visitor.get("/api/mirror?token=secret-of-a-booking").headers["x-request-id"]
    servers.until(lambda: name in place.server.output() and name in place.front.output())
    assert "secret-of-a-booking" not in place.server.output() + place.front.output()
    visitor.get(f"{API}/calendar/{'s3cret' * 5}.ics")
    servers.until(lambda: f"{API}/calendar/(secret).ics" in place.front.output())
    assert "s3crets3cret" not in place.server.output() + place.front.output()


def test_a_host_that_is_not_ours_is_refused(place: Place) -> None:
    with place.visitor() as visitor:
        assert visitor.get(f"{API}/venues").status == 200
        assert visitor.get(f"{API}/venues", Host="evil.example").status == 400


@pytest.mark.parametrize(
    "request_head",
    [
        "POST /api/mirror HTTP/1.1\r\nHost: {host}\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
        "POST /api/mirror HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST /api/mirror HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "GET /api/mirror HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n",
        "GET /api/mirror HTTP/1.1\r\nHost : {host}\r\n\r\n",
    ],
)
def test_a_request_that_two_servers_may_read_in_two_ways_is_read_by_none(place: Place, request_head: str) -> None:
    with place.line() as line:
        line.sendall(request_head.format(host=nginx.HOST).encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 501"}
    assert answer.count(b"HTTP/1.1") == 1


def test_letters_of_all_languages_arrive_once_decoded(visitor: Visitor) -> None:
    assert visitor.get("/api/echo/M%C3%BCnchen%20%E0%A4%B9/100%2520").document == {"text": "München ह/100%20"}


def test_the_first_bytes_of_an_export_come_before_the_last_are_made(place: Place, key: str) -> None:
    with place.paused() as pause, place.begin(EXPORT, Authorization=key) as line, HTTPResponse(line) as answer:
        answer.begin()
        assert answer.status == 200
        assert [name for name in answer.headers if name.lower().startswith("x-accel")] == []
        assert answer.read(1000)
        pause.unlink()  # only now may it go on
        assert answer.read().endswith(f"#rows={ROWS}\r\n".encode())


def test_visitors_who_leave_in_mid_stream_leave_no_connection(
    place: Place, key: str, visitor: Visitor, mariadb_server: servers.MariaDB
) -> None:
    for _ in range(LEAVERS):
        over = ended(place)
        with place.paused(), place.begin(EXPORT, Authorization=key) as line:
            assert line.recv(1000).startswith(b"HTTP/1.1 200 ")
        servers.until(lambda over=over: ended(place) > over)  # type: ignore[misc]
    whole = visitor.get(EXPORT, Authorization=key)
    assert (whole.status, whole.data.endswith(f"#rows={ROWS}\r\n".encode())) == (200, True)
    place.engine.dispose()
    servers.until(lambda: connections(mariadb_server, "fronted", busy=True) == 0)
    place.nobody_died()


def ended(place: Place) -> int:
    """Return how many exports are over for the program, whole or not."""
    return place.server.output().count(f'"GET {EXPORT.partition("?")[0]}" 200 ')


def test_a_body_too_large_is_told_by_the_program_and_a_larger_one_stops_at_nginx(visitor: Visitor) -> None:
    for _ in range(15):  # five were told 502, before gunicorn_config.py heard visitors out
        told = visitor.ask("POST", f"{API}/holds", b" " * (1536 * 1024), {"Content-Type": "application/json"})
        assert (told.status, told.headers["content-type"]) == (413, "application/problem+json")
    stopped = visitor.ask("POST", f"{API}/holds", b" " * (2048 * 1024 + 1), {"Content-Type": "application/json"})
    assert (stopped.status, stopped.headers["content-type"]) == (413, "text/html")


def test_plain_http_is_sent_to_https(place: Place) -> None:
    with Visitor(HTTPConnection("127.0.0.1", place.front.plain_port, timeout=30)) as visitor:
        found = visitor.get(f"{API}/venues?limit=1")
    assert (found.status, found.headers["location"]) == (308, f"https://{nginx.HOST}{API}/venues?limit=1")


def test_whoever_sends_slowly_occupies_no_worker_and_only_so_much_of_nginx(place: Place) -> None:
    head = (
        f"POST /api/mirror HTTP/1.1\r\nHost: {nginx.HOST}\r\nConnection: close\r\nContent-Length: 2\r\n\r\nx".encode()
    )
    most = int(re.findall(r"limit_conn slotkeeper ([0-9]+);", nginx.site())[0])
    with ExitStack() as stack:
        lines = [stack.enter_context(place.line()) for _ in range(most)]
        for line in lines:
            line.sendall(head)
        slow = stack.enter_context(place.visitor())
        servers.until(lambda: slow.get("/healthz").status == 429)
        asked = place.server.output().count('"POST /api/mirror"')
        assert stack.enter_context(place.visitor(HERE)).get("/healthz").status == 200
        assert place.server.output().count('"POST /api/mirror"') == asked
        lines[0].sendall(b"y")
        assert lines[0].recv(100).startswith(b"HTTP/1.1 200 ")
    with place.visitor() as again:
        servers.until(lambda: again.get("/healthz").status == 200)


def test_whatever_takes_files_is_handed_on_as_it_comes() -> None:
    (pattern,) = re.findall(r"location ~ (\S+) \{", nginx.site())
    takers = [
        re.sub(r"<[^>]+>", "7", prefix + route.rule) for _, prefix, routes in TABLE for route in routes if route.takes
    ]
    assert takers
    assert [path for path in takers if not re.search(pattern, path)] == []


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd here")
    for kind in ("service", "socket"):
        text = (activation.DOCUMENTED / f"slotkeeper.{kind}").read_text(encoding="utf-8")
        (tmp_path / f"slotkeeper.{kind}").write_text(
            text.replace("/srv/slotkeeper/app/scripts/start_production.sh", "/bin/true")
        )
    command = ["systemd-analyze", "verify", *map(str, tmp_path.iterdir())]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (found.returncode, found.stdout + found.stderr) == (0, "")
