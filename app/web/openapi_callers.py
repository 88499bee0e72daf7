"""The part of the description that says who may call: the ways to show who one is, and the policy of each route in words.

Loaded with ``openapi_build``, never by a server.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.domain.permissions import KEY_SCOPES
from app.web.access import ENROLLING, HALF_WAY, SAFE
from app.web.routes import Route

Json = dict[str, Any]

_FRESHLY = "in the last ten minutes; later it is refused as `step_up_required`"
WORDS = {
    "anyone": "",
    "holder": "For the booking's owner, staff of its venue, admins, and whoever has its manage token",
    "uploader": "For whoever is signed in, and whoever has the manage token of the booking that the file is for",
    "half_way": "For a sign-in whose second factor is still to come",
    "enrolling": f"For a sign-in that has to set up its second factor, or whoever signed in {_FRESHLY}",
    "member": "For whoever is signed in",
    "fresh_member": f"For whoever signed in {_FRESHLY}",
    "staff": "For staff, in their part of the house, and admins",
    "admin": "For admins who are signed in",
    "fresh_admin": f"For admins who signed in {_FRESHLY}",
}
SCHEMES: Json = {
    "manageToken": {"type": "apiKey", "in": "header", "name": "X-Manage-Token"},
    "manageLink": {"type": "apiKey", "in": "query", "name": "token"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-slotkeeper",
        "description": "Of a browser that has signed in; without TLS, in development, it is called `slotkeeper`.",
    },
    "csrfToken": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "`csrf_token` of `/auth/session`, with whatever a signed-in browser changes. The request must come "
        "from this origin or one of `CORS_ORIGINS`.",
    },
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "Of a server: `sk_...`, made by an admin. Scopes: "
        + "; ".join(f"`{scope}`: {what}" for scope, what in KEY_SCOPES.items())
        + ".",
    },
}


def security(row: Route) -> list[Json]:
    """Return the ways to call a route, any of which will do; none at all where nothing is asked."""
    ways = [*_ways(row)]
    return [] if ways == [{}] else ways


def _ways(row: Route) -> Iterator[Json]:
    policy, is_safe = row.policy, row.method in SAFE
    if not policy.stages and not policy.token:
        yield {}
    if policy.token:
        yield from ({"manageToken": []}, {"manageLink": []})
    if policy in {HALF_WAY, ENROLLING}:
        yield {"session": []}
    if policy != HALF_WAY and not (is_safe and not policy.stages and not policy.token):
        csrf: Json = {} if is_safe else {"csrfToken": []}
        yield {"session": sorted(policy.roles), **csrf}
    if row.scope:
        yield {"apiKey": [row.scope]}


def who(row: Route) -> str:
    """Return who may call a route, as a sentence; nothing where anyone may."""
    words = WORDS[row.policy.name]
    key = f"with an API key, the scope `{row.scope}`" if row.scope else ""
    if not words:
        return f"For anyone; {key}." if key else ""
    return f"{words}; {key}." if key else f"{words}."
