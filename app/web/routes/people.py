"""Accounts and API keys, as admins run them."""

from __future__ import annotations

from app.web.access import ADMIN, FRESH_ADMIN
from app.web.routes.route import Route

USERS = "/admin/users/<id:user_id>"
PEOPLE = (
    Route(ADMIN, "GET", "/admin/users", "users.list_all", problems=(401, 403, 422), scope="users:read"),
    Route(ADMIN, "GET", USERS, "users.read", problems=(401, 403, 404), scope="users:read"),
    Route(FRESH_ADMIN, "POST", "/admin/users", "users.create", 201, (401, 403, 404, 409, 422)),
    Route(ADMIN, "POST", f"{USERS}/disable", "users.disable", 200, (401, 403, 404, 409)),
    Route(FRESH_ADMIN, "POST", f"{USERS}/enable", "users.enable", 200, (401, 403, 404, 409)),
    Route(FRESH_ADMIN, "POST", f"{USERS}/role", "users.change_role", 200, (401, 403, 404, 409, 422)),
    Route(ADMIN, "DELETE", f"{USERS}/sessions", "users.end_sessions", 204, (401, 403, 404)),
    Route(ADMIN, "GET", "/admin/api-keys", "api_keys.list_all", problems=(401, 403, 422)),
    Route(FRESH_ADMIN, "POST", "/admin/api-keys", "api_keys.create", 201, (401, 403, 404, 422)),
    Route(ADMIN, "DELETE", "/admin/api-keys/<id:key_id>", "api_keys.revoke", 204, (401, 403, 404)),
)
