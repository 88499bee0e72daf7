"""Servers that are told of bookings."""

from __future__ import annotations

from app.web.access import ADMIN, FRESH_ADMIN
from app.web.routes.route import Route

ALL = "/admin/webhooks"
ONE = f"{ALL}/<id:webhook_id>"
DELIVERIES = f"{ONE}/deliveries"
WEBHOOKS: tuple[Route, ...] = (
    Route(ADMIN, "GET", ALL, "webhooks.list_all", problems=(401, 403, 422)),
    Route(FRESH_ADMIN, "POST", ALL, "webhooks.add", 201, (401, 403, 404, 409, 422)),
    Route(ADMIN, "GET", ONE, "webhooks.read", problems=(401, 403, 404)),
    Route(FRESH_ADMIN, "PATCH", ONE, "webhooks.change", 200, (401, 403, 404, 412, 422), versioned=True),
    Route(ADMIN, "DELETE", ONE, "webhooks.remove", 204, (401, 403, 404, 412), versioned=True),
    Route(FRESH_ADMIN, "POST", f"{ONE}/rotate-secret", "webhooks.rotate_secret", 200, (401, 403, 404)),
    Route(ADMIN, "POST", f"{ONE}/test", "webhooks.test", 202, (401, 403, 404, 409)),
    Route(ADMIN, "GET", DELIVERIES, "webhooks.list_deliveries", problems=(401, 403, 404, 422)),
    Route(ADMIN, "POST", f"{DELIVERIES}/<id:delivery_id>/replay", "webhooks.replay", 204, (401, 403, 404, 409)),
)
