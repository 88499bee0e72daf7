"""Who may call a route. The table names a policy for each; objects are checked by the use case that loads them.

``admit`` runs before a handler's module is loaded. It asks for the caller only where that matters: anybody's GET costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import g, request

from app.domain.errors import Forbidden, SignInRequired, StepUpRequired
from app.web.context import csrf_token, now, session_token, settings

if TYPE_CHECKING:
    from app.web.callers import Caller
    from app.web.routes import Route

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES = frozenset({"same-origin", "same-site", "none"})


@dataclass(frozen=True, slots=True)
class Policy:
    """A named rule of access.

    ``token``: a manage token opens the object. ``stages``: how far a sign-in must have come; none is needed where empty.
    ``roles``: whose; anybody's where empty. ``fresh``: the proof of who is there must be minutes old.
    """

    name: str
    token: bool = False
    stages: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    fresh: bool = False


_FULL = frozenset({"full"})
ANYONE = Policy("anyone")
HOLDER = Policy("holder", token=True)
UPLOADER = Policy("uploader", token=True)
HALF_WAY = Policy("half_way", stages=frozenset({"totp"}))
ENROLLING = Policy("enrolling", stages=frozenset({"enrol", "full"}), fresh=True)
MEMBER = Policy("member", stages=_FULL)
FRESH_MEMBER = Policy("fresh_member", stages=_FULL, fresh=True)
STAFF = Policy("staff", stages=_FULL, roles=frozenset({"staff", "admin"}))
ADMIN = Policy("admin", stages=_FULL, roles=frozenset({"admin"}))
FRESH_ADMIN = Policy("fresh_admin", stages=_FULL, roles=frozenset({"admin"}), fresh=True)
POLICIES = (ANYONE, HOLDER, UPLOADER, HALF_WAY, ENROLLING, MEMBER, FRESH_MEMBER, STAFF, ADMIN, FRESH_ADMIN)


def admit(route: Route) -> None:
    """Let the request through to the route's handler.

    Raises:
        SignInRequired: nobody is signed in, or the API key is none.
        Forbidden: the caller's role or scopes do not cover it, or the request comes from a page that may not make it.
        StepUpRequired: the caller's sign-in is too long ago for this.
    """
    policy, is_safe = route.policy, request.method in SAFE
    if not is_safe and "Authorization" not in request.headers:
        _check_origin()
    if is_safe and not policy.stages and "Authorization" not in request.headers:
        return  # whoever it is; a handler that minds asks for the caller itself
    found = caller()
    if found is not None and found.key is not None:
        _check_scope(route, found)
        return
    if found is not None and found.stage == "full" and not is_safe:
        _check_csrf()
    if policy.stages:
        _check_session(policy, found)


def caller() -> Caller | None:
    """Return who is calling: a session or an API key; None is a stranger. Looked up once a request, at the first question.

    Raises:
        SignInRequired: an API key was given and is none.
    """
    if "caller" not in g:
        is_known = session_token() is not None or "Authorization" in request.headers
        g.caller = import_module("app.web.callers").find() if is_known else None
    found: Caller | None = g.caller
    return found


def require_fresh() -> None:
    """Let a request through whose caller has signed in a short while ago.

    Raises:
        StepUpRequired: it is longer ago.
    """
    found = caller()
    if found is None or not found.is_fresh(now()):
        raise StepUpRequired("Sign in again to do this: the last time was more than ten minutes ago.")


def _check_origin() -> None:
    """Keep other sites' pages from sending what changes something, whether or not a cookie comes with it."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if (origin is None and site is None) or site in _OWN_SITES or origin in _own_origins():
        return
    raise Forbidden("This page may not send requests here; its origin is not on the list.")


def _own_origins() -> tuple[str, ...]:
    found = settings()
    base = urlsplit(found.base_url)
    return (f"{base.scheme}://{base.netloc}", request.host_url.rstrip("/"), *found.cors_origins)


def _check_csrf() -> None:
    given = request.headers.get("X-CSRF-Token", "")
    if not compare_digest(given.encode(), (csrf_token() or "").encode()):
        raise Forbidden("X-CSRF-Token is missing or is not this session's; read it from /auth/session.")


def _check_scope(route: Route, found: Caller) -> None:
    if not route.scope and not route.policy.stages and request.method in SAFE:
        return
    if route.scope not in found.key_scopes:
        needed = f"the scope {route.scope}" if route.scope else "a person who signs in"
        raise Forbidden(f"This key may not do that: it takes {needed}.")


def _check_session(policy: Policy, found: Caller | None) -> None:
    if found is None or found.stage not in policy.stages:
        raise SignInRequired(_what_is_missing(found))
    if policy.roles and found.role not in policy.roles:
        raise Forbidden("Your account may not do that.")
    if policy.fresh and found.stage == "full":
        require_fresh()


def _what_is_missing(found: Caller | None) -> str:
    if found is not None and found.stage == "full":
        return "There is no sign-in under way."
    return "Sign in first." if found is None else "Finish signing in first, with your second factor."
