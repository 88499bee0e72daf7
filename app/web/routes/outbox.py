"""Messages that are owed, were sent, or could not be."""

from __future__ import annotations

from app.web.routes.route import Route

OUTBOX: tuple[Route, ...] = ()
