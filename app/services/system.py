"""How this process and its installation stand, in figures: versions, memory, connections, messages owed, and cron."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from dataclasses import dataclass
from datetime import datetime, timezone

from app.domain.duties import DUTIES, LastRun
from app.persistence import health
from app.persistence.duties import list_last_runs
from app.persistence.session import Session
from app.runtime import memory
from app.runtime.settings import Settings
from app.runtime.uptime import uptime_seconds

PACKAGES = ("Flask", "SQLAlchemy", "PyMySQL", "msgspec", "gunicorn", "gevent", "tzdata")
QUEUED = "queued"


@dataclass(frozen=True, slots=True)
class Outbox:
    """Messages by state, and since how many seconds the longest waiting one has been due; 0 where none is."""

    by_status: dict[str, int]
    oldest_due_seconds: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand at an instant."""

    at: datetime
    versions: dict[str, str]
    database: str
    schema: str
    pid: int
    uptime_seconds: int | None
    memory: memory.Standing
    pool: dict[str, int]
    outbox: Outbox
    duties: dict[str, LastRun]
    disk_free_bytes: int


def look(session: Session, settings: Settings, *, now: datetime) -> Standing:
    """Return how this process and its installation stand; three queries."""
    database, revision = health.server(session)
    return Standing(
        at=now,
        versions=versions(),
        database=database,
        schema=revision,
        pid=os.getpid(),
        uptime_seconds=uptime_seconds(),
        memory=memory.standing(),
        pool=health.pool(session),
        outbox=outbox(session, now=now),
        duties={**{duty.name: LastRun() for duty in DUTIES}, **list_last_runs(session)},
        disk_free_bytes=shutil.disk_usage(settings.instance_dir).free,
    )


def versions() -> dict[str, str]:
    """Return the versions of Python and of what matters among the packages; those that are not there are left out."""
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def outbox(session: Session, *, now: datetime) -> Outbox:
    """Return how many messages there are, and how long the first of those owed has waited; one query."""
    depth = health.outbox_depth(session)
    _, due = depth.get(QUEUED, (0, 0))
    seconds = int(now.astimezone(timezone.utc).timestamp()) - due if due else 0
    return Outbox({status: count for status, (count, _) in depth.items()}, max(0, seconds))
