"""The one cookie: set when a sign-in begins or ends, and told to caches."""

from __future__ import annotations

from flask import Flask, Response, g

from app.domain.accounts import LIFETIMES
from app.web.context import cookie_name, is_secure

_MAX_AGE = int(max(absolute for _, absolute in LIFETIMES.values()).total_seconds())


def init_app(app: Flask) -> None:
    """Write the cookie that a handler has asked for."""

    def finish(response: Response) -> Response:
        if g.get("has_read_cookie"):
            response.headers.add("Vary", "Cookie")
            response.headers["Cache-Control"] = "no-store"
        if "new_cookie" in g:
            _write(response, g.new_cookie)
        return response

    app.after_request(finish)


def _write(response: Response, token: str) -> None:
    response.set_cookie(
        cookie_name(),
        token,
        max_age=_MAX_AGE if token else 0,
        path="/",
        secure=is_secure(),
        httponly=True,
        samesite="Lax",
    )
