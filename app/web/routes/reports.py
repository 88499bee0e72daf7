"""Occupancy, revenue, cancellations, no-shows and lead times, as figures."""

from __future__ import annotations

from app.web.routes.route import Route

REPORTS: tuple[Route, ...] = ()
