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
from tests.services.factories import make_resource, make_service, make_venue
from tests.system import servers

MANY = 200_000
NOW = datetime(2027, 6, 1, 8, 0, tzinfo=timezone.utc)
ADMIN = Actor("admin", user_id=1)
STAFF_OF_MANY = Actor("staff", user_id=2, scopes=(Scope(1),))
STAFF_OF_FEW = Actor("staff", user_id=3, scopes=(Scope(2),))
STAFF_OF_A_ROOM = Actor("staff", user_id=4, scopes=(Scope(1, 3),))
_AT = "'2027-01-01 00:00:00'"
# In the words of each database: seven digits of a number, and a text behind another.
_KINDS = {"sqlite": ("printf('%07d', i)", "{} || {}"), "mariadb": ("LPAD(i, 7, '0')", "CONCAT({}, {})")}
_TABLES = ("customers", "customer_words", "bookings", "booking_resources")


def seeds(kind: str) -> Iterator[str]:
    """Yield what fills the tables: half of the customers have an e-mail address, and half a number."""
    number, joined = _KINDS[kind]
    word = joined.format("'p'", number)
    email, phone = joined.format(word, "'@a.de'"), joined.format("'+49'", number)
    stamps = {"version": "1", "created_at": _AT}
    yield _filled(
        "customers",
        id="i",
        name=joined.format("'Person '", "i"),
        email=f"CASE WHEN i % 2 = 1 THEN {email} ELSE '' END",
        phone=f"CASE WHEN i % 2 = 1 THEN '' ELSE {phone} END",
        **stamps,
    )
    yield _filled("customer_words", word="'person'", customer_id="i")
    yield _filled("customer_words", word=word, customer_id="i")
    place = "CASE WHEN i % 1000 = 0 THEN 2 ELSE 1 END"
    texts = dict.fromkeys(("manage_token_hash", "notes", "status_reason", "language"), "''")
    yield _filled(
        "bookings", id="i", ref=joined.format("'R'", number), status="'confirmed'", venue_id=place, service_id=place,
        customer_id="i", starts_at="'2026-01-01 10:00:00'", ends_at="'2026-01-01 11:00:00'", timezone="'UTC'",
        party_size="1", currency="'EUR'", total_minor="100", deposit_minor="0", price_lines="'[]'", answers="'{}'",
        updated_at=_AT, **texts, **stamps,
    )  # fmt: skip
    room = "CASE WHEN i % 1000 = 0 THEN 2 WHEN i % 1000 = 1 THEN 3 ELSE 1 END"
    yield _filled("booking_resources", booking_id="i", resource_id=room)


def _filled(table: str, **columns: str) -> str:
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})"  # noqa: S608 - our own words
    return f"INSERT INTO {table} ({', '.join(columns)}) {numbers} SELECT {', '.join(columns.values())} FROM n"  # noqa: S608 - our own words


def make_places(url: str) -> None:
    """Make two venues with a service each: the first has a second room."""
    engine = make_engine(url)
    for venue in (1, 2):
        make_venue(engine, id=venue)
        make_resource(engine, venue, id=venue)
        make_service(engine, venue, [[venue]], id=venue)
    make_resource(engine, 1, id=3)
    engine.dispose()


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def crowded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database with many customers, a booking each: one in a thousand at another venue, or in a room of its own."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("crowd") / "slotkeeper.sqlite3"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        make_places(f"sqlite:///{path}")
        with closing(sqlite3.connect(path)) as connection, connection:
            for seed in seeds("sqlite"):
                connection.execute(seed)
        return f"sqlite:///{path}"
    # Over a connection of its own: the program's gives up on a statement after three seconds.
    mortal: servers.MariaDB = request.getfixturevalue("mortal")
    make_places(mortal.url("slotkeeper"))
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
def explained(*, most: int) -> Iterator[None]:
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
            if " VALUES " not in statement
            for plan in _scans(connection, statement, values)
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
        # Of a word that everybody has, the index is read from its newest end until there are enough.
        is_walk = step["type"] == "index" and step["table"] == "customer_words"
        if step["type"] in {"ALL", "index"} and str(step["table"]).startswith(_TABLES) and not is_walk:
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
    assert found or by.scopes
    with explained(most=3):
        customers.search(q, by=by, before=MANY // 2, limit=50)


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
    "customer",
    [Customer("Person 9", "p0000009@a.de", ""), Customer("Person 8", "", "+490000008"), Customer("New", "n@a.de")],
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
