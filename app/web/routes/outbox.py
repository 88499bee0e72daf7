"""Messages that are owed, were sent, or could not be."""

from __future__ import annotations

from app.web.access import STAFF
from app.web.routes.route import STAFFS, Route

MESSAGE = "/admin/outbox/<id:outbox_id>"
OUTBOX: tuple[Route, ...] = (
    Route(STAFF, "GET", "/admin/outbox", "outbox.list_all", problems=(401, 403, 422)),
    Route(STAFF, "GET", MESSAGE, "outbox.read", problems=(401, 403, 404)),
    Route(STAFF, "POST", f"{MESSAGE}/retry", "outbox.retry", 200, (*STAFFS, 409)),
    Route(STAFF, "POST", f"{MESSAGE}/cancel", "outbox.cancel", 200, (401, 403, 404, 409)),
)
