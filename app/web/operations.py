"""Is the process alive; can it do its work."""

from __future__ import annotations

import shutil
from datetime import datetime

from flask import Response
from msgspec import Struct
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.duties import DEAD, DUTIES, GRACE, HOUR, LastRun, last_run_at
from app.persistence import schema
from app.persistence.duties import list_last_runs
from app.persistence.outbox_queue import depth
from app.persistence.session import reading
from app.runtime import logs
from app.web.context import now, settings
from app.web.errors import problem

LEAST_FREE_BYTES = 64 * 1024 * 1024  # below this the database itself is about to stop


class HealthView(Struct):
    """The process answers."""

    status: str


class QueueView(Struct):
    """How many messages are due, and for how long the first of them has been."""

    due: int
    oldest_seconds: int | None


class ReadinessView(Struct):
    """Each check by name: `ok`, or what there is to say; each duty of cron with the time at which it was last done; the outbox."""

    status: str
    checks: dict[str, str]
    duties: dict[str, datetime | None]
    outbox: QueueView


def health() -> HealthView:
    """Say that the process is alive; touches no database."""
    return HealthView("ok")


def readiness() -> ReadinessView | Response:
    """Say whether requests can be served: database, schema, disk; and whether cron runs.

    A cron that has not come for more than an hour is told; one that came once, and not for a day, makes the service not ready.
    """
    checks = {"database": _database(), "disk": _disk()}
    last = _last_runs() if checks["database"] == "ok" else {}
    is_ready = set(checks.values()) == {"ok"}
    checks["cron"], runs_no_more = _cron(last_run_at(last))
    if is_ready and not runs_no_more:
        return ReadinessView("ok", checks, {name: run.succeeded_at for name, run in last.items()}, _queue())
    return problem(503, "busy", "Not ready", "The service is not ready.", checks=checks)


def _database() -> str:
    try:
        revision = schema.current(reading())
    except (DBAPIError, PoolTimeout) as error:
        logs.warning("not_ready", cause=repr(error)[:300])
        return "unreachable"
    return "ok" if revision == schema.HEAD else "schema is not at the version of this program"


def _queue() -> QueueView:
    found, at = depth(reading(), now=now()), int(now().timestamp())
    return QueueView(found.due, None if found.oldest_due is None else at - found.oldest_due)


def _last_runs() -> dict[str, LastRun]:
    """Return how the duties fared, each of them."""
    return {**{duty.name: LastRun() for duty in DUTIES}, **list_last_runs(reading())}


def _cron(last_run: datetime | None) -> tuple[str, bool]:
    """Return what there is to say of cron, and whether it has run and does so no more."""
    if last_run is None:
        return "has never run", False
    ago = now() - last_run
    if ago < GRACE:
        return "ok", False
    hours = int(ago.total_seconds() // HOUR)
    return f"last run {hours} {'hour' if hours == 1 else 'hours'} ago", ago >= DEAD


def _disk() -> str:
    return "ok" if shutil.disk_usage(settings().instance_dir).free >= LEAST_FREE_BYTES else "almost full"
