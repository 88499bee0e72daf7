"""The hall "20x60" (see seed.py) as a database to measure on, and what visitors ask of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from app.persistence import migrate, session
from app.persistence.engine import make_engine
from scripts.bench.seed import seed
from tests.system import servers
from tests.web.people import make_server

FIRST = date.today() + timedelta(days=2)  # noqa: DTZ011 - the seed is in UTC and far from midnight
_SLOTS = "/api/v1/services/{service}/slots?from={first}&to={end}"
ONE, ANY = 2, 1  # the services of the data set: over the first resource alone, and over all twenty
BOOKINGS = "/api/v1/bookings"
SERVICES = "/api/v1/services"
LIST = "/api/v1/admin/bookings?limit=50"


def slots(service: int, days: int) -> str:
    """Return the path of the free times of so many days."""
    return _SLOTS.format(service=service, first=FIRST, end=FIRST + timedelta(days=days))


def free_starts() -> Iterator[tuple[int, str]]:
    """Yield the resource and start of each slot that the seed left free."""
    for number in range(60 * 8 * 20):
        day, rest = divmod(number, 160)
        hour, resource_id = divmod(rest, 20)
        starts_at = datetime(FIRST.year, FIRST.month, FIRST.day, 9 + hour, 30, tzinfo=timezone.utc) + timedelta(
            days=day
        )
        yield resource_id + 1, starts_at.isoformat()


def booking(free: tuple[int, str]) -> tuple[dict[str, object], str]:
    """Return the body of a guest's booking of a free slot, and its Idempotency-Key."""
    resource_id, starts_at = free
    customer = {"name": "Ada Example", "email": "ada@example.org"}
    body = {"service_id": ANY, "resource_id": resource_id, "starts_at": starts_at, "customer": customer}
    return body, f"bench-{resource_id}-{starts_at}"


@contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the URL of a seeded database, and the Authorization of a server that may read its bookings."""
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'bench.sqlite3'}"
        if kind == "mariadb":
            server = stack.enter_context(servers.mariadb(folder / "db"))
            server.run("CREATE DATABASE bench CHARACTER SET utf8mb4")
            url = server.url("bench")
        engine = make_engine(url)
        session.configure(engine)
        migrate.upgrade(engine)
        seed(FIRST)
        key = str(make_server("bookings:read").headers["Authorization"])
        session.remove()
        engine.dispose()
        yield url, key
