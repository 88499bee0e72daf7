"""The program, but that every request leaves four kibibytes behind: what the leak gate must notice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from app import create_app

LEFT_BEHIND_BYTES = 4096
left_behind: list[bytes] = []


def _forgetful(wsgi: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    def called(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        left_behind.append(os.urandom(LEFT_BEHIND_BYTES))
        return wsgi(environ, start)

    return called


application = create_app(warm=True)
application.wsgi_app = _forgetful(application.wsgi_app)  # type: ignore[method-assign]
