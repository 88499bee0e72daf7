"""How the installation stands, for admins."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from msgspec import Struct

from app.domain.times import rfc3339
from app.persistence.session import reading
from app.services import system
from app.services.system import Standing
from app.web.context import now, settings


class MemoryView(Struct):
    """Bytes of the worker that answers.

    Above the soft bound it tidies up, above the hard one it gives way to a fresh one; 0 is none, and `source` says where they
    come from.
    """

    rss_bytes: int
    soft_bytes: int
    hard_bytes: int
    source: str
    state: str
    collections: int


class PoolView(Struct):
    """Database connections of the worker that answers: how many stay, how many more may come, and how many there are."""

    size: int
    overflow: int
    in_use: int
    idle: int


class OutboxDepthView(Struct):
    """Messages by state, and for how many seconds the longest waiting one has been due."""

    by_status: dict[str, int]
    oldest_due_seconds: int


class DutyView(Struct):
    """When a duty of cron was last done, and when and why its last run failed, if it did."""

    succeeded_at: str | None
    failed_at: str | None
    error: str


class SystemView(Struct):
    """The worker that answers, and the installation that it belongs to."""

    at: str
    versions: dict[str, str]
    database: str
    schema: str
    pid: int
    uptime_seconds: int | None
    memory: MemoryView
    pool: PoolView
    outbox: OutboxDepthView
    duties: dict[str, DutyView]
    disk_free_bytes: int


def read() -> SystemView:
    """Show how this worker and the installation stand: versions, memory, connections, messages owed, cron, disk."""
    return _view(system.look(reading(), settings(), now=now()))


def _view(found: Standing) -> SystemView:
    duties = {
        name: DutyView(_instant(run.succeeded_at), _instant(run.failed_at), run.error)
        for name, run in found.duties.items()
    }
    return SystemView(
        at=rfc3339(found.at),
        versions=found.versions,
        database=found.database,
        schema=found.schema,
        pid=found.pid,
        uptime_seconds=found.uptime_seconds,
        memory=MemoryView(**asdict(found.memory)),
        pool=PoolView(**found.pool),
        outbox=OutboxDepthView(**asdict(found.outbox)),
        duties=duties,
        disk_free_bytes=found.disk_free_bytes,
    )


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
