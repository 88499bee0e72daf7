"""Headers that every answer carries, and who on the web may read it from a browser."""

from __future__ import annotations

from flask import Flask, Response, request

from app.runtime import logs

SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# Authorization is not among them: an API key in a page's script is a key given away.
_ALLOW_HEADERS = (
    "Content-Disposition, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Range, Tus-Resumable, "
    "Upload-Checksum, Upload-Length, Upload-Metadata, Upload-Offset, X-CSRF-Token, X-Manage-Token, X-Requested-With"
)
_ALLOW_METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE"
_EXPOSE_HEADERS = (
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Idempotency-Replayed, Location, RateLimit-Limit, "
    "RateLimit-Remaining, RateLimit-Reset, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, "
    "Tus-Version, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset, X-Request-Id"
)
_PREFLIGHT_SECONDS = "600"
_HSTS = "max-age=31536000"


def init_app(app: Flask) -> None:
    """Add the headers to whatever is answered, refusals included."""
    settings = app.extensions["settings"]
    origins = frozenset(settings.cors_origins)
    secure = settings.base_url.startswith("https://")

    def finish(response: Response) -> Response:
        headers = response.headers
        for name, value in SAFETY.items():
            headers.setdefault(name, value)  # a file that somebody has sent is kept in with more
        headers["X-Request-Id"] = logs.request_id.get()
        headers.setdefault("Cache-Control", "no-store")
        if secure:
            headers["Strict-Transport-Security"] = _HSTS
        if origins:
            _share(response, origins)
        return response

    app.after_request(finish)


def _share(response: Response, origins: frozenset[str]) -> None:
    """Let pages of a listed origin read the answer."""
    response.headers.add("Vary", "Origin")
    origin = request.headers.get("Origin", "")
    if origin not in origins:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Access-Control-Expose-Headers"] = _EXPOSE_HEADERS
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        response.headers["Access-Control-Allow-Methods"] = _ALLOW_METHODS
        response.headers["Access-Control-Allow-Headers"] = _ALLOW_HEADERS
        response.headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
