"""Bookings, customers and busy times that come from elsewhere."""

from __future__ import annotations

from app.web.routes.route import Route

IMPORTS: tuple[Route, ...] = ()
