"""A venue with as many bookings as a test asks for, and a server's key that may read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from app.persistence import session, tables
from tests.services.factories import make_resource, make_service, make_venue
from tests.web.people import make_server

FIRST = datetime(2027, 3, 1, 8, tzinfo=timezone.utc)
RANGE = "from=2027-01-01&to=2036-12-31"
_BATCH = 5000


def fill(engine: Engine, count: int) -> tuple[int, str]:
    """Book *count* times, and return the venue and the key of a server that may read bookings."""
    session.configure(engine)
    venue = make_venue(engine, name="Sportpark Nordstadt")
    room = make_resource(engine, venue, name="Court 2")
    service = make_service(engine, venue, [[room]], name="Badminton, evening")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous=OFF" if engine.name == "sqlite" else "SET autocommit=1")
        for number in range(1, count + 1, _BATCH):
            _book(connection, range(number, min(number + _BATCH, count + 1)), venue, room, service)
    return venue, str(make_server("bookings:read").headers["Authorization"])


def _book(connection: Any, numbers: range, venue: int, room: int, service: int) -> None:
    connection.exec_driver_sql("BEGIN")
    connection.execute(insert(tables.customers), [*_customers(numbers)])
    connection.execute(insert(tables.bookings), [*_bookings(numbers, venue, service)])
    connection.execute(insert(tables.booking_resources), [{"booking_id": n, "resource_id": room} for n in numbers])
    connection.exec_driver_sql("COMMIT")


def _customers(numbers: range) -> Iterator[dict[str, Any]]:
    for number in numbers:
        who = {
            "name": f"Đặng Thị Hồng Nhung {number}",
            "email": f"nhung{number}@example.org",
            "phone": "+4922855512345",
        }
        yield {"id": number, "created_at": FIRST, "user_id": None, **who}


def _bookings(numbers: range, venue: int, service: int) -> Iterator[dict[str, Any]]:
    for number in numbers:
        starts_at = FIRST + timedelta(minutes=number)
        yield {
            "id": number,
            "ref": f"REF{number:07d}",
            "manage_token_hash": "0" * 64,
            "status": "confirmed",
            "venue_id": venue,
            "service_id": service,
            "customer_id": number,
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(hours=1),
            "timezone": "Europe/Berlin",
            "party_size": 2,
            "currency": "EUR",
            "total_minor": 2400,
            "deposit_minor": 0,
            "price_lines": "[]",
            "answers": "{}",
            "notes": "Please bring shoes with light soles." if number % 3 else "",
            "created_at": FIRST,
            "updated_at": FIRST,
        }


def peak_of(pid: int) -> float:
    """Return the most memory, in MiB, that a process has had since :func:`forget_peak`."""
    return _status(pid, "VmHWM")


def memory_of(pid: int) -> float:
    """Return the memory, in MiB, that a process has."""
    return _status(pid, "VmRSS")


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def _status(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
