"""What visitors meet under Passenger, on the smallest account there is: each of these has failed on some host."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from threading import Event, Thread

import brotli
import pytest

from app.persistence import schema
from app.persistence.schema import HEAD
from tests.system import servers
from tests.system.exporting import RANGE, fill
from tests.system.halls import GUEST, booking
from tests.system.hosted import API, Hosted, code_in, connections, hosted
from tests.system.racing import Shot
from tests.system.test_passenger import pytestmark  # noqa: F401 - where there is no Passenger, none of these can be

ROWS, LEAVERS, RESTARTS, VISITORS = 20_000, 20, 5, 4
EXPORT = f"{API}/admin/bookings/export.csv?{RANGE}"
ADA, FAULT = "ada@example.org", "RuntimeError: a whim"


@pytest.fixture(scope="module")
def filled(mariadb_server: servers.MariaDB) -> Iterator[tuple[Hosted, str]]:
    with hosted(mariadb_server, "hosted") as found:
        yield found, fill(found.engine, ROWS)[1]


@pytest.fixture
def place(filled: tuple[Hosted, str]) -> Hosted:
    return filled[0]


@pytest.fixture
def key(filled: tuple[Hosted, str]) -> str:
    """What a server sends that may read bookings, of which there are many."""
    return filled[1]


def test_the_first_start_makes_the_tables_and_runs_as_an_ordinary_user(place: Hosted) -> None:
    with schema.Session(place.engine) as session:
        assert schema.current(session) == HEAD
    status, _, body = place.fetch("/who")
    assert status == 200
    assert json.loads(body) == {"pid": place.process, "uid": (place.server.app / "passenger_wsgi.py").stat().st_uid}
    assert json.loads(body)["uid"] != 0 or os.geteuid() == 0
    assert place.get("/readyz").status == 200


def test_a_visitor_finds_a_time_books_it_and_cancels(place: Hosted) -> None:
    service, day = place.service([place.room()]), place.day()
    slots = f"{API}/services/{service}/slots?from={day.date()}&to={day.date() + timedelta(days=1)}"
    assert service in [item["id"] for item in place.get(f"{API}/services?limit=100").document["items"]]
    _, headers, before = place.fetch(slots)
    assert place.fetch(slots, **{"If-None-Match": headers["etag"]})[0::2] == (304, b"")
    made = place.post(booking(service, day + timedelta(hours=10)))
    assert made.status == 201
    status, _, after = place.fetch(slots, **{"If-None-Match": headers["etag"]})
    assert (status, after == before) == (200, False)
    token = str(made.document["manage_url"]).partition("?token=")[2]
    mine = (("X-Manage-Token", token), ("If-Match", f'W/"{made.document["version"]}"'))
    gone = place.post(Shot(f"{API}/bookings/{made.document['ref']}/cancel", {}, mine))
    assert (gone.status, gone.document["status"]) == (200, "cancelled")
    assert place.fetch(slots)[2] == before


@pytest.mark.parametrize(
    ("path", "status"),
    [(f"{API}/%76enues", 200), (f"{API}/bookings/M%C3%BCnchen", 404), ("/%E0%A4%B9%FF", 404), ("/echo/a%2Fb", 404)],
)
def test_a_path_of_escapes_is_what_it_says_or_is_not_there(place: Hosted, path: str, status: int) -> None:
    found, headers, body = place.fetch(path)
    assert (found, headers["content-type"].partition("+")[2] or "json") == (status, "json"), body


def test_letters_of_all_languages_arrive_once_decoded(place: Hosted) -> None:
    assert place.get("/echo/M%C3%BCnchen%20%E0%A4%B9/100%2520").document == {"text": "München ह/100%20"}


def test_a_code_signs_in_by_cookie_and_nobody_waits_for_the_mail_server(place: Hosted) -> None:
    place.box.has_answered.clear()
    number = len(place.box.envelopes)
    asked = place.post(Shot(f"{API}/auth/register", {"name": "Ada", "email": ADA}))
    assert asked.status == 202
    assert len(place.box.envelopes) == number  # it has the message only once we had our answer
    place.box.has_answered.set()
    cookie = asked.headers["Set-Cookie"].partition(";")[0]
    csrf = place.fetch(f"{API}/auth/session", Cookie=cookie)[2]
    mine = (("Cookie", cookie), ("X-CSRF-Token", json.loads(csrf)["csrf_token"] or ""))
    code = code_in(place.letter(number))
    entered = place.post(Shot(f"{API}/auth/otp/verify", {"email": ADA, "code": code}, mine))
    assert entered.status == 200, entered
    cookie = entered.headers["Set-Cookie"].partition(";")[0]
    assert json.loads(place.fetch(f"{API}/me", Cookie=cookie)[2])["email"] == ADA
    assert place.fetch(f"{API}/me")[0] == 401


def test_a_booking_is_answered_before_the_mail_server_has_its_notice(place: Hosted) -> None:
    place.box.has_answered.clear()
    number = len(place.box.envelopes)
    service = place.service([place.room()])
    assert place.post(booking(service, place.day() + timedelta(hours=10))).status == 201
    assert len(place.box.envelopes) == number
    place.box.has_answered.set()
    place.letter(number)
    assert place.box.envelopes[number].rcpt_tos == [GUEST["email"]]


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br"])
def test_the_first_bytes_of_an_export_come_before_the_last_are_made(place: Hosted, key: str, encoding: str) -> None:
    sent = {"Authorization": key, "Accept-Encoding": encoding}
    with place.having("pause") as pause, place.begin(EXPORT, **sent) as visitor:
        head, _, body = visitor.recv(1000).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert body or visitor.recv(1000)
        pause.unlink()  # only now may it go on
        assert b"".join(iter(lambda: visitor.recv(65536), b""))


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br"])
def test_an_export_that_came_whole_says_so_and_one_that_broke_does_not(place: Hosted, key: str, encoding: str) -> None:
    sent = {"Authorization": key, "Accept-Encoding": encoding}
    _, headers, whole = place.fetch(EXPORT, **sent)
    assert headers.get("content-encoding", "identity") == encoding
    assert is_whole(whole, encoding)
    told = place.server.output().count(FAULT)
    with place.having("break"):
        status, _, broken = place.fetch(EXPORT, **sent)
    assert (status, is_whole(broken, encoding)) == (200, False)  # the server knows no better
    assert len(broken) > 1000
    servers.until(lambda: place.server.output().count(FAULT) > told)
    assert place.fetch(EXPORT, **sent)[2] == whole


def is_whole(data: bytes, encoding: str) -> bool:
    """Tell whether an export is all there, as its reader can."""
    unpack = {"identity": bytes, "gzip": gzip.decompress, "br": brotli.decompress}[encoding]
    try:
        return unpack(data).endswith(f"\r\n#rows={ROWS}\r\n".encode())
    except (EOFError, brotli.error):
        return False


def test_visitors_who_leave_in_mid_stream_leave_no_connection(
    place: Hosted, key: str, mariadb_server: servers.MariaDB
) -> None:
    assert place.fetch(EXPORT, Authorization=key)[0] == 200
    place.engine.dispose()
    process, before = place.process, connections(mariadb_server, "hosted")
    for _ in range(LEAVERS):
        with place.having("pause"), place.begin(EXPORT, Authorization=key) as visitor:
            assert visitor.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert place.get("/who").document["pid"] == process  # which comes to this once it is done with the other
    assert place.get("/readyz").status == 200
    assert connections(mariadb_server, "hosted", busy=True) == 0
    assert connections(mariadb_server, "hosted") <= before
    assert place.process == process


def test_whoever_leaves_the_program_leaves_it_to_the_others(place: Hosted) -> None:
    process = place.process
    status, headers, body = place.fetch("/quit")
    assert (status, headers["content-type"]) == (500, "application/problem+json")
    assert b"Traceback" not in body
    assert place.get("/who").document["pid"] == process


class Crowd:
    """Visitors who ask without a pause and never a second time, and note what was not answered."""

    def __init__(self, place: Hosted) -> None:
        self.place, self.over, self.answered = place, Event(), 0
        self.failed: list[object] = []

    def walk(self) -> None:
        while not self.over.is_set():
            for path in ("/readyz", f"{API}/venues", "/who"):
                try:
                    status = self.place.fetch(path)[0]
                except Exception as error:  # noqa: BLE001 - told to the test, which fails with it
                    self.failed.append(error)
                else:
                    self.answered += 1
                    self.failed.extend([] if status == 200 else [(path, status)])


def test_restarts_under_load_fail_no_request(place: Hosted) -> None:
    crowd = Crowd(place)
    threads = [Thread(target=crowd.walk) for _ in range(VISITORS)]
    for thread in threads:
        thread.start()
    try:
        for number in range(1, RESTARTS + 1):
            servers.until(lambda enough=crowd.answered + VISITORS: crowd.answered > enough)  # type: ignore[misc]
            before = place.process
            restart(place, number)
            servers.until(lambda before=before: before not in place.server.processes())  # type: ignore[misc]
            servers.until(lambda: bool(place.server.processes()))
    finally:
        crowd.over.set()
        for thread in threads:
            thread.join()
    assert crowd.failed == []
    assert crowd.answered > RESTARTS * VISITORS


def restart(place: Hosted, number: int) -> None:
    """Touch the file that counts; by its time, in whole seconds, Passenger knows one wish from another."""
    path = place.server.app / "tmp/restart.txt"
    path.touch()
    os.utime(path, (number * 100, number * 100))


def test_a_start_that_fails_shows_visitors_nothing_and_says_why_in_the_log(place: Hosted) -> None:
    wrong = place.server.app / "instance/slotkeeper.toml"
    wrong.write_text("hold_minutes = 0\n")
    restart(place, 90)
    status, headers, body = place.fetch("/readyz")
    assert (status, headers["content-type"].partition(";")[0]) == (500, "text/html")
    for word in (b"Traceback", b"HOLD_MINUTES", b"hold_minutes", bytes(place.server.app), b"create_app"):
        assert word not in body
    reasons = [line for line in place.server.output().splitlines() if "HOLD_MINUTES must be a whole number" in line]
    assert reasons, place.server.output()[-3000:]
    wrong.unlink()
    restart(place, 91)
    servers.until(lambda: place.fetch("/readyz")[0] == 200)


def test_maintenance_is_a_page_and_503_as_long_as_its_file_is_there(place: Hosted) -> None:
    flag = place.server.site.flag
    flag.touch()
    try:
        status, headers, body = place.fetch(f"{API}/venues")
        assert (status, headers["content-type"].partition(";")[0]) == (503, "text/html")
        assert body == place.server.site.page.read_bytes()
    finally:
        flag.unlink()
    assert place.get(f"{API}/venues").status == 200
