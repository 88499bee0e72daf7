"""How the installation is: audit log, memory, queue and cron."""

from __future__ import annotations

from app.web.access import ADMIN
from app.web.routes.route import CSV, JSON_LINES, Route

ADMINS = (401, 403, 422)
SYSTEM = (
    Route(ADMIN, "GET", "/admin/audit", "audit.list_all", problems=ADMINS),
    Route(ADMIN, "GET", "/admin/audit/export.csv", "audit.export_csv", problems=ADMINS, gives=CSV),
    Route(ADMIN, "GET", "/admin/audit/export.jsonl", "audit.export_json_lines", problems=ADMINS, gives=JSON_LINES),
    Route(ADMIN, "GET", "/admin/system", "system.read", problems=(401, 403)),
)
