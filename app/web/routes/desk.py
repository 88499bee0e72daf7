"""Bookings as the venue's people run them: lists, views, decisions, notes and history."""

from __future__ import annotations

from app.web.access import STAFF
from app.web.routes.route import READ, STAFFS, WRITE, Route

_ALL, _ONE = "/admin/bookings", "/admin/bookings/<word:ref>"
_DECIDED = (401, 403, 404, 409, 412, 422)


DESK = (
    Route(STAFF, "GET", _ALL, "desk.list_all", 200, STAFFS, scope=READ),
    Route(STAFF, "POST", _ALL, "desk.book", 201, (401, 403, 404, 409, 422), idempotent=True, scope=WRITE),
    Route(STAFF, "GET", "/admin/calendar", "desk.read_calendar", 200, STAFFS, scope=READ),
    Route(STAFF, "POST", "/admin/decisions", "desk.decide_many", 200, (401, 403, 422), scope=WRITE),
    Route(STAFF, "GET", _ONE, "desk.read", 200, STAFFS[:3], scope=READ),
    Route(STAFF, "GET", f"{_ONE}/rivals", "desk.list_rivals", 200, STAFFS[:3], scope=READ),
    Route(STAFF, "GET", f"{_ONE}/history", "desk.list_history", 200, STAFFS, scope=READ),
    Route(STAFF, "GET", f"{_ONE}/notes", "desk.list_notes", 200, STAFFS[:3], scope=READ),
    Route(STAFF, "POST", f"{_ONE}/notes", "desk.add_note", 201, (401, 403, 404, 409, 422), scope=WRITE),
    Route(STAFF, "POST", f"{_ONE}/approve", "desk.approve", 200, _DECIDED, versioned=True, scope=WRITE),
    Route(STAFF, "POST", f"{_ONE}/decline", "desk.decline", 200, _DECIDED, versioned=True, scope=WRITE),
    Route(STAFF, "POST", f"{_ONE}/check-in", "desk.check_in", 200, _DECIDED, versioned=True, scope=WRITE),
    Route(STAFF, "POST", f"{_ONE}/no-show", "desk.no_show", 200, _DECIDED, versioned=True, scope=WRITE),
    Route(STAFF, "POST", f"{_ONE}/complete", "desk.complete", 200, _DECIDED, versioned=True, scope=WRITE),
)
