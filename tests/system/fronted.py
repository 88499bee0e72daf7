"""The program with whims below ``/api/``, where a web server in front passes requests on, and a mirror for them."""

from __future__ import annotations

import time
from typing import Any

from flask import request

from tests.system.whims import application, echo, who

__all__ = ["application"]


def mirror() -> dict[str, Any]:
    """Show a visitor what the program knows of the request."""
    seen = {"address": request.remote_addr, "scheme": request.scheme, "host": request.host, "root": request.root_path}
    return {
        **seen,
        "headers": {name.lower(): value for name, value in request.headers},
        "body": len(request.get_data()),
    }


def linger(milliseconds: int) -> dict[str, int]:
    """Take one's time."""
    time.sleep(milliseconds / 1000)
    return who()


_VIEWS = {"mirror": mirror, "echo/<path:text>": echo, "linger/<int:milliseconds>": linger}
for _rule, _view in _VIEWS.items():
    application.add_url_rule(f"/api/{_rule}", f"fronted_{_view.__name__}", _view, methods=["GET", "POST"])
