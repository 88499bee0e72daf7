"""Signing in, sessions, second factors, and what is one's own."""

from __future__ import annotations

from app.web.access import ANYONE, ENROLLING, FRESH_MEMBER, HALF_WAY, MEMBER
from app.web.routes.route import Route

ACCOUNTS = (
    Route(ANYONE, "POST", "/auth/register", "auth.register", 202, (422, 429)),
    Route(ANYONE, "POST", "/auth/otp", "auth.ask_code", 202, (422, 429)),
    Route(ANYONE, "POST", "/auth/otp/verify", "auth.verify_code", 200, (401, 409, 422, 429)),
    Route(ANYONE, "POST", "/auth/login", "auth.log_in", 200, (401, 422, 429)),
    Route(HALF_WAY, "POST", "/auth/totp", "totp.enter", 200, (401, 422, 429)),
    Route(ANYONE, "POST", "/auth/logout", "sessions.log_out", 204),
    Route(MEMBER, "POST", "/auth/logout-all", "sessions.log_out_everywhere", 204, (401,)),
    Route(ANYONE, "POST", "/auth/password/forgot", "auth.forgot_password", 202, (422, 429)),
    Route(ANYONE, "POST", "/auth/password/reset", "auth.reset_password", 204, (401, 422, 429)),
    Route(MEMBER, "POST", "/auth/password", "me.change_password", 200, (401, 403, 422, 429)),
    Route(ANYONE, "GET", "/auth/session", "sessions.read"),
    Route(MEMBER, "GET", "/auth/sessions", "sessions.list_own", problems=(401,)),
    Route(MEMBER, "DELETE", "/auth/sessions", "sessions.end_others", 204, (401,)),
    Route(MEMBER, "DELETE", "/auth/sessions/<id:session_id>", "sessions.end", 204, (401, 404)),
    Route(ENROLLING, "POST", "/auth/totp/enrol", "totp.enrol", 200, (401, 403)),
    Route(ENROLLING, "POST", "/auth/totp/confirm", "totp.confirm", 200, (401, 403, 409, 422, 429)),
    Route(FRESH_MEMBER, "POST", "/auth/totp/disable", "totp.disable", 204, (401, 403, 409)),
    Route(FRESH_MEMBER, "POST", "/auth/recovery-codes", "totp.renew_recovery_codes", 200, (401, 403, 409)),
    Route(MEMBER, "GET", "/me", "me.read", problems=(401,)),
    Route(MEMBER, "PATCH", "/me", "me.change", 200, (401, 403, 409, 412, 422, 429), versioned=True),
    Route(FRESH_MEMBER, "DELETE", "/me", "me.erase", 204, (401, 403, 409)),
    Route(MEMBER, "GET", "/me/bookings", "me.list_bookings", problems=(401, 422)),
    Route(MEMBER, "GET", "/me/export", "me.export", problems=(401,)),
)
