"""One round of daily reads before a server forks: what they load, compile and cache is then shared by all workers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from importlib import import_module

from flask import Flask

from app.runtime import logs

_DAILY = ("app.web.callers", "app.services.outbox")  # what access.py and afterwards.py load late


def run(app: Flask) -> None:
    """Ask for the services, and for tomorrow's slots of the first; a database that is away is not an error yet."""
    for name in _DAILY:
        import_module(name)
    client = app.test_client()
    base_url = app.extensions["settings"].base_url
    listed = client.get("/api/v1/services?limit=1", base_url=base_url)
    items = listed.get_json()["items"] if listed.status_code == 200 else []  # noqa: PLR2004 - OK
    if items:
        first = datetime.now(timezone.utc).date() + timedelta(days=1)
        days = {"from": first.isoformat(), "to": (first + timedelta(days=1)).isoformat()}
        client.get(f"/api/v1/services/{items[0]['id']}/slots", query_string=days, base_url=base_url)
    logs.info("warmed_up", services=len(items))
