"""What the desk's lists, calendars and reports cost among a great many bookings: queries, milliseconds, and this process's memory.

    DATABASE_URL=... python -m scripts.bench.desk --bookings 1000000

The database is migrated and filled if it has no bookings yet: five venues, a hundred rooms, four years, a customer a booking.
Milliseconds are the best of three; they tell one question from another, not one machine from the next.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Engine, event, func, insert, select

from app.domain.actors import Actor, Scope
from app.domain.search import words_of
from app.persistence import migrate, session, tables
from app.persistence.engine import make_engine
from app.persistence.session import transaction
from app.runtime import memory
from app.services import booking_lists, figures
from app.services.booking_exports import Range
from app.services.booking_lists import Question

VENUES, ROOMS, SERVICES, BATCH = 5, 20, 10, 2_000  # rooms and services a venue
FIRST, DAYS, WEEK = datetime(2024, 1, 1, tzinfo=timezone.utc), 1461, date(2026, 11, 23)
MADE_AT = datetime(2024, 1, 1, tzinfo=timezone.utc)
EVER = (datetime(1971, 1, 1, tzinfo=timezone.utc), datetime(9990, 1, 1, tzinfo=timezone.utc))
GIVEN = [
    "Ada",
    "Bo",
    "Carl",
    "Dora",
    "Emil",
    "Frieda",
    "Gus",
    "Hanna",
    "Ivo",
    "Jana",
    "Kai",
    "Lea",
    "Max",
    "Nora",
    "Otto",
    "Paula",
    "Rita",
    "Sven",
    "Tara",
    "Uwe",
]
FAMILY = ["Müller", "Schmidt", "Fischer", "Weber", "Meyer", "Wagner", "Becker", "Schulz", "Hoffmann", "Koch"]
STATUSES = ("completed",) * 14 + ("confirmed",) * 3 + ("cancelled",) * 2 + ("pending",)
ADMIN, ROOM = Actor("admin"), Actor("staff", user_id=1, scopes=(Scope(2, 25),))
YEAR = Range(date(2026, 1, 1), date(2027, 1, 1), 2)
_DICE = random.Random(1)  # noqa: S311 - made up, not secret

Rows = list[dict[str, Any]]


def fill(bookings: int) -> None:
    """Fill an empty, migrated database."""
    _fill_catalogue()
    for first in range(1, bookings + 1, BATCH):
        numbers = range(first, min(first + BATCH, bookings + 1))
        with transaction() as current:
            for table, rows in _rows(numbers).items():
                current.execute(insert(getattr(tables, table)), rows)


def _fill_catalogue() -> None:
    stamps = {"created_at": MADE_AT, "updated_at": MADE_AT}
    hours, no_rules = json.dumps([[[480, 1320]]] * 7), {"custom_fields": "[]", "cancellation": "[]", "description": ""}
    zero = dict.fromkeys(_numbers_of_a_service(), 0)
    length = dict.fromkeys(("min_minutes", "max_minutes", "step_minutes", "slot_interval_minutes"), 60)
    flags = {"requires_approval": False, "guest_bookings": True, "horizon_days": 365}
    with transaction() as current:
        for venue in range(1, VENUES + 1):
            place = {"id": venue, "slug": f"v{venue}", "name": f"Venue {venue}"}
            current.execute(insert(tables.venues), {**place, "timezone": "Europe/Berlin", "currency": "EUR", **stamps})
            for key in range((venue - 1) * ROOMS + 1, venue * ROOMS + 1):
                room = {"id": key, "venue_id": venue, "slug": f"r{key}", "name": f"Room {key}", "kind": "space"}
                current.execute(insert(tables.resources), {**room, "capacity": 1, "weekly_hours": hours, **stamps})
            for key in range((venue - 1) * SERVICES + 1, venue * SERVICES + 1):
                service = {"id": key, "venue_id": venue, "slug": f"s{key}", "name": f"Service {key}"}
                current.execute(insert(tables.services), {**service, **zero, **length, **flags, **no_rules, **stamps})


def _numbers_of_a_service() -> tuple[str, ...]:
    around = ("buffer_before_minutes", "buffer_after_minutes", "min_notice_minutes", "units_per_party_member")
    return (*around, "flat_minor", "per_hour_minor", "per_person_minor", "deposit_percent", "tax_bp")


def _rows(numbers: range) -> dict[str, Rows]:
    found: dict[str, Rows] = {"customers": [], "customer_words": [], "bookings": [], "booking_resources": []}
    for number in numbers:
        name, email = f"{_DICE.choice(GIVEN)} {_DICE.choice(FAMILY)} {number}", f"c{number}@example.org"
        phone = f"+4930{number:07d}"
        who = {"id": number, "name": name, "email": email, "phone": phone, "created_at": MADE_AT}
        found["customers"].append(who)
        found["customer_words"] += [{"word": word, "customer_id": number} for word in words_of(name, email, phone)]
        found["bookings"].append(_booking(number))
        room = (found["bookings"][-1]["venue_id"] - 1) * ROOMS + _DICE.randint(1, ROOMS)
        found["booking_resources"].append({"booking_id": number, "resource_id": room})
    return found


def _booking(number: int) -> dict[str, Any]:
    venue, starts_at = _DICE.randint(1, VENUES), FIRST + timedelta(hours=_DICE.randrange(24 * DAYS))
    return {
        "id": number,
        "ref": f"{number:010d}".translate(str.maketrans("01", "CF")),
        "manage_token_hash": "",
        "status": _DICE.choice(STATUSES),
        "venue_id": venue,
        "service_id": (venue - 1) * SERVICES + _DICE.randint(1, SERVICES),
        "customer_id": number,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=1),
        "timezone": "Europe/Berlin",
        "party_size": 2,
        "currency": "EUR",
        "total_minor": 1000,
        "deposit_minor": 0,
        "price_lines": "[]",
        "answers": "{}",
        "notes": "",
        "created_at": MADE_AT,
        "updated_at": MADE_AT,
    }


def questions() -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield each question, and what asks it."""
    for name, wishes, by in (
        ("all, the newest first", {"newest": True}, ADMIN),
        ("a venue", {"venue_id": 2}, ADMIN),
        ("requests", {"status": "pending"}, ADMIN),
        ("one room", {"resource_id": 25}, ADMIN),
        ("one service", {"service_id": 12, "venue_id": 2}, ADMIN),
        ("a name", {"text": "Frieda Müller"}, ADMIN),
        ("an address", {"text": "c777@exa"}, ADMIN),
        ("a word that all have", {"text": "example"}, ADMIN),
        ("a reference", {"text": "CCCC77"}, ADMIN),
        ("staff of one room", {}, ROOM),
        ("staff of one room, a name", {"text": "Frieda"}, ROOM),
    ):
        question = Question(*EVER, **wishes)  # type: ignore[arg-type]
        yield name, lambda question=question, by=by: booking_lists.search(question, by=by, limit=51)
    for name, days in (("a week as a calendar", 7), ("a month as a calendar", 30)):
        yield name, lambda days=days: booking_lists.board(2, WEEK, WEEK + timedelta(days=days), by=ADMIN)
    for report in (figures.occupancy, figures.tallies, figures.lead_times):
        yield f"a year of a venue: {report.__name__.replace('_', ' ')}", lambda report=report: report(YEAR, by=ADMIN)


def measure(engine: Engine) -> None:
    """Print a line for each question."""
    sent: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: sent.append(call[2]))
    print(f"{'question':<40} {'queries':>8} {'ms':>8} {'MiB':>7}")
    for name, ask in questions():
        best = float("inf")
        for _ in range(3):
            sent.clear()
            began = time.perf_counter()
            ask()
            best = min(best, 1000 * (time.perf_counter() - began))
            session.remove()
        print(f"{name:<40} {len(sent):>8} {best:>8.1f} {(memory.rss_bytes() or 0) / 2**20:>7.1f}")


def main() -> None:
    """Fill the database where it is empty, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bookings", type=int, default=1_000_000)
    chosen = parser.parse_args()
    engine = make_engine(os.environ["DATABASE_URL"])
    session.configure(engine)
    migrate.upgrade(engine)
    with engine.connect() as connection:
        is_empty = connection.execute(select(func.count()).select_from(tables.venues)).scalar_one() == 0
    if is_empty:
        fill(chosen.bookings)
    measure(engine)


if __name__ == "__main__":
    main()
