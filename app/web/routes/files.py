"""Attachments, uploads in pieces, photos, and links to files."""

from __future__ import annotations

from app.web.access import ANYONE, HOLDER, STAFF, UPLOADER
from app.web.routes.route import READ, WRITE, Route
from app.web.tus import PIECE

PHOTOS = "/resources/<id:resource_id>/photos"
ATTACHMENTS = "/bookings/<word:ref>/attachments"
_UPLOADED = ("multipart/form-data", "application/octet-stream", "application/json")
FILES = (
    Route(HOLDER, "GET", ATTACHMENTS, "attachments.list_all", problems=(404,), scope=READ),
    Route(
        HOLDER,
        "POST",
        ATTACHMENTS,
        "attachments.attach",
        201,
        (404, 409, 422, 507),
        idempotent=True,
        scope=WRITE,
        takes=_UPLOADED,
    ),
    Route(
        HOLDER,
        "GET",
        f"{ATTACHMENTS}/<id:attachment_id>",
        "attachments.read",
        problems=(404, 416),
        scope=READ,
        cached=True,
        gives="*/*",
    ),
    Route(HOLDER, "DELETE", f"{ATTACHMENTS}/<id:attachment_id>", "attachments.remove", 204, (404,), scope=WRITE),
    Route(
        UPLOADER,
        "POST",
        "/uploads",
        "uploads.create",
        201,
        (401, 404, 409, 412, 422, 423, 460, 507),
        scope=WRITE,
        takes=(PIECE,),
    ),
    Route(UPLOADER, "GET", "/uploads/<word:name>", "uploads.read", problems=(404, 412, 423), scope=WRITE),
    Route(
        UPLOADER,
        "PATCH",
        "/uploads/<word:name>",
        "uploads.append",
        204,
        (404, 409, 412, 422, 423, 460, 507),
        scope=WRITE,
        takes=(PIECE,),
    ),
    Route(UPLOADER, "DELETE", "/uploads/<word:name>", "uploads.terminate", 204, (404, 412, 423), scope=WRITE),
    Route(ANYONE, "GET", PHOTOS, "photos.list_all", problems=(404,)),
    Route(
        ANYONE,
        "GET",
        f"{PHOTOS}/<id:photo_id>",
        "photos.read",
        problems=(404, 416),
        cached=True,
        gives="*/*",
    ),
    Route(STAFF, "POST", f"/admin{PHOTOS}", "photos.add", 201, (401, 403, 404, 422, 507), takes=_UPLOADED[:2]),
    Route(STAFF, "DELETE", f"/admin{PHOTOS}/<id:photo_id>", "photos.remove", 204, (401, 403, 404)),
    Route(ANYONE, "GET", "/files/<word:link>", "file_links.read", problems=(404, 416), cached=True, gives="*/*"),
)
