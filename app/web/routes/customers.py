"""Customers as the venue's people know them: search, history, merging, archives and erasure."""

from __future__ import annotations

from app.web.access import ADMIN, FRESH_ADMIN, MEMBER, STAFF
from app.web.routes.route import READ, STAFFS, WRITE, Route

_ALL, _ONE = "/admin/customers", "/admin/customers/<id:customer_id>"
_CHANGED = (401, 403, 404, 409, 412, 422)
ZIP = "application/zip"
CUSTOMERS = (
    Route(STAFF, "GET", _ALL, "customers.list_all", 200, (401, 403, 422), scope=READ),
    Route(ADMIN, "GET", f"{_ALL}/duplicates", "customers.list_duplicates", 200, (401, 403, 422)),
    Route(STAFF, "GET", _ONE, "customers.read", 200, STAFFS[:3], scope=READ),
    Route(STAFF, "GET", f"{_ONE}/bookings", "customers.list_bookings", 200, STAFFS, scope=READ),
    Route(STAFF, "PATCH", _ONE, "customers.change", 200, _CHANGED, versioned=True, scope=WRITE),
    Route(ADMIN, "POST", f"{_ONE}/merge", "customers.merge", 200, _CHANGED, versioned=True),
    Route(ADMIN, "GET", f"{_ONE}/archive", "archives.read_customer", 200, STAFFS[:3], gives=ZIP),
    Route(FRESH_ADMIN, "POST", f"{_ONE}/erase", "customers.erase", 204, (401, 403, 404, 409, 422)),
    Route(MEMBER, "GET", "/me/archive", "archives.read_own", problems=(401,), gives=ZIP),
)
