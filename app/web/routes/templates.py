"""The words of messages, as admins change them."""

from __future__ import annotations

from app.web.access import ADMIN
from app.web.routes.route import Route

WORDS = "/admin/message-templates/<topic:topic>/<word:language>"
TEMPLATES: tuple[Route, ...] = (
    Route(ADMIN, "GET", "/admin/message-templates", "message_templates.list_all", problems=(401, 403)),
    Route(ADMIN, "GET", WORDS, "message_templates.read", problems=(401, 403, 404)),
    Route(ADMIN, "PUT", WORDS, "message_templates.change", 200, (401, 403, 404, 412, 422), versioned=True),
    Route(ADMIN, "DELETE", WORDS, "message_templates.reset", 204, (401, 403, 404, 412), versioned=True),
    Route(ADMIN, "POST", f"{WORDS}/preview", "message_templates.preview", 200, (401, 403, 404, 422)),
)
