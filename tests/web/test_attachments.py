"""Files of bookings over HTTP: forms, raw bodies, downloads in parts, and who sends them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.runtime.settings import Settings
from app.services import downloads, files
from tests.services.counter import png
from tests.web.conftest import Hall, token_of
from tests.web.forms import form
from tests.web.people import make_person

TEXT = b"a line of text\n" * 100


@dataclasses.dataclass
class Guest:
    """Somebody with a booking and its manage token."""

    hall: Hall

    def __post_init__(self) -> None:
        booked = self.hall.book()
        self.ref, self.headers = booked.json["ref"], {"X-Manage-Token": token_of(booked)}
        self.path = f"/api/v1/bookings/{self.ref}/attachments"

    def send(self, content: bytes, name: str = "a.txt", **headers: str) -> TestResponse:
        return self.hall.client.post(self.path, **form(file=(content, name)), headers={**self.headers, **headers})

    def send_raw(self, content: bytes, **headers: str) -> TestResponse:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.hall.client.post(self.path, data=content, headers={**self.headers, **told})

    def get(self, made: TestResponse, method: str = "GET", **headers: str) -> TestResponse:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"{self.path}/{made.json['id']}"
        return self.hall.client.open(path, method=method, headers={**self.headers, **told})


@pytest.fixture
def guest(hall: Hall) -> Guest:
    return Guest(hall)


def code_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, (answer.json.get("errors") or [answer.json])[0]["code"]


def test_a_form_adds_a_file_that_is_listed_and_downloaded(guest: Guest) -> None:
    made = guest.send(TEXT, "Ölçü.txt")
    assert made.status_code == 201
    assert made.json == {
        "id": made.json["id"],
        "name": "Ölçü.txt",
        "media_type": "text/plain",
        "size_bytes": len(TEXT),
        "sha256": hashlib.sha256(TEXT).hexdigest(),
        "from_venue": False,
        "field_key": None,
        "created_at": made.json["created_at"],
    }
    assert guest.hall.client.get(guest.path, headers=guest.headers).json == {"items": [made.json]}
    assert guest.get(made).data == TEXT


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="plan.txt"', "plan.txt"),
        ("attachment; filename*=UTF-8''%E2%82%AC%20rates.txt", "€ rates.txt"),
        ("", "file.txt"),
        ('attachment; filename="../../.htaccess"', "htaccess.txt"),
    ],
)
def test_a_raw_body_is_named_by_its_disposition(guest: Guest, disposition: str, name: str) -> None:
    made = guest.send_raw(TEXT, Content_Type="text/plain", Content_Disposition=disposition)
    assert (made.status_code, made.json["name"]) == (201, name)


def test_a_download_is_saved_and_never_run(guest: Guest) -> None:
    answer = guest.get(guest.send(TEXT, "naïve plan.txt"))
    headers = answer.headers
    assert headers["Content-Disposition"].startswith("attachment; filename=\"naive plan.txt\"; filename*=UTF-8''na")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["Content-Length"] == str(len(TEXT))
    assert headers["Cache-Control"] == "no-store"
    assert headers["Accept-Ranges"] == "bytes"


def test_a_download_is_sent_as_it_is_whatever_the_client_could_unpack(guest: Guest) -> None:
    answer = guest.get(guest.send(TEXT), Accept_Encoding="br, gzip")
    assert "Content-Encoding" not in answer.headers
    assert answer.data == TEXT


@pytest.mark.parametrize(
    ("header", "status", "part"),
    [
        ("bytes=0-3", 206, TEXT[:4]),
        ("bytes=1490-", 206, TEXT[1490:]),
        ("bytes=-5", 206, TEXT[-5:]),
        ("bytes=0-99999", 206, TEXT),
        ("bytes=0-1,3-4", 200, TEXT),
        ("lines=1-2", 200, TEXT),
    ],
)
def test_a_part_is_sent_where_one_is_asked_for(guest: Guest, header: str, status: int, part: bytes) -> None:
    answer = guest.get(guest.send(TEXT), Range=header)
    assert (answer.status_code, answer.data) == (status, part)
    assert answer.headers["Content-Length"] == str(len(part))


def test_a_part_behind_the_end_is_refused_with_the_size(guest: Guest) -> None:
    answer = guest.get(guest.send(TEXT), Range="bytes=1500-")
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */1500")


def test_a_part_of_another_file_is_the_whole_of_this(guest: Guest) -> None:
    made = guest.send(TEXT)
    tag = guest.get(made).headers["ETag"]
    assert tag == f'"{made.json["sha256"]}"'
    assert guest.get(made, Range="bytes=0-3", If_Range=tag).status_code == 206
    assert guest.get(made, Range="bytes=0-3", If_Range='"another"').status_code == 200
    assert guest.get(made, If_None_Match=tag).status_code == 304


def test_head_tells_all_and_sends_nothing(guest: Guest) -> None:
    answer = guest.get(guest.send(TEXT), "HEAD")
    assert (answer.data, answer.headers["Content-Length"]) == (b"", "1500")


def test_a_download_lets_go_of_its_file_and_holds_no_connection(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    made, closed = guest.send(TEXT), []

    class Watched(Iterator[bytes]):
        def __next__(self) -> bytes:
            raise StopIteration

        def close(self) -> None:
            closed.append(True)

    monkeypatch.setattr(downloads, "open_content", lambda *_: Watched())
    answer = guest.hall.client.get(f"{guest.path}/{made.json['id']}", headers=guest.headers, buffered=False)
    assert closed == []
    answer.close()
    assert closed


@pytest.mark.parametrize(
    ("sending", "name", "value"),
    [
        ("x-sendfile", "X-Sendfile", "{folder}/content/{head}/{sha}"),
        ("x-accel:/kept/", "X-Accel-Redirect", "/kept/content/{head}/{sha}"),
        ("litespeed:/kept/", "X-LiteSpeed-Location", "/kept/content/{head}/{sha}"),
    ],
)
def test_the_web_server_in_front_is_told_what_to_send(
    app: Flask, guest: Guest, settings: Settings, sending: str, name: str, value: str
) -> None:
    app.extensions["settings"] = dataclasses.replace(settings, file_sending=sending)
    made = guest.send(TEXT)
    answer = guest.get(made)
    sha = made.json["sha256"]
    assert (settings.upload_dir / "content" / sha[:2] / sha).stat().st_mode & 0o777 == 0o640
    assert answer.headers[name] == value.format(folder=settings.upload_dir, head=sha[:2], sha=sha)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("sending", ["stream", "x-sendfile", "x-accel:/kept/"])
def test_content_that_is_gone_is_not_found(app: Flask, guest: Guest, settings: Settings, sending: str) -> None:
    made = guest.send(TEXT)
    app.extensions["settings"] = dataclasses.replace(settings, file_sending=sending)
    files.storage(settings).delete(made.json["sha256"])
    assert code_of(guest.get(made)) == (404, "not_found")


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({}, (422, "required")),
        ({"note": "x"}, (422, "unknown")),
        ({"picture": (TEXT, "a.txt")}, (422, "unknown")),
        ({"file": "no file"}, (422, "unknown")),
        ({"file": [(TEXT, "a.txt"), (TEXT, "b.txt")]}, (413, "payload_too_large")),
        ({"file": (b"\0", "a.bin")}, (422, "type_not_allowed")),
    ],
)
def test_another_form_is_refused_and_leaves_nothing(
    guest: Guest, settings: Settings, fields: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert code_of(guest.hall.client.post(guest.path, **form(**fields), headers=guest.headers)) == refusal
    assert [path for path in settings.upload_dir.rglob("*") if path.is_file()] == []
    assert guest.hall.client.get(guest.path, headers=guest.headers).json == {"items": []}


def test_a_body_of_no_type_and_a_compressed_one_are_refused(guest: Guest) -> None:
    assert guest.send_raw(TEXT).status_code == 415
    assert guest.send_raw(TEXT, Content_Type="text/plain", Content_Encoding="gzip").status_code == 415


def test_the_limit_of_other_routes_still_holds_for_json(guest: Guest) -> None:
    body = b'{"upload_id":"%s"}' % (b"0" * 2 * 1024 * 1024)
    assert guest.send_raw(body, Content_Type="application/json").status_code == 413


def test_the_same_key_adds_one_file(guest: Guest) -> None:
    first = guest.send(TEXT, **{"Idempotency-Key": "k"})
    second = guest.send(TEXT, **{"Idempotency-Key": "k"})
    assert (second.status_code, second.json, second.headers["Idempotency-Replayed"]) == (201, first.json, "true")
    other = guest.send(TEXT + b"more", **{"Idempotency-Key": "k"})
    assert code_of(other) == (422, "idempotency_mismatch")
    assert len(guest.hall.client.get(guest.path, headers=guest.headers).json["items"]) == 1


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_another_sites_form_adds_nothing(guest: Guest, origin: str) -> None:
    assert code_of(guest.send(TEXT, Origin=origin)) == (403, "forbidden")


def test_a_signed_in_form_needs_the_csrf_token(app: Flask, guest: Guest) -> None:
    admin = make_person("admin")
    what = {"data": TEXT, "headers": {"Content-Type": "text/plain"}}
    assert admin.without("X-CSRF-Token").ask(app, "POST", guest.path, **what).status_code == 403
    made = admin.ask(app, "POST", guest.path, **what)
    assert (made.status_code, made.json["from_venue"]) == (201, True)


def test_a_link_opens_one_file_for_a_while(guest: Guest, settings: Settings) -> None:
    made, now = guest.send(TEXT), datetime.now(timezone.utc)
    link = downloads.file_link(settings, made.json["id"], valid=timedelta(hours=1), now=now)
    assert link.startswith(settings.base_url)
    path = link.removeprefix(settings.base_url)
    answer = guest.hall.client.get(path)
    assert (answer.status_code, answer.data) == (200, TEXT)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    over = downloads.file_link(settings, made.json["id"], valid=timedelta(seconds=-1), now=now)
    head, _, tail = path.partition("-")
    for wrong in (over, f"{head}0-{tail}", f"{path[:-1]}{'A' if path[-1] != 'A' else 'B'}", path.replace("-", "_", 1)):
        assert guest.hall.client.get(wrong.removeprefix(settings.base_url)).status_code == 404


def test_photos_are_public_and_kept_for_good(app: Flask, hall: Hall) -> None:
    path = f"/resources/{hall.resource_id}/photos"
    admin = make_person("admin")
    photo = form(file=(png(width=40, height=30), "front.png"))
    made = admin.ask(app, "POST", f"/api/v1/admin{path}", **photo)
    assert (made.status_code, made.json["width"], made.json["height"]) == (201, 40, 30)
    listed = hall.client.get(f"/api/v1{path}").json["items"]
    assert listed == [made.json]
    shown = hall.client.get(listed[0]["path"])
    assert shown.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert shown.headers["Content-Disposition"] == 'inline; filename="front.png"'
    assert "Set-Cookie" not in shown.headers
    assert hall.client.get(listed[0]["path"], headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    assert admin.ask(app, "DELETE", f"/api/v1/admin{path}/{made.json['id']}").status_code == 204
    assert hall.client.get(listed[0]["path"]).status_code == 404


@pytest.mark.parametrize("content", [TEXT, b"%PDF-1.7", b"GIF89a" + b"\2\0\1\0"])
def test_what_is_no_photo_is_not_put_on_a_resource(app: Flask, hall: Hall, content: bytes) -> None:
    path = f"/api/v1/admin/resources/{hall.resource_id}/photos"
    assert code_of(make_person("admin").ask(app, "POST", path, **form(file=(content, "a.png")))) == (
        422,
        "type_not_allowed",
    )
