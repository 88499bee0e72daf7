"""A rehearsal: reads are read, and no write arrives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, insert, select, text

from app.persistence import holds, session
from app.persistence.engine import make_engine
from app.persistence.rehearsal import rehearsal, rehearse_changes
from app.persistence.tables import customers
from tests.services.factories import MADE_AT

CUSTOMER = {"name": "Ada", "email": "ada@example.org", "phone": "", "created_at": MADE_AT}
COUNT = select(func.count()).select_from(customers)


@pytest.fixture(autouse=True)
def _bound(mariadb_url: str) -> Iterator[None]:
    engine = make_engine(mariadb_url)
    session.configure(engine)
    yield
    session.remove()
    engine.dispose()


def add() -> int:
    with session.transaction() as opened:
        key: int = opened.connection().execute(insert(customers), CUSTOMER).inserted_primary_key[0]
    return key


def test_a_write_is_told_that_it_was_made_and_is_not() -> None:
    with rehearsal():
        assert add() == 1
        assert session.reading().scalar(COUNT) == 0
    assert session.reading().scalar(COUNT) == 0


def test_afterwards_and_after_a_failure_writes_arrive() -> None:
    with pytest.raises(ZeroDivisionError), rehearsal():
        raise ZeroDivisionError
    add()
    assert session.reading().scalar(COUNT) == 1


def test_no_transaction_is_left_open_at_the_server() -> None:
    with rehearsal():
        add()
    assert session.reading().execute(text("SELECT @@in_transaction")).scalar() == 0


def test_the_changes_of_a_module_are_made_to_nothing() -> None:
    key = add()
    with rehearsal():
        rehearse_changes(holds)
    assert session.reading().execute(select(customers.c.id)).scalars().all() == [key]
