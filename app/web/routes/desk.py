"""Bookings as the venue's people run them: lists, views, decisions, notes and history."""

from __future__ import annotations

from app.web.routes.route import Route

DESK: tuple[Route, ...] = ()
