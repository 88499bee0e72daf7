"""What comes from elsewhere: busy times of other calendars, and files of bookings and customers."""

from __future__ import annotations

from app.web.access import ADMIN, STAFF
from app.web.routes.route import CSV, STAFFS, Route

_CALENDARS = "/admin/busy-calendars"
IMPORTS: tuple[Route, ...] = (
    Route(STAFF, "GET", _CALENDARS, "busy_calendars.list_all", 200, (401, 403, 422)),
    Route(STAFF, "POST", _CALENDARS, "busy_calendars.add", 201, (401, 403, 404, 409, 422)),
    Route(STAFF, "DELETE", f"{_CALENDARS}/<id:calendar_id>", "busy_calendars.remove", 204, STAFFS[:3]),
    Route(ADMIN, "POST", "/admin/imports/bookings", "imports.bookings", 200, STAFFS, takes=(CSV,)),
    Route(ADMIN, "POST", "/admin/imports/customers", "imports.customers", 200, (401, 403, 422), takes=(CSV,)),
)
