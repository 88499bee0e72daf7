"""The yardstick: a Flask application with one JSON route, and nothing else."""

from __future__ import annotations

from flask import Flask

application = Flask(__name__)


@application.get("/healthz")
def answer() -> dict[str, str]:
    """Say that all is well."""
    return {"status": "ok"}
