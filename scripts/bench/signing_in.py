"""The program as scripts/bench/hashing runs it: visitors say where they come from, and the control hashes in the request.

Neither is a switch of the product: both are done to it here, in the bench's own process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, request

from app import create_app
from app.runtime import workers

PATH = "/api/v1/auth/login"


def _in_place(function: Callable[..., object], *args: object) -> object:
    return function(*args)


def _with_a_door(program: Flask) -> Flask:
    """Give the program a sign-in where it has none: it does nothing but verify a password of nobody's."""
    if any(rule.rule == PATH for rule in program.url_map.iter_rules()):
        return program

    @program.post(PATH)
    def login() -> tuple[str, int]:
        from app.services.passwords import verify_password  # noqa: PLC0415 - late, as views are

        verify_password(request.get_json()["password"], None, "strong")
        return "", 204

    return program


def _from_afar(wsgi: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Take a visitor's word for its address: a thousand from one would be throttled, and rightly."""

    def called(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = environ.pop("HTTP_X_BENCH_ADDRESS", environ.get("REMOTE_ADDR", ""))
        return wsgi(environ, start)

    return called


if os.environ.get("BENCH_IN_PLACE"):
    workers.run = _in_place  # type: ignore[assignment]
application = _with_a_door(create_app(warm=True))
application.wsgi_app = _from_afar(application.wsgi_app)  # type: ignore[method-assign]
