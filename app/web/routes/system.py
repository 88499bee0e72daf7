"""How the installation is: audit log, memory, queue and cron."""

from __future__ import annotations

from app.web.routes.route import Route

SYSTEM: tuple[Route, ...] = ()
