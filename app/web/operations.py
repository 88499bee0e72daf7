"""Is the process alive; can it do its work."""

from __future__ import annotations

import shutil

from flask import Response
from msgspec import Struct
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.persistence import schema
from app.persistence.session import reading
from app.runtime import logs
from app.web.context import settings
from app.web.errors import problem

LEAST_FREE_BYTES = 64 * 1024 * 1024  # below this the database itself is about to stop


class HealthView(Struct):
    """The process answers."""

    status: str


class ReadinessView(Struct):
    """Each check by name: `ok`, or what is wrong."""

    status: str
    checks: dict[str, str]


def health() -> HealthView:
    """Say that the process is alive; touches no database."""
    return HealthView("ok")


def readiness() -> ReadinessView | Response:
    """Say whether requests can be served: database, schema, disk."""
    checks = {"database": _database(), "disk": _disk()}
    if set(checks.values()) == {"ok"}:
        return ReadinessView("ok", checks)
    return problem(503, "busy", "Not ready", "The service is not ready.", checks=checks)


def _database() -> str:
    try:
        revision = schema.current(reading())
    except (DBAPIError, PoolTimeout) as error:
        logs.warning("not_ready", cause=repr(error)[:300])
        return "unreachable"
    return "ok" if revision == schema.HEAD else "schema is not at the version of this program"


def _disk() -> str:
    return "ok" if shutil.disk_usage(settings().instance_dir).free >= LEAST_FREE_BYTES else "almost full"
