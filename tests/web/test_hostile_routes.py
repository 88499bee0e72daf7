"""Every route, and what nobody polite sends it: no fault of ours, no row changed, nothing believed that a stranger says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import get_type_hints

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.persistence import session
from app.web.lazy import LazyView
from app.web.routes import TABLE, Route
from tests.web.conftest import Hall
from tests.web.hostile_bodies import BIG, BODIES
from tests.web.people import make_person
from tests.web.untouched import contents

pytestmark = [pytest.mark.system, pytest.mark.walk]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url  # what is tested here is turned away before a database, or by both alike


ROUTES = [(prefix + route.rule, route) for _, prefix, rows in TABLE for route in rows]
READS = [(rule, route) for rule, route in ROUTES if route.method == "GET"]
WRITES = [(rule, route) for rule, route in ROUTES if route.method != "GET"]
VARIABLE = re.compile(r"<(\w+):\w+>")
SAMPLE = {"id": "1", "word": "CFGH-2345", "topic": "booking.confirmed"}

QUERIES = [
    f"limit={BIG}", f"cursor={BIG}", f"venue_id={BIG}", f"service_id={BIG}", f"resource_id={BIG}", f"party_size={BIG}",
    "limit=1&limit=2", "limit[]=1", "limit=1;limit=2", "cursor=1%0a", "cursor=%00", "limit=%ff", "%ff=%ff", "%00=1",
    "=", "&&&", "x", "limit", "limit=NaN", "limit=Infinity", "limit=-0", "limit=1_0", "limit=%D9%A1", "token=%ed%a0%80",
    "from=0001-01-01&to=0001-01-02", "from=9999-12-31&to=9999-12-31", "from=2027-02-30&to=2027-03-01",
    "from=2027-01-01%0a&to=2027-01-02", "from=1e9&to=1e10", "starts_at=0001-01-01T00:00:00Z",
    "starts_at=0001-01-01T00:00:00%2B23:59", "starts_at=9999-12-31T23:59:59-23:59", "starts_at=1", "starts_at=%00",
    "&".join(f"a{n}=1" for n in range(2000)), "limit=" + "1" * 5000, "x" * 50_000 + "=1",
]  # fmt: skip
SEGMENTS = [
    str(BIG), "-1", "0", "00", "1.0", "1e0", "%EF%BC%91", "..", "%2e%2e", "%2E%2E%2F", "%252e%252e", "1%00", "%00", "1%0a", "%0d%0a",
    "%ff", "%c0%af", "%ed%a0%80", "a%5Cb", "a\\b", "a;x=1", "a%3Bx", "1%20", "1%2f", "%e2%80%ae", "a" * 65, "a" * 50_000, "%",
    "%zz", "*", "<script>",
]  # fmt: skip
METHODS = ["TRACE", "CONNECT", "PROPFIND", "PATCH", "PUT", "LOCK", "get", "Post", "dElete", "A" * 500, "G\u00ebT"]
LIES = {
    "Forwarded": "for=6.6.6.6;host=evil.example;proto=https",
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "6666",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Proto": "evil",
    "X-Forwarded-Server": "evil.example",
    "X-Host": "evil.example",
    "X-HTTP-Method-Override": "DELETE",
    "X-HTTP-Method": "DELETE",
    "X-Method-Override": "DELETE",
    "X-Original-URL": "/api/v1/venues",
    "X-Rewrite-URL": "/api/v1/venues",
    "X-Original-Host": "evil.example",
    "X-Real-IP": "127.0.0.1",
    "X-Script-Name": "/evil",
    "Proxy": "http://evil.example",
    "Upgrade": "h2c",
    "X-Request-Id": "chosen-by-me-1",
}
ODD = {
    "Accept": "text/html;q=nan, */*;q=1e999, \xff",
    "Accept-Encoding": "gzip;q=nan, br;q=1e999, *;q=\xff",
    "Accept-Language": "x" * 8000,
    "Authorization": "Digest \xff",
    "Cookie": 'slotkeeper="a\\"b\\377"; slotkeeper=x; __Host-slotkeeper=\xff; =; ;;; a=%00; $Version=1',
    "If-Match": 'W/"' + "9" * 30 + '"',
    "If-None-Match": 'W/"\xff", *, "' + "a," * 2000,
    "If-Modified-Since": "Thu, 99 Foo 99999 99:99:99 GMT",
    "Origin": "null, \xff",
    "Range": "bytes=0-" + "9" * 30 + ",-1,x",
    "Referer": "\xff\xfe",
    "User-Agent": "\xff" * 500,
    "X-CSRF-Token": "\xff",
    "X-Manage-Token": "\xff,\xfe",
    "Content-Length": "0",
}
COOKIES = [
    "slotkeeper=" + "x" * 8170,
    "; ".join(f"slotkeeper={n}" for n in range(800)),
    '"',
    "a=\x80; slotkeeper",
    ";" * 8000,
]


@pytest.fixture
def _nothing_is_written(hall: Hall) -> Iterator[None]:
    """Fail where a request has changed a row of any table."""
    del hall
    before = contents(session.engine())
    yield
    assert contents(session.engine()) == before


def path_of(rule: str) -> str:
    return VARIABLE.sub(lambda found: SAMPLE[found[1]], rule)


def is_refused(answer: TestResponse) -> bool:
    assert 400 <= answer.status_code < 500, (answer.status, answer.text[:300])
    assert answer.mimetype == "application/problem+json"
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    return True


def is_sound(answer: TestResponse) -> bool:
    """Tell whether it is an answer and not a fault, and quotes nothing that a page could run."""
    assert answer.status_code < 500, (answer.status, answer.text[:300])
    assert answer.mimetype != "text/html"
    return True


@pytest.mark.parametrize(("rule", "route"), WRITES, ids=lambda value: value if isinstance(value, str) else value.method)
@pytest.mark.usefixtures("_nothing_is_written")
def test_no_body_makes_a_route_fail_or_write(hall: Hall, rule: str, route: Route) -> None:
    for what, data in BODIES.items():
        answer = hall.client.open(path_of(rule), method=route.method, data=data, content_type="application/json")
        assert is_refused(answer), what


@pytest.mark.parametrize("stage", ["full", "totp", "enrol"])
def test_no_body_makes_a_route_fail_or_write_for_an_administrator(app: Flask, hall: Hall, stage: str) -> None:
    del hall
    person = make_person("admin", stage=stage)
    before = contents(session.engine())
    for rule, route in WRITES:
        if "body" not in get_type_hints(LazyView(route).load()):
            continue  # what it is sent is not read
        for what, data in BODIES.items():
            answer = person.ask(app, route.method, path_of(rule), data=data, content_type="application/json")
            assert is_refused(answer), (rule, what)
    assert contents(session.engine()) == before


def test_no_query_makes_a_route_fail_for_an_administrator(app: Flask, hall: Hall) -> None:
    del hall
    person = make_person("admin")
    before = contents(session.engine())
    for rule, _ in READS:
        for query in QUERIES:
            assert is_sound(person.ask(app, "GET", f"{path_of(rule)}?{query}")), (rule, query[:100])
    assert contents(session.engine()) == before


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json, text/plain",
        "application/json;charset=utf-7", "application/json;charset=utf-16", 'application/json; charset="\xff"',
        "application/jsonp", "text/json", "application/json+x", "*/*", "json", ";", "\xff",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("_nothing_is_written")
def test_what_a_page_of_another_site_can_send_is_not_taken(hall: Hall, kind: str) -> None:
    data = json.dumps(hall.body(10)).encode()
    for path in ("/api/v1/bookings", "/api/v1/holds"):
        answer = hall.client.post(path, data=data, headers={"Content-Type": kind})
        assert is_refused(answer)
        assert answer.status_code == 415


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "GZIP", "identity, gzip", "x", "\xff"])
@pytest.mark.usefixtures("_nothing_is_written")
def test_a_coded_body_is_not_unpacked(hall: Hall, coding: str) -> None:
    answer = hall.client.post("/api/v1/bookings", json=hall.body(10), headers={"Content-Encoding": coding})
    assert is_refused(answer)
    assert answer.status_code == 415


@pytest.mark.usefixtures("_nothing_is_written")
def test_a_body_that_says_nothing_of_its_kind_is_not_guessed(hall: Hall) -> None:
    data = json.dumps(hall.body(10)).encode()
    assert hall.client.post("/api/v1/bookings", data=data).status_code == 415


@pytest.mark.parametrize(("rule", "route"), READS, ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.usefixtures("_nothing_is_written")
def test_no_query_makes_a_route_fail(hall: Hall, rule: str, route: Route) -> None:
    del route
    for query in QUERIES:
        assert is_sound(hall.client.get(f"{path_of(rule)}?{query}")), query[:100]


@pytest.mark.parametrize(
    ("rule", "route"), [row for row in ROUTES if VARIABLE.search(row[0])], ids=lambda value: str(value)[:60]
)
@pytest.mark.usefixtures("_nothing_is_written")
def test_a_segment_that_is_no_name_leads_nowhere(hall: Hall, rule: str, route: Route) -> None:
    for segment in SEGMENTS:
        answer = hall.client.open(VARIABLE.sub(segment.replace("\\", r"\\"), rule), method=route.method, json={})
        assert is_refused(answer), segment[:100]
        assert answer.status_code in {401, 404, 405, 422}, (segment[:100], answer.status)


@pytest.mark.parametrize(("rule", "route"), ROUTES, ids=lambda value: value if isinstance(value, str) else value.method)
@pytest.mark.usefixtures("_nothing_is_written")
def test_no_method_makes_a_route_fail_or_write(hall: Hall, rule: str, route: Route) -> None:
    del route
    for method in METHODS:
        assert is_sound(hall.client.open(path_of(rule), method=method)), method


@pytest.mark.parametrize("name", LIES)
@pytest.mark.usefixtures("_nothing_is_written")
def test_no_header_but_host_says_who_asks_where_or_what(hall: Hall, name: str) -> None:
    for rule, route in READS:
        plain = hall.client.get(path_of(rule))
        lied = hall.client.get(path_of(rule), headers={name: LIES[name]})
        assert (lied.status_code, _told(lied)) == (plain.status_code, _told(plain)), route.view
        assert "evil" not in lied.text + str(lied.headers)
        assert lied.headers["X-Request-Id"] != LIES[name]


def _told(answer: TestResponse) -> object:
    """Return what an answer says, but for the name of its request."""
    return {name: value for name, value in answer.json.items() if name != "request_id"}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.usefixtures("_nothing_is_written")
def test_no_header_makes_a_route_fail(hall: Hall, name: str) -> None:
    for rule, route in READS:
        assert is_sound(hall.client.get(path_of(rule), headers={name: ODD[name]})), route.view
    answer = hall.client.post(
        "/api/v1/bookings", data=b"{", headers={name: ODD[name], "Content-Type": "application/json"}
    )
    assert is_refused(answer)


@pytest.mark.parametrize("cookie", COOKIES, ids=lambda value: value[:12])
@pytest.mark.usefixtures("_nothing_is_written")
def test_no_cookie_makes_a_route_fail(hall: Hall, cookie: str) -> None:
    for rule, route in READS:
        assert is_sound(hall.client.get(path_of(rule), headers={"Cookie": cookie})), route.view


@pytest.mark.usefixtures("_nothing_is_written")
def test_a_number_past_every_column_is_refused_wherever_a_number_stands(hall: Hall) -> None:
    for field in ("service_id", "resource_id", "party_size", "duration_minutes"):
        answer = hall.book(10, **{field: BIG})
        assert is_refused(answer)
        assert answer.json["errors"][0]["field"] == field
    assert is_refused(hall.book(10, answers={"a": BIG}))


@pytest.mark.usefixtures("_nothing_is_written")
def test_a_line_break_behind_a_cursor_is_no_cursor(hall: Hall) -> None:
    answer = hall.client.get("/api/v1/venues?cursor=1%0a")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "cursor")
