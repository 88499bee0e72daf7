"""One round of daily reads before a server forks: what they load, compile and cache is then shared by all workers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from importlib import import_module

from flask import Flask
from werkzeug.test import TestResponse

from app.runtime import logs

_DAILY = ("app.web.callers", "app.services.outbox")  # what access.py and afterwards.py load late
# CPython 3.11 rewrites the code of a function in place after eight calls (PEP 659), and each worker that did so itself would
# copy the page: 3 MiB of 100 for two workers that answer visitors.
ROUNDS = 12
_NOBODYS = 10**12  # beyond every service's number: a refusal is daily bread as well


def run(app: Flask) -> None:
    """Ask for the services, and for tomorrow's slots of the first; a database that is away is not an error yet."""
    for name in _DAILY:
        import_module(name)
    listed = _get(app, "/services?limit=1")
    items = listed.get_json()["items"] if listed.status_code == 200 else []  # noqa: PLR2004 - OK
    for _ in range(ROUNDS if items else 0):
        _look_around(app, items[0]["id"])
    logs.info("warmed_up", services=len(items))


def _look_around(app: Flask, service_id: int) -> None:
    first = datetime.now(timezone.utc).date() + timedelta(days=1)
    end = first + timedelta(days=1)
    _get(app, f"/services/{service_id}/slots?from={first}&to={end}")
    _get(app, "/services?limit=1")
    _get(app, f"/services/{service_id + _NOBODYS}")


def _get(app: Flask, path: str) -> TestResponse:
    base_url = app.extensions["settings"].base_url
    return app.test_client().get(f"/api/v1{path}", base_url=base_url)
