"""What visitors do all day, done before a server forks: what it loads, compiles and caches is then shared by all workers.

What counts is that nothing of it is left to be made. One statement that a worker has to compile leads it through code whose pages
it then copies, 2 to 3 MiB: with all of a visitor's a worker keeps 15 MiB of its own instead of 21. What only those do who sign in
or get mail is not loaded here: it would cost those who do not, and the others no less, as a worker that uses it copies it.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from importlib import import_module
from itertools import islice
from typing import Any

from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.test import TestResponse

from app.persistence import session
from app.runtime import logs

# CPython 3.11 rewrites the code of a function in place after eight calls (PEP 659), and each worker that did so itself would
# copy the page: 3 MiB of 100 for two workers that answer visitors.
ROUNDS = 12
HOLDS = 3
MONTH_DAYS = 30
_NOBODYS = 10**12  # beyond every service's number: a refusal is daily bread as well


def run(app: Flask) -> None:
    """Look at the first service, and hold times of it for nobody; a database that is away is not an error yet."""
    import_module("app.web.callers")  # which access.py loads late
    listed = _ask(app, "/services?limit=1")
    items = listed.get_json()["items"] if listed.status_code == 200 else []  # noqa: PLR2004 - OK
    for _ in range(ROUNDS if items else 0):
        _look_around(app, items[0]["id"])
    if items and session.engine().dialect.name == "mysql":
        _rehearse_holds(app, items[0]["id"])
    logs.info("warmed_up", services=len(items))


def _look_around(app: Flask, service_id: int) -> None:
    slots = f"/services/{service_id}/slots"
    known = ("/services?limit=1", f"/services/{service_id}", "/venues", "/resources?limit=20", "/openapi.json")
    unknown = (f"/services/{service_id + _NOBODYS}", "/bookings/nobodys", "/nowhere")
    for path in (f"{slots}?{_days(1)}", f"{slots}?{_days(MONTH_DAYS)}", *known, *unknown):
        _ask(app, path)


def _days(number: int) -> str:
    first = datetime.now(timezone.utc).date() + timedelta(days=1)
    return f"from={first}&to={first + timedelta(days=number)}"


def _rehearse_holds(app: Flask, service_id: int) -> None:
    """Hold times that are free and give them back, without a word of it to the database."""
    rehearsal = import_module("app.persistence.rehearsal")
    days = _ask(app, f"/services/{service_id}/slots?{_days(MONTH_DAYS)}").get_json().get("days", [])
    try:
        with rehearsal.rehearsal():
            for slot in islice((slot for day in days for slot in day["slots"]), HOLDS):
                _hold(app, service_id, slot)
            for name in ("calendar", "holds"):
                rehearsal.rehearse_changes(import_module(f"app.persistence.{name}"))
    except (DBAPIError, PoolTimeout) as error:  # it was there a moment ago, and will be again
        logs.warning("not_rehearsed", reason=repr(error)[:300])


def _hold(app: Flask, service_id: int, slot: dict[str, Any]) -> None:
    wish = {"service_id": service_id, "resource_id": slot["resource_ids"][0], "starts_at": slot["starts_at"]}
    held = _ask(app, "/holds", "POST", wish).get_json(silent=True) or {}
    _ask(app, f"/holds/{held.get('token', 'none')}", "DELETE")


def _ask(app: Flask, path: str, method: str = "GET", body: dict[str, Any] | None = None) -> TestResponse:
    base_url = app.extensions["settings"].base_url
    return app.test_client().open(f"/api/v1{path}", method=method, base_url=base_url, json=body)
