"""The program as scripts/bench/hashing runs it: visitors say where they come from, and the control hashes in the request.

Neither is a switch of the product: both are done to it here, in the bench's own process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from app import create_app
from app.runtime import workers


def _in_place(function: Callable[..., object], *args: object) -> object:
    return function(*args)


def _from_afar(wsgi: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Take a visitor's word for its address: a thousand from one would be throttled, and rightly."""

    def called(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = environ.pop("HTTP_X_BENCH_ADDRESS", environ.get("REMOTE_ADDR", ""))
        return wsgi(environ, start)

    return called


if os.environ.get("BENCH_IN_PLACE"):
    workers.run = _in_place  # type: ignore[assignment]
application = create_app(warm=True)
application.wsgi_app = _from_afar(application.wsgi_app)  # type: ignore[method-assign]
