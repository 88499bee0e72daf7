"""Servers that are told of bookings."""

from __future__ import annotations

from app.web.routes.route import Route

WEBHOOKS: tuple[Route, ...] = ()
