"""Every route in one table: who may call it, its method, its rule, its view, and what its answers promise."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Flask
from werkzeug.routing import BaseConverter

from app.web.access import (
    ADMIN,
    ANYONE,
    ENROLLING,
    FRESH_ADMIN,
    FRESH_MEMBER,
    HALF_WAY,
    HOLDER,
    MEMBER,
    STAFF,
    UPLOADER,
    Policy,
)
from app.web.lazy import LazyRule, LazyView
from app.web.tus import PIECE


@dataclass(frozen=True, slots=True)
class Route:
    """One row: ``view`` is module and function below ``app.web``; ``problems`` are the refusals a caller should expect."""

    policy: Policy
    method: str
    rule: str
    view: str
    status: int = 200
    problems: tuple[int, ...] = ()
    idempotent: bool = False  # takes Idempotency-Key
    versioned: bool = False  # takes If-Match
    cached: bool = False  # takes If-None-Match
    scope: str = ""  # that lets an API key in
    takes: tuple[str, ...] = ()  # media types of a body that the handler reads itself, as it comes
    gives: str = "application/json"  # the media type of its answer

    @property
    def endpoint(self) -> str:
        """Return the name Flask knows the route by."""
        return self.view.replace(".", "_")


API = "/api/v1"
EXPORT = "/admin/bookings/export"
RESOURCE, STAFFS = "/admin/resources/<id:resource_id>", (401, 403, 404, 422)
BOOKING, UNREADABLE = "/bookings/<word:ref>", (404, 422)
PDF, CSV, JSON_LINES, ICS = "application/pdf", "text/csv", "application/jsonl", "text/calendar"
READ, WRITE = "bookings:read", "bookings:write"
PUBLIC = (
    Route(ANYONE, "GET", "/openapi.json", "openapi.read", cached=True),
    Route(ANYONE, "GET", "/venues", "catalogue.list_venues", problems=(422,)),
    Route(ANYONE, "GET", "/venues/<id:venue_id>", "catalogue.get_venue", problems=(404,)),
    Route(ANYONE, "GET", "/services", "catalogue.list_services", problems=(422,)),
    Route(ANYONE, "GET", "/services/<id:service_id>", "catalogue.get_service", problems=(404,)),
    Route(ANYONE, "GET", "/resources", "catalogue.list_resources", problems=(422,)),
    Route(ANYONE, "GET", "/services/<id:service_id>/slots", "slots.list_slots", problems=(404, 422), cached=True),
    Route(ANYONE, "GET", "/services/<id:service_id>/slots/explain", "slots.explain", problems=(404, 422)),
    Route(ANYONE, "POST", "/holds", "holds.make", 201, (404, 409, 422), idempotent=True, scope=WRITE),
    Route(ANYONE, "DELETE", "/holds/<word:token>", "holds.release", 204, (404,), scope=WRITE),
    Route(ANYONE, "POST", "/bookings", "bookings.book", 201, (401, 404, 409, 422), idempotent=True, scope=WRITE),
    Route(HOLDER, "GET", "/bookings/<word:ref>", "bookings.read", problems=(404,), scope=READ),
    Route(
        HOLDER,
        "POST",
        "/bookings/<word:ref>/cancel",
        "bookings.cancel",
        200,
        (404, 409, 412, 422),
        versioned=True,
        scope=WRITE,
    ),
    Route(
        HOLDER,
        "POST",
        "/bookings/<word:ref>/reschedule",
        "bookings.reschedule",
        200,
        (404, 409, 412, 422),
        versioned=True,
        scope=WRITE,
    ),
)
PAPERS = (
    Route(
        HOLDER,
        "GET",
        f"{BOOKING}/confirmation.pdf",
        "documents.read_confirmation",
        200,
        UNREADABLE,
        scope=READ,
        gives=PDF,
    ),
    Route(HOLDER, "GET", f"{BOOKING}/quote.pdf", "documents.read_quote", 200, UNREADABLE, scope=READ, gives=PDF),
    Route(HOLDER, "GET", f"{BOOKING}/calendar.ics", "calendars.read_booking", 200, UNREADABLE, scope=READ, gives=ICS),
    Route(STAFF, "GET", f"{EXPORT}.csv", "exports.export_csv", 200, STAFFS, scope=READ, gives=CSV),
    Route(STAFF, "GET", f"{EXPORT}.jsonl", "exports.export_json_lines", 200, STAFFS, scope=READ, gives=JSON_LINES),
    Route(STAFF, "GET", f"{EXPORT}.pdf", "reports.export_pdf", 200, STAFFS, scope=READ, gives=PDF),
    Route(STAFF, "GET", f"{RESOURCE}/day-sheet.pdf", "reports.read_day_sheet", 200, STAFFS, scope=READ, gives=PDF),
    Route(STAFF, "GET", "/admin/reports/occupancy.pdf", "reports.read_occupancy", 200, STAFFS, scope=READ, gives=PDF),
    Route(ANYONE, "GET", "/calendar/<word:feed>.ics", "calendars.read_feed", 200, UNREADABLE, cached=True, gives=ICS),
    Route(MEMBER, "GET", "/me/calendar-feed", "calendars.read_own_feed", problems=(401,)),
    Route(MEMBER, "POST", "/me/calendar-feed", "calendars.make_own_feed", 201, (401,)),
    Route(MEMBER, "DELETE", "/me/calendar-feed", "calendars.drop_own_feed", 204, (401, 404)),
    Route(STAFF, "POST", f"{RESOURCE}/calendar-feed", "calendars.make_resource_feed", 201, STAFFS[:3]),
    Route(STAFF, "DELETE", f"{RESOURCE}/calendar-feed", "calendars.drop_resource_feed", 204, STAFFS[:3]),
)
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
ACCOUNTS = (
    Route(ANYONE, "POST", "/auth/register", "auth.register", 202, (422, 429)),
    Route(ANYONE, "POST", "/auth/otp", "auth.ask_code", 202, (422, 429)),
    Route(ANYONE, "POST", "/auth/otp/verify", "auth.verify_code", 200, (401, 409, 422, 429)),
    Route(ANYONE, "POST", "/auth/login", "auth.log_in", 200, (401, 422, 429)),
    Route(HALF_WAY, "POST", "/auth/totp", "totp.enter", 200, (401, 422, 429)),
    Route(ANYONE, "POST", "/auth/logout", "sessions.log_out", 204),
    Route(MEMBER, "POST", "/auth/logout-all", "sessions.log_out_everywhere", 204, (401,)),
    Route(ANYONE, "POST", "/auth/password/forgot", "auth.forgot_password", 202, (422, 429)),
    Route(ANYONE, "POST", "/auth/password/reset", "auth.reset_password", 204, (401, 422, 429)),
    Route(MEMBER, "POST", "/auth/password", "me.change_password", 200, (401, 403, 422, 429)),
    Route(ANYONE, "GET", "/auth/session", "sessions.read"),
    Route(MEMBER, "GET", "/auth/sessions", "sessions.list_own", problems=(401,)),
    Route(MEMBER, "DELETE", "/auth/sessions", "sessions.end_others", 204, (401,)),
    Route(MEMBER, "DELETE", "/auth/sessions/<id:session_id>", "sessions.end", 204, (401, 404)),
    Route(ENROLLING, "POST", "/auth/totp/enrol", "totp.enrol", 200, (401, 403)),
    Route(ENROLLING, "POST", "/auth/totp/confirm", "totp.confirm", 200, (401, 403, 409, 422, 429)),
    Route(FRESH_MEMBER, "POST", "/auth/totp/disable", "totp.disable", 204, (401, 403, 409)),
    Route(FRESH_MEMBER, "POST", "/auth/recovery-codes", "totp.renew_recovery_codes", 200, (401, 403, 409)),
    Route(MEMBER, "GET", "/me", "me.read", problems=(401,)),
    Route(MEMBER, "PATCH", "/me", "me.change", 200, (401, 403, 409, 412, 422, 429), versioned=True),
    Route(FRESH_MEMBER, "DELETE", "/me", "me.erase", 204, (401, 403, 409)),
    Route(MEMBER, "GET", "/me/bookings", "me.list_bookings", problems=(401, 422)),
    Route(MEMBER, "GET", "/me/export", "me.export", problems=(401,)),
)
USERS = "/admin/users/<id:user_id>"
ADMINISTRATION = (
    Route(ADMIN, "GET", "/admin/users", "users.list_all", problems=(401, 403, 422), scope="users:read"),
    Route(ADMIN, "GET", USERS, "users.read", problems=(401, 403, 404), scope="users:read"),
    Route(FRESH_ADMIN, "POST", "/admin/users", "users.create", 201, (401, 403, 404, 409, 422)),
    Route(ADMIN, "POST", f"{USERS}/disable", "users.disable", 200, (401, 403, 404, 409)),
    Route(FRESH_ADMIN, "POST", f"{USERS}/enable", "users.enable", 200, (401, 403, 404, 409)),
    Route(FRESH_ADMIN, "POST", f"{USERS}/role", "users.change_role", 200, (401, 403, 404, 409, 422)),
    Route(ADMIN, "DELETE", f"{USERS}/sessions", "users.end_sessions", 204, (401, 403, 404)),
    Route(ADMIN, "GET", "/admin/api-keys", "api_keys.list_all", problems=(401, 403, 422)),
    Route(FRESH_ADMIN, "POST", "/admin/api-keys", "api_keys.create", 201, (401, 403, 404, 422)),
    Route(ADMIN, "DELETE", "/admin/api-keys/<id:key_id>", "api_keys.revoke", 204, (401, 403, 404)),
)
OPERATIONS = (
    Route(ANYONE, "GET", "/healthz", "operations.health"),
    Route(ANYONE, "GET", "/readyz", "operations.readiness", problems=(503,)),
    Route(ANYONE, "POST", "/cron", "cron.run", problems=(403, 404)),
)
TABLE = (("api", API, (*PUBLIC, *FILES, *PAPERS, *ACCOUNTS, *ADMINISTRATION)), ("operations", "", OPERATIONS))
DAILY = (
    "slots",
    "bookings",
    "holds",
    "catalogue",
    "operations",
    "auth",
    "sessions",
    "totp",
    "me",
)  # imported before a server forks


class IdConverter(BaseConverter):
    """A key: up to 18 digits, so that no path makes a number too large for a column."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """Return the key."""
        return int(value)


class WordConverter(BaseConverter):
    """A reference or token: ASCII letters, digits, - and _, as many as either has."""

    regex = "[A-Za-z0-9_-]{1,64}"


def init_app(app: Flask, *, warm: bool) -> None:
    """Register each row of the table on the blueprint of its prefix."""
    app.url_rule_class = LazyRule
    app.url_map.converters.update(id=IdConverter, word=WordConverter)
    app.url_map.merge_slashes = False  # a redirect for // would be an answer nobody asked for
    for name, prefix, rows in TABLE:
        blueprint = Blueprint(name, __name__, url_prefix=prefix or None)
        for row in rows:
            view = LazyView(row)
            blueprint.add_url_rule(row.rule, row.endpoint, view, methods=[row.method])
            if warm and row.view.partition(".")[0] in DAILY:
                view.load()
        app.register_blueprint(blueprint)
