"""Customers as the venue's people know them: search, history, merging, archives and erasure."""

from __future__ import annotations

from app.web.routes.route import Route

CUSTOMERS: tuple[Route, ...] = ()
