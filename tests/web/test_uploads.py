"""tus 1.0 over HTTP: what its headers say, and what is answered when they say it wrongly."""

from __future__ import annotations

import dataclasses
import hashlib
from base64 import b64encode
from email.utils import parsedate_to_datetime

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import create_app
from app.runtime.settings import Settings
from tests.services.counter import png
from tests.web.conftest import Hall, token_of
from tests.web.people import Person, make_person

UPLOADS = "/api/v1/uploads"
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}
DATA = png(length=1000)


@pytest.fixture
def person(app: Flask) -> Person:
    del app
    return make_person()


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


def begin(app: Flask, person: Person, length: object = len(DATA), **headers: str) -> TestResponse:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return person.ask(app, "POST", UPLOADS, headers={**TUS, "Upload-Length": str(length), **told})


def piece(app: Flask, person: Person, path: str, offset: object, data: bytes, **headers: str) -> TestResponse:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return person.ask(app, "PATCH", path, data=data, headers={**PIECE, "Upload-Offset": str(offset), **told})


def test_anybody_may_ask_what_is_spoken(app: Flask) -> None:
    answer = app.test_client().options(UPLOADS)
    assert answer.status_code == 200
    told = {name: value for name, value in answer.headers.items() if name.startswith("Tus-")}
    assert told == {
        "Tus-Resumable": "1.0.0",
        "Tus-Version": "1.0.0",
        "Tus-Extension": "creation,creation-with-upload,checksum,expiration,termination",
        "Tus-Checksum-Algorithm": "sha256,sha1",
        "Tus-Max-Size": str(200 * 1024 * 1024),
    }


def test_a_file_in_two_pieces_is_attached_by_whoever_booked(app: Flask, hall: Hall, person: Person) -> None:
    booked = person.ask(app, "POST", "/api/v1/bookings", json=hall.body())
    told = f"filename {encoded('ä.png'.encode())},filetype {encoded(b'image/png')}"
    made = begin(app, person, Upload_Metadata=told)
    assert made.status_code == 201
    path = made.headers["Location"]
    assert path == f"{UPLOADS}/{made.json['upload_id']}"
    first = piece(app, person, path, 0, DATA[:400])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "400")
    head = person.ask(app, "HEAD", path, headers=TUS)
    assert (head.status_code, head.headers["Upload-Offset"], head.headers["Upload-Length"]) == (
        200,
        "400",
        str(len(DATA)),
    )
    assert head.headers["Upload-Metadata"] == told
    assert head.headers["Cache-Control"] == "no-store"
    assert parsedate_to_datetime(head.headers["Upload-Expires"])
    assert piece(app, person, path, 400, DATA[400:]).headers["Upload-Offset"] == str(len(DATA))
    assert person.ask(app, "GET", path).json["finished"]
    ref, body = booked.json["ref"], {"upload_id": made.json["upload_id"]}
    attached = person.ask(app, "POST", f"/api/v1/bookings/{ref}/attachments", json=body)
    assert (attached.status_code, attached.json["name"]) == (201, "ä.png")
    assert person.ask(app, "HEAD", path, headers=TUS).status_code == 404


def test_the_first_piece_may_come_with_the_beginning(app: Flask, person: Person) -> None:
    told = {**PIECE, "Upload-Length": str(len(DATA))}
    made = person.ask(app, "POST", UPLOADS, data=DATA[:300], headers=told)
    assert (made.status_code, made.headers["Upload-Offset"]) == (201, "300")
    whole = person.ask(app, "POST", UPLOADS, data=DATA, headers=told)
    assert whole.json["finished"]


def test_a_guest_names_the_booking_and_its_token(app: Flask, hall: Hall) -> None:
    booked = hall.book()
    guest = Person({"X-Manage-Token": token_of(booked)})
    assert begin(app, guest).json["code"] == "sign_in_required"
    told = f"booking_ref {encoded(booked.json['ref'].encode())}"
    path = begin(app, guest, Upload_Metadata=told).headers["Location"]
    assert piece(app, guest, path, 0, DATA).status_code == 204
    assert piece(app, Person(), path, len(DATA), b"").status_code == 404
    assert Person().ask(app, "DELETE", path, headers=TUS).status_code == 404
    assert guest.ask(app, "DELETE", path, headers=TUS).status_code == 204


@pytest.mark.parametrize(
    ("headers", "status", "field"),
    [
        ({"Upload_Length": "-1"}, 422, "Upload-Length"),
        ({"Upload_Length": "0"}, 422, "Upload-Length"),
        ({"Upload_Length": "1e3"}, 422, "Upload-Length"),
        ({"Upload_Length": "9" * 15}, 413, None),
        ({"Upload_Defer_Length": "1"}, 422, "Upload-Defer-Length"),
        ({"Upload_Metadata": "filename !"}, 422, "Upload-Metadata"),
        ({"Upload_Metadata": f"filename {encoded(b'a')},filename {encoded(b'b')}"}, 422, "Upload-Metadata"),
        ({"Upload_Metadata": f"filename {encoded(bytes([255]))}"}, 422, "Upload-Metadata"),
        ({"Upload_Metadata": f"colour {encoded(b'red')}"}, 422, "Upload-Metadata"),
        ({"Upload_Metadata": f"use {encoded(b'resource_photo')}"}, 422, "Upload-Metadata"),
        ({"Upload_Metadata": "x" * 5000}, 422, "Upload-Metadata"),
        ({"Tus_Resumable": "0.2.2"}, 412, None),
        ({"Content_Type": "text/plain"}, 415, None),
    ],
)
def test_a_beginning_that_makes_no_sense_is_refused(
    app: Flask, person: Person, headers: dict[str, str], status: int, field: str | None
) -> None:
    answer = begin(app, person, **headers)
    assert answer.status_code == status
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert [error["field"] for error in answer.json.get("errors", [])] == ([field] if field else [])
    assert ("Tus-Version" in answer.headers) == (status == 412)


def test_a_piece_that_does_not_fit_is_refused_and_nothing_is_lost(app: Flask, person: Person) -> None:
    path = begin(app, person).headers["Location"]
    assert piece(app, person, path, 0, DATA[:100]).status_code == 204
    assert piece(app, person, path, 50, DATA[50:]).status_code == 409
    assert piece(app, person, path, "x", DATA[100:]).status_code == 422
    assert piece(app, person, path, 100, DATA, Content_Type="image/png").status_code == 415
    assert piece(app, person, path, 100, DATA).status_code == 413
    wrong = f"sha256 {encoded(hashlib.sha256(b'').digest())}"
    refused = piece(app, person, path, 100, DATA[100:], Upload_Checksum=wrong)
    assert (refused.status_code, refused.json["code"]) == (460, "checksum_mismatch")
    assert piece(app, person, path, 100, DATA[100:], Upload_Checksum="crc32 AAAA").status_code == 422
    assert piece(app, person, path, 100, DATA[100:], Upload_Checksum="sha256 AAAA").status_code == 422
    assert person.ask(app, "HEAD", path, headers=TUS).headers["Upload-Offset"] == "100"
    right = f"sha1 {encoded(hashlib.sha1(DATA[100:], usedforsecurity=False).digest())}"
    assert piece(app, person, path, 100, DATA[100:], Upload_Checksum=right).status_code == 204


def test_another_persons_upload_is_none(app: Flask, person: Person) -> None:
    path, other = begin(app, person).headers["Location"], make_person()
    assert other.ask(app, "HEAD", path, headers=TUS).status_code == 404
    assert piece(app, other, path, 0, DATA).status_code == 404


def test_a_piece_from_another_site_or_without_the_csrf_token_is_refused(app: Flask, person: Person) -> None:
    path = begin(app, person).headers["Location"]
    assert piece(app, person, path, 0, DATA, Origin="https://evil.example").status_code == 403
    assert piece(app, person.without("X-CSRF-Token"), path, 0, DATA).status_code == 403


def test_a_page_of_a_listed_origin_may_upload_and_read_the_offset(settings: Settings) -> None:
    page = "https://www.example.org"
    client = create_app(dataclasses.replace(settings, cors_origins=(page,))).test_client()
    asked = {"Origin": page, "Access-Control-Request-Method": "PATCH"}
    answer = client.options(f"{UPLOADS}/{'0' * 32}", headers=asked)
    allowed = {name.strip() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Metadata", "Upload-Checksum"} <= allowed
    exposed = {name.strip() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert {"Location", "Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Expires"} <= exposed
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
