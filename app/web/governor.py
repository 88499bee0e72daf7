"""What the program takes on while it has too much memory: everything small, and nothing large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, current_app, request

from app.domain.errors import Busy
from app.runtime import memory
from app.web.lazy import LazyView

if TYPE_CHECKING:
    from app.web.routes import Route


class MemoryShort(Busy):
    """A fresh process takes this one's place first."""

    retry_after_seconds = 10  # Passenger looks for restart.txt that often; a worker of gunicorn is replaced sooner


def init_app(app: Flask) -> None:
    """Refuse large work while there is too much in memory, and have the memory looked at after an answer has left."""
    memory.govern(app.extensions["settings"])
    app.before_request(_refuse_large)
    app.after_request(_look_afterwards)


def is_large(route: Route) -> bool:
    """Tell whether a route moves more than a JSON document: files, exports and documents."""
    return bool(route.takes) or route.gives != "application/json"


def _refuse_large() -> None:
    """Raise MemoryShort for what is large while memory is short."""
    view = current_app.view_functions.get(request.endpoint or "")
    if memory.is_over() and isinstance(view, LazyView) and is_large(view.route):
        raise MemoryShort("This process has more memory than it may have and is about to be replaced.")


def _look_afterwards(response: Response) -> Response:
    response.call_on_close(memory.after_request)
    return response
