"""Two hundred thousand customers: whoever is looked for, listed, booked for or erased is found through an index."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from app.domain.actors import Actor, Scope
from app.domain.bookings import Customer
from app.persistence import customer_search, privacy, session
from app.persistence.customers import find_or_add
from app.persistence.engine import make_engine
from app.persistence.session import reading, transaction
from app.runtime.settings import load
from app.services import customers
from app.services import privacy as erasing
from app.services.customers import CustomerChanges
from tests.conftest import SECRET_KEY
from tests.system import servers

MANY = 200_000
NOW = datetime(2027, 6, 1, 8, 0, tzinfo=timezone.utc)
ADMIN = Actor("admin", user_id=1)
STAFF_OF_MANY = Actor("staff", user_id=2, scopes=(Scope(1),))
STAFF_OF_FEW = Actor("staff", user_id=3, scopes=(Scope(2),))
STAFF_OF_A_ROOM = Actor("staff", user_id=4, scopes=(Scope(1, 3),))
_AT = "'2027-01-01 00:00:00'"
_N = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) SELECT"
_VENUE = "CASE WHEN i % 1000 = 0 THEN 2 ELSE 1 END"
_SEEDS = (
    *(
        f"INSERT INTO venues (id, slug, name, timezone, currency, address, email, phone, language, active, version, created_at, updated_at)"  # noqa: S608 - our own words
        f" VALUES ({key}, 'v{key}', 'V', 'UTC', 'EUR', '', '', '', 'en', 1, 1, {_AT}, {_AT})"
        for key in (1, 2)
    ),
    *(
        f"INSERT INTO resources (id, venue_id, slug, name, kind, capacity, weekly_hours, active, calendar_version, version, created_at, updated_at)"  # noqa: S608
        f" VALUES ({key}, {venue}, 'r{key}', 'R', 'space', 1, '[]', 1, 1, 1, {_AT}, {_AT})"
        for key, venue in ((1, 1), (2, 2), (3, 1))
    ),
    *(
        f"INSERT INTO services (id, venue_id, slug, name, description, min_minutes, max_minutes, step_minutes, slot_interval_minutes, buffer_before_minutes,"  # noqa: S608
        f" buffer_after_minutes, min_notice_minutes, horizon_days, requires_approval, guest_bookings, units_per_party_member, flat_minor, per_hour_minor,"
        f" per_person_minor, deposit_percent, tax_bp, cancellation, custom_fields, reminders, active, version, created_at, updated_at)"
        f" VALUES ({key}, {key}, 's{key}', 'S', '', 60, 60, 30, 30, 0, 0, 0, 999, 0, 1, 0, 0, 0, 0, 0, 0, '[]', '[]', '[]', 1, 1, {_AT}, {_AT})"
        for key in (1, 2)
    ),
    f"INSERT INTO customers (id, name, email, phone, created_at, version) {_N} i, 'Person {{i}}', CASE WHEN i % 2 THEN {{email}} ELSE '' END,"
    f" CASE WHEN i % 2 THEN '' ELSE {{phone}} END, {_AT}, 1 FROM n",
    f"INSERT INTO customer_words (word, customer_id) {_N} 'person', i FROM n",
    f"INSERT INTO customer_words (word, customer_id) {_N} {{word}}, i FROM n",
    f"INSERT INTO bookings (id, ref, manage_token_hash, status, venue_id, service_id, customer_id, starts_at, ends_at, timezone, party_size, currency, total_minor,"
    f" deposit_minor, price_lines, answers, notes, status_reason, language, version, created_at, updated_at) {_N} i, {{ref}}, '', 'confirmed', {_VENUE}, {_VENUE}, i,"
    f" '2026-01-01 10:00:00', '2026-01-01 11:00:00', 'UTC', 1, 'EUR', 100, 0, '[]', '{{{{}}}}', '', '', '', 1, {_AT}, {_AT} FROM n",
    f"INSERT INTO booking_resources (booking_id, resource_id) {_N} i, CASE WHEN i % 1000 = 0 THEN 2 WHEN i % 1000 = 1 THEN 3 ELSE 1 END FROM n",
)  # fmt: skip
_WORDS = {
    "sqlite": ("printf('%07d', i)", "'{}' || {}"),
    "mariadb": ("LPAD(i, 7, '0')", "CONCAT('{}', {})"),
}
_TABLES = ("customers", "customer_words", "bookings", "booking_resources")


def seeds(kind: str) -> list[str]:
    number, joined = _WORDS[kind]
    values = {
        "i": "",
        "email": joined.format("p", number),
        "phone": joined.format("+49", number),
        "word": joined.format("p", number),
        "ref": joined.format("R", number),
    }
    return [seed.format(**values) if "{" in seed else seed for seed in _SEEDS]


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def crowded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database with many customers, a booking each: one in a thousand at another venue, or in a room of its own."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("crowd") / "slotkeeper.sqlite3"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        with closing(sqlite3.connect(path)) as connection, connection:
            for seed in seeds("sqlite"):
                connection.execute(seed)
        return f"sqlite:///{path}"
    # Over a connection of its own: the program's gives up on a statement after three seconds.
    mortal: servers.MariaDB = request.getfixturevalue("mortal")
    analyze = f"ANALYZE TABLE {', '.join(_TABLES)}"
    mortal.run("USE slotkeeper", f"SET max_recursive_iterations = {2 * MANY}", *seeds("mariadb"), analyze)
    return mortal.url("slotkeeper")


@pytest.fixture(autouse=True)
def _house(crowded: str) -> Iterator[None]:
    session.configure(make_engine(crowded))
    yield
    session.remove()
    session.engine().dispose()


@contextmanager
def explained(*, most: int, but: str = "no index") -> Iterator[None]:
    """Fail if the block sends more statements, or one that looks through customers or bookings instead of using an index."""
    sent: list[tuple[str, Any]] = []

    def note(*call: Any) -> None:
        if not call[2].startswith(("BEGIN", "START")) and "alembic_version" not in call[2]:  # asked every ten seconds
            sent.append((call[2], call[3]))

    engine = session.engine()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert 0 < len(sent) <= most, "\n".join(statement for statement, _ in sent)
    with engine.connect() as connection:
        scans = [
            (statement, plan)
            for statement, values in sent
            if not isinstance(values, list)
            for plan in _scans(connection, statement, values)
            if but not in plan
        ]
    assert scans == []


def _scans(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    """Yield the steps of a statement's plan that look at every row of a table, or of an index."""
    if connection.dialect.name == "sqlite":
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
            if row.detail.startswith("SCAN") and row.detail.split()[1].startswith(_TABLES):
                yield row.detail
        return
    for step in connection.exec_driver_sql(f"EXPLAIN {statement}", values).mappings():
        if step["type"] in {"ALL", "index"} and str(step["table"]).startswith(_TABLES):
            yield str(dict(step))


def test_a_look_through_all_of_them_would_be_noticed() -> None:
    with session.engine().connect() as connection:
        assert connection.scalar(text("SELECT COUNT(*) FROM customers")) >= MANY
        values: Any = {} if connection.dialect.name == "mysql" else ()
        assert list(_scans(connection, "SELECT * FROM customers WHERE name = 'Ada'", values))


@pytest.mark.parametrize(
    "by", [ADMIN, STAFF_OF_MANY, STAFF_OF_FEW, STAFF_OF_A_ROOM], ids=["admin", "many", "few", "room"]
)
@pytest.mark.parametrize("q", ["", "p0001", "person", "person p00011"])
def test_lists_and_searches_use_an_index(by: Actor, q: str) -> None:
    with explained(most=3):
        found = customers.search(q, by=by, limit=50)
    assert found
    with explained(most=3):
        customers.search(q, by=by, before=found[-1].id, limit=50)


def test_a_profile_and_a_change_look_at_one_customer() -> None:
    with explained(most=3):
        assert customers.read(7, by=STAFF_OF_MANY).counts == {"confirmed": 1}
    with explained(most=14):
        customers.change(7, CustomerChanges(name="Ada"), by=STAFF_OF_MANY, version=None, now=NOW)


def test_who_is_there_twice_is_looked_for_a_part_at_a_time() -> None:
    for by_phone in (False, True):
        with explained(most=4):
            _, last = customers.list_twice(by_phone=by_phone, last_id=0, limit=20)
        assert last is not None
        with explained(most=4):
            customers.list_twice(by_phone=by_phone, last_id=last, limit=20)


@pytest.mark.parametrize(
    "customer", [Customer("Person", "p0000009", ""), Customer("Person", "", "+490000008"), Customer("New", "n@a.de")]
)
def test_whoever_books_is_found_by_the_address_they_have(customer: Customer) -> None:
    with transaction() as opened, explained(most=3):
        find_or_add(opened, customer, user_id=None, now=NOW)


def test_a_merge_and_an_erasure_touch_two_customers_and_their_bookings(tmp_path: Path) -> None:
    with explained(most=20):
        customers.merge(11, 13, by=ADMIN, now=NOW)
    settings = load({"INSTANCE_DIR": str(tmp_path), "SECRET_KEY": SECRET_KEY})
    with explained(most=20):
        erasing.erase(settings, 13, force=False, by=ADMIN, now=NOW)


def test_what_cron_looks_for_is_looked_for_a_part_at_a_time() -> None:
    with explained(most=1):
        assert privacy.list_overdue(reading(), cutoff=NOW, after=1000, until=6000, limit=100)
    with explained(most=3), transaction() as opened:
        assert customer_search.add_missing(opened, limit=100) == 0
