"""The words of messages, as admins change them."""

from __future__ import annotations

from app.web.routes.route import Route

TEMPLATES: tuple[Route, ...] = ()
