"""Occupancy, revenue, cancellations, no-shows and lead times, as figures."""

from __future__ import annotations

from app.web.access import STAFF
from app.web.routes.route import CSV, PDF, READ, STAFFS, Route

_REPORTS = "/admin/reports"
REPORTS = (
    Route(STAFF, "GET", f"{_REPORTS}/occupancy", "figures.read_occupancy", 200, STAFFS, scope=READ),
    Route(STAFF, "GET", f"{_REPORTS}/occupancy.csv", "figures.export_occupancy", 200, STAFFS, scope=READ, gives=CSV),
    Route(STAFF, "GET", f"{_REPORTS}/revenue", "figures.read_revenue", 200, STAFFS, scope=READ),
    Route(STAFF, "GET", f"{_REPORTS}/cancellations", "figures.read_cancellations", 200, STAFFS, scope=READ),
    Route(STAFF, "GET", f"{_REPORTS}/bookings.csv", "figures.export_tallies", 200, STAFFS, scope=READ, gives=CSV),
    Route(STAFF, "GET", f"{_REPORTS}/lead-times", "figures.read_lead_times", 200, STAFFS, scope=READ),
    Route(STAFF, "GET", f"{_REPORTS}/lead-times.csv", "figures.export_lead_times", 200, STAFFS, scope=READ, gives=CSV),
    Route(STAFF, "GET", f"{_REPORTS}/revenue.pdf", "figures.export_revenue_pdf", 200, STAFFS, scope=READ, gives=PDF),
    Route(
        STAFF,
        "GET",
        f"{_REPORTS}/cancellations.pdf",
        "figures.export_cancellations_pdf",
        200,
        STAFFS,
        scope=READ,
        gives=PDF,
    ),
    Route(
        STAFF, "GET", f"{_REPORTS}/lead-times.pdf", "figures.export_lead_times_pdf", 200, STAFFS, scope=READ, gives=PDF
    ),
)
