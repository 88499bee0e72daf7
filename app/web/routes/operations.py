"""What monitors and cron ask for, outside the interface."""

from __future__ import annotations

from app.web.access import ANYONE
from app.web.routes.route import Route

OPERATIONS = (
    Route(ANYONE, "GET", "/healthz", "operations.health"),
    Route(ANYONE, "GET", "/readyz", "operations.readiness", problems=(503,)),
    Route(ANYONE, "POST", "/cron", "cron.run", problems=(403, 404)),
)
