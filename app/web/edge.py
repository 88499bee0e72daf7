"""The outermost layer: a name for every request, a true path, and no exception that reaches the server."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from flask import Flask, request
from werkzeug.exceptions import SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix

from app.runtime import logs
from app.web.errors import internal_problem
from app.web.headers import SAFETY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_HOST = re.compile(r"(?P<name>[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?")
_ABSOLUTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://(?P<host>[^/?#]*)")


class Edge:
    """WSGI middleware around Flask."""

    def __init__(self, app: WSGIApplication, *, trusted_proxies: int) -> None:
        """Wrap *app*; behind trusted proxies the caller's address and scheme come from the headers they set."""
        self._trusts_proxy = trusted_proxies > 0
        self._app = ProxyFix(app, x_for=trusted_proxies, x_proto=trusted_proxies) if self._trusts_proxy else app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        logs.request_id.set(self._request_id(environ))
        repair_path(environ)
        try:
            return self._app(environ, start_response)
        except BaseException as error:  # SystemExit in a view would take the whole process down
            if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "GreenletExit":
                raise
            logs.error("unexpected_error", trace=error)
            return _last_resort(environ, start_response)

    def _request_id(self, environ: WSGIEnvironment) -> str:
        given = str(environ.get("HTTP_X_REQUEST_ID", "")) if self._trusts_proxy else ""
        return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def repair_path(environ: WSGIEnvironment) -> None:
    """Unquote a path that the server has left percent-encoded, as Passenger does.

    Only where SCRIPT_NAME + PATH_INFO is, to the letter, the path of REQUEST_URI: elsewhere it has been unquoted already.

    Source:
        https://github.com/phusion/passenger/issues/1828
    """
    path = environ.get("PATH_INFO", "")
    raw = str(environ.get("REQUEST_URI", "")).partition("?")[0]
    if "%" in path and environ.get("SCRIPT_NAME", "") + path == raw:
        environ["PATH_INFO"] = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")


def is_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    """Tell whether a Host header names one of the hosts; ``*.example.org`` takes every name below, not itself."""
    found = _HOST.fullmatch(host.lower())
    return found is not None and any(
        found["name"] == name or (name.startswith("*.") and found["name"].endswith(name[1:])) for name in allowed
    )


def hosts_of(environ: WSGIEnvironment) -> list[str]:
    """Return every host that a request names: in its Host header, and in a request line such as a proxy is sent.

    Source:
        RFC 9112, 3.2.2: the request line would count, and not the header.
    """
    absolute = _ABSOLUTE.match(str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""))
    return [environ.get("HTTP_HOST", ""), *([absolute["host"]] if absolute else [])]


def _last_resort(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    response = internal_problem()
    response.headers.update(SAFETY)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Request-Id"] = logs.request_id.get()
    answer: Any = response(environ, start_response)
    return answer  # type: ignore[no-any-return]


def init_app(app: Flask) -> None:
    """Put the edge around the application."""
    settings = app.extensions["settings"]
    app.config.update(
        MAX_CONTENT_LENGTH=1024 * 1024,  # a JSON body; routes that take files say more
        MAX_FORM_MEMORY_SIZE=64 * 1024,
        PROPAGATE_EXCEPTIONS=False,
        TESTING=False,
        DEBUG=settings.debug,
    )

    def check_host() -> None:
        if not all(is_allowed(host, settings.allowed_hosts) for host in hosts_of(request.environ)):
            raise SecurityError

    app.before_request(check_host)  # not TRUSTED_HOSTS, which knows no [::1] and no capital letters
    app.wsgi_app = Edge(app.wsgi_app, trusted_proxies=settings.trusted_proxies)  # type: ignore[method-assign]
