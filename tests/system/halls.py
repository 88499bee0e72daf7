"""A place to race in: a database with one venue, a real server on it, and what a visitor sends."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from app.persistence import session
from app.persistence.engine import make_engine
from app.persistence.tables import occupancies, resources
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue
from tests.system import servers
from tests.system.racing import PATIENCE_SECONDS, Answer, Shot, race

GUEST = {"name": "Ada", "email": "ada@example.org"}
TROUBLE = (
    "WORKER TIMEOUT", "SIGSEGV", "SIGKILL", "Fatal Python error", "Traceback", "unexpected_error",
    "[WARNING]", "[ERROR]", "[CRITICAL]",
)  # fmt: skip


class Hall:
    """A database with one venue, and a server on it."""

    def __init__(self, engine: Engine, server: servers.Gunicorn) -> None:
        self.engine, self.server = engine, server
        self.days = 0

    @cached_property
    def venue(self) -> int:
        return make_venue(self.engine, timezone="UTC")

    def room(self, capacity: int = 1) -> int:
        return make_resource(self.engine, self.venue, capacity=capacity, daily_hours=AROUND_THE_CLOCK)

    def service(self, *groups: Sequence[int], **rules: Any) -> int:
        return make_service(self.engine, self.venue, groups, **rules)

    def day(self) -> datetime:
        """Return midnight of a day that nobody has used."""
        self.days += 1
        today = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        return today + timedelta(days=2 + self.days)

    def get(self, path: str, patience: float = PATIENCE_SECONDS) -> Answer:
        return self._ask("GET", path, patience)

    def post(self, shot: Shot, patience: float = PATIENCE_SECONDS) -> Answer:
        """Return the answer to one request.

        Raises:
            OSError, HTTPException: nothing came, or not all of it, or nothing for *patience* seconds.
        """
        headers = {"Content-Type": "application/json", **dict(shot.headers)}
        return self._ask("POST", shot.path, patience, json.dumps(shot.body), headers)

    def _ask(self, method: str, path: str, patience: float, *what: Any) -> Answer:
        with closing(HTTPConnection("127.0.0.1", self.server.port, timeout=patience)) as connection:
            connection.request(method, path, *what)
            answer = connection.getresponse()
            return Answer(answer.status, json.loads(answer.read() or b"{}"), dict(answer.getheaders()))

    def race(self, shots: Sequence[Shot]) -> list[Answer]:
        """Return the answers; none may be a 5xx, and no calendar may be over its capacity."""
        answers = race(self.server.url, shots)
        assert not [a for a in answers if a.status >= 500], tally(answers)
        assert overbooked(self.engine) == []
        return answers

    def nobody_died(self) -> None:
        log = self.server.output()
        assert [word for word in TROUBLE if word in log] == [], log[-3000:]


def overbooked(engine: Engine) -> list[tuple[int, int]]:
    """Return each resource and minute at which more is taken than there is."""
    with engine.connect() as connection:
        capacity = {row.id: row.capacity for row in connection.execute(select(resources.c.id, resources.c.capacity))}
        columns = (occupancies.c.resource_id, occupancies.c.starts, occupancies.c.ends, occupancies.c.units)
        taken = connection.execute(select(*columns)).all()
    changes: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for resource_id, starts, ends, units in taken:
        changes[resource_id] += [(starts, units), (ends, -units)]
    over = []
    for resource_id, steps in changes.items():
        level = 0
        for minute, change in sorted(steps):
            level += change
            if level > capacity[resource_id]:
                over.append((resource_id, minute))
    return over


@contextmanager
def hall(
    url: str,
    folder: Path,
    workers: int,
    options: Sequence[str] = (),
    extra_env: Mapping[str, str] | None = None,
    under: Sequence[str] = (),
) -> Iterator[Hall]:
    """Yield a hall on a migrated database; what the workers crash of is in the server's log."""
    engine = make_engine(url)
    session.configure(engine)
    extra = {"PYTHONFAULTHANDLER": "1", "PYTHONPATH": str(servers.ROOT), **(extra_env or {})}
    try:
        running = servers.gunicorn(
            url, folder / "instance", workers=workers, extra_env=extra, options=options, under=under
        )
        with running as server:
            yield Hall(engine, server)
    finally:
        session.remove()
        engine.dispose()


def booking(service: int, starts_at: datetime, *headers: tuple[str, str], **fields: Any) -> Shot:
    body = {"service_id": service, "starts_at": starts_at.isoformat(), "customer": GUEST, **fields}
    return Shot("/api/v1/bookings", body, headers)


def hold(service: int, starts_at: datetime) -> Shot:
    return Shot("/api/v1/holds", {"service_id": service, "starts_at": starts_at.isoformat()})


def tally(answers: Sequence[Answer]) -> dict[int, int]:
    return dict(Counter(answer.status for answer in answers))
