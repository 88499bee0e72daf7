"""Documents and calendars of bookings, exports and reports."""

from __future__ import annotations

from app.web.access import ANYONE, HOLDER, MEMBER, STAFF
from app.web.routes.route import BOOKING, CSV, ICS, JSON_LINES, PDF, READ, STAFFS, Route

EXPORT = "/admin/bookings/export"
RESOURCE, UNREADABLE = "/admin/resources/<id:resource_id>", (404, 422)
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
