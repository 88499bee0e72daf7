"""Venues, resources, services, hours and blackouts, as admins change them."""

from __future__ import annotations

from app.web.routes.route import Route

CATALOGUE: tuple[Route, ...] = ()
