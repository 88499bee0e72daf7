"""What nobody polite sends: each must get a 4xx problem, and the next good request its answer."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.persistence import session
from tests.web.conftest import Hall, token_of
from tests.web.hostile_bodies import BODIES
from tests.web.untouched import contents

pytestmark = pytest.mark.long


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url  # what is tested here never reaches a database, or does not care which


BOOKINGS = "/api/v1/bookings"
NAMED = b'{"service_id":1,"starts_at":"2027-01-01T10:00:00Z","customer":{"name":"A","email":"a@b.co"}'


def is_problem(answer: TestResponse, status: int) -> bool:
    assert answer.status_code == status, (answer.status, answer.data[:300])
    assert answer.mimetype == "application/problem+json"
    assert answer.json["type"] == f"/problems/{answer.json['code']}"
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert "Traceback" not in answer.text
    return True


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (b"null", 422),
        (b"[]", 422),
        (b"1", 422),
        (b'"text"', 422),
        (b"{", 400),
        (NAMED + b"}}", 400),
        (NAMED + b',"notes":NaN}', 400),
        (NAMED + b',"answers":{"a":Infinity}}', 400),
        (NAMED + b',"answers":{"a":1e999}}', 422),
        (NAMED + b',"notes":"\\ud800"}', 400),
        (NAMED + b',"notes":"\xff"}', 400),
        (NAMED + b',"notes":"\\u0000"}', 422),
        (NAMED + b',"notes":"a","notes":"b"}', 400),
        (
            b'{"customer":{"name":"A","name":"B","email":"a@b.co"},"service_id":1,"starts_at":"2027-01-01T10:00:00Z"}',
            400,
        ),
        (NAMED + b',"answers":{"a":"1","a":"2"}}', 400),
        (NAMED + b',"answers":{"a":1' + b"0" * 5000 + b"}}", 422),
        (b"[" * 100_000, 422),
        (b'{"notes":' * 50_000, 422),
        (NAMED + b',"answers":' + b"[" * 100_000, 422),
        (b"\xef\xbb\xbf" + NAMED + b"}", 400),
        ((NAMED + b"}").decode().encode("utf-16"), 400),
    ],
)
def test_a_body_that_is_no_sound_json_is_refused(hall: Hall, data: bytes, status: int) -> None:
    before = contents(session.engine())
    answer = hall.client.post(BOOKINGS, data=data, content_type="application/json")
    assert is_problem(answer, status)
    assert contents(session.engine()) == before
    assert hall.book(10).status_code == 201


@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_is_no_sound_json_cancels_nothing(hall: Hall, what: str) -> None:
    booked = hall.book(10)
    before = contents(session.engine())
    address = f"{BOOKINGS}/{booked.json['ref']}/cancel"
    headers = {"X-Manage-Token": token_of(booked), "Content-Type": "application/json"}
    answer = hall.client.post(address, data=BODIES[what], headers=headers)
    assert answer.status_code in {400, 422}
    assert is_problem(answer, answer.status_code)
    assert contents(session.engine()) == before
    assert hall.client.post(address, json={"reason": "a"}, headers=headers).json["status"] == "cancelled"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_only_plain_json_in_utf8_is_taken(hall: Hall, headers: dict[str, str]) -> None:
    assert is_problem(hall.client.post(BOOKINGS, data=NAMED + b"}", headers=headers), 415)


def test_a_body_over_a_mebibyte_is_refused(hall: Hall) -> None:
    data = b'{"notes":"' + b"x" * 1024 * 1024 + b'"}'
    answer = hall.client.post(BOOKINGS, data=data, content_type="application/json")
    assert is_problem(answer, 413)
    assert answer.json["code"] == "payload_too_large"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/venues/", 404),
        ("GET", "/api//v1/venues", 404),
        ("GET", "/api/v1/../v1/venues", 404),
        ("GET", "/api/v1/venues/%ff", 404),
        ("GET", "/api/v1/bookings/a.b", 404),
        ("GET", f"/api/v1/bookings/{'A' * 65}", 404),
        ("GET", "/api/v1/bookings/%00", 404),
        ("GET", f"/api/v1/venues/{'9' * 23}", 404),
        ("GET", f"/api/v1/venues/{'9' * 18}", 404),
        ("DELETE", "/api/v1/holds/x", 404),
        ("GET", "/api/v1/bookings", 405),
        ("PUT", "/api/v1/venues", 405),
        ("TRACE", "/api/v1/venues", 405),
        ("POST", "/healthz", 405),
        ("GET", "/api/v1/venues?limit=0", 422),
        ("GET", "/api/v1/venues?limit=101", 422),
        ("GET", f"/api/v1/venues?limit={'1' * 5000}", 422),
        ("GET", "/api/v1/venues?cursor=-1", 422),
        ("GET", "/api/v1/venues?cursor=1%00", 422),
        ("GET", "/api/v1/venues?limit=%ff", 422),
        ("GET", "/api/v1/venues?limit=1&limit=2", 422),
        ("GET", "/api/v1/venues?q=x", 422),
        ("GET", "/api/v1/venues?limit=1.0", 422),
        ("GET", "/api/v1/venues?limit=1e1", 422),
        ("GET", "/api/v1/venues?limit=%2B1", 422),
        ("GET", "/api/v1/venues?limit=01", 422),
        ("GET", "/api/v1/venues?limit=%EF%BC%91", 422),
        ("GET", "/api/v1/venues?limit=", 422),
        ("GET", "/api/v1/venues?limit=null", 422),
        ("GET", "/api/v1/venues?cursor=", 422),
        ("GET", f"/api/v1/venues?cursor={'1' * 19}", 422),
        ("GET", "/api/v1/venues;x=1", 404),
        ("GET", "/API/V1/venues", 404),
        ("GET", "/api/v1/venues/1%0a", 404),
        ("GET", "/api/v1/venues/1%2f", 404),
        ("GET", "/api/v1/venues/-1", 404),
        ("GET", "/api/v1/services/1%2Fslots%2Fexplain/x", 404),
        ("GET", "/api/v1/services/1/slots/", 404),
        ("DELETE", "/api/v1/holds/%E2%82%AC", 404),
        ("PROPFIND", "/api/v1/venues", 405),
        ("DELETE", "/api/v1/bookings/ABC", 405),
        ("GET", "/api/v1/services?venue_id=null", 422),
        ("GET", "/api/v1/services?venue_id=1.5", 422),
    ],
)
def test_addresses_that_lead_nowhere(hall: Hall, method: str, path: str, status: int) -> None:
    answer = hall.client.open(path, method=method)
    assert is_problem(answer, status)
    assert ("Allow" in answer.headers) == (status == 405)


def test_a_method_cannot_be_smuggled_in_a_header_or_a_query(hall: Hall) -> None:
    token = hall.hold(10).json["token"]
    for headers in ({"X-HTTP-Method-Override": "DELETE"}, {"X-Method-Override": "DELETE"}):
        assert is_problem(hall.client.post(f"/api/v1/holds/{token}?_method=DELETE", headers=headers), 405)
    assert hall.book(10).status_code == 409


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "localhost:80@evil.example",
        "",
        "a b",
        "ex\u00e4mple",
        "localhost:port",
        "127.0.0.1:80:80",
        "[",
        "[::2]",
        "localhost/",
        "localhost\t",
    ],
)
def test_a_host_that_is_not_ours_is_refused(hall: Hall, host: str) -> None:
    assert is_problem(hall.client.get("/api/v1/venues", headers={"Host": host}), 400)


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8000", "127.0.0.1:80", "[::1]", "[::1]:8000"])
def test_a_host_of_ours_is_known_with_any_port(hall: Hall, host: str) -> None:
    assert hall.client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("length", "sent", "status"),
    [
        ("abc", b"", 400),
        ("-5", b"", 400),
        ("+2", b"{}", 400),
        ("2, 2", b"{}", 400),
        ("\xb2", b"{}", 400),
        ("99", b'{"service_id":1}', 400),
        ("99999999", b"{}", 413),
        ("9" * 30, b"{}", 413),
        ("9" * 5000, b"{}", 400),
    ],
)
def test_a_length_that_is_not_true_is_refused(hall: Hall, length: str, sent: bytes, status: int) -> None:
    environ = {"CONTENT_LENGTH": length, "CONTENT_TYPE": "application/json"}
    assert is_problem(hall.client.post(BOOKINGS, data=sent, environ_overrides=environ), status)


def test_a_body_that_broke_off_is_refused_even_where_what_came_is_sound(hall: Hall) -> None:
    data = json.dumps(hall.body(10)).encode()
    environ = {"CONTENT_LENGTH": str(len(data) + 1), "wsgi.input_terminated": True}
    answer = hall.client.post(BOOKINGS, data=data, content_type="application/json", environ_overrides=environ)
    assert is_problem(answer, 400)
    assert "broke off" in answer.json["detail"]


def test_a_body_without_a_length_is_cut_off_at_the_same_size(hall: Hall) -> None:
    endless = io.BytesIO(b'{"notes":"' + b"x" * 2 * 1024 * 1024)
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    answer = hall.client.post(
        BOOKINGS, input_stream=endless, content_type="application/json", environ_overrides=chunked
    )
    assert is_problem(answer, 413)
    assert endless.tell() <= 1024 * 1024 + 65536


@pytest.mark.parametrize("token", ["", "%ff", "%00", "%F0%9F%94%91", "a" * 100_000])
def test_a_token_that_is_no_token_opens_nothing(hall: Hall, token: str) -> None:
    ref = hall.book(10).json["ref"]
    assert is_problem(hall.client.get(f"{BOOKINGS}/{ref}?token={token}"), 404)
    assert is_problem(hall.client.get(f"{BOOKINGS}/{ref}", headers={"X-Manage-Token": "\xff\xfe"}), 404)


def test_an_answer_as_large_as_a_body_may_be_is_refused(hall: Hall) -> None:
    many = {str(n): "y" * 9000 for n in range(100)}
    assert is_problem(hall.book(10, answers=many), 422)
    assert is_problem(hall.book(10, answers={"x" * 500_000: 1}), 422)
    assert is_problem(hall.book(10, **{"x" * 500_000: 1}), 422)
    assert is_problem(hall.book(10, **{"a` - at `$.b`": 1}), 422)


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Original-URL"]
)
def test_what_a_stranger_says_of_a_proxy_is_not_believed(hall: Hall, header: str) -> None:
    booked = hall.book(10, headers={header: "evil.example"})
    assert booked.json["manage_url"].startswith("http://127.0.0.1:8000/")


def test_no_get_changes_anything(hall: Hall) -> None:
    booked = hall.book(10)
    before = hall.slots().headers["ETag"]
    for path in ("", "/cancel", "/reschedule"):
        hall.client.get(
            f"{BOOKINGS}/{booked.json['ref']}{path}?token={booked.json['manage_url'].partition('token=')[2]}"
        )
    assert hall.slots().headers["ETag"] == before


@pytest.mark.parametrize("value", [{"email": "a@" + "b." * 200 + "co"}, {"email": "@" * 900}, {"phone": "+" * 150}])
def test_text_made_to_be_slow_is_not(hall: Hall, value: dict[str, Any]) -> None:
    answer = hall.book(10, customer={"name": "A", **value})
    assert is_problem(answer, 422)


def test_a_year_of_days_is_never_listed(hall: Hall) -> None:
    assert is_problem(hall.slots(days=63), 422)
    assert hall.slots(days=62).status_code == 200
