"""Customers under many hands at once: nobody's booking is left with one who is no more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from app.domain.actors import Actor
from app.domain.bookings import Customer
from app.domain.errors import Conflict
from app.persistence import bookings, session, tables
from app.persistence import customers as stored
from app.runtime.settings import load
from app.services import customers, privacy
from tests.services.desk import Desk, at

ADMIN = Actor("admin", user_id=1)
FRIEDA, FRITZ = Customer("Frieda", "frieda@example.org"), Customer("Fritz", "fritz@example.org")
ROUNDS = 8


def at_once(*tasks: Callable[[], object]) -> None:
    """Do them at once, each over a connection of its own; whatever one raises is raised here."""
    gate, raised = threading.Barrier(len(tasks)), []

    def run(task: Callable[[], object]) -> None:
        try:
            gate.wait(timeout=10)
            task()
        except BaseException as error:  # noqa: BLE001 - told to the test
            raised.append(error)
        finally:
            session.remove()

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    if raised:
        raise raised[0]


def bookings_by_customer(engine: Engine) -> list[tuple[str, int | None]]:
    """Return of each booking what its customer is called, and whom that one was merged into."""
    joined = tables.customers.c.id == tables.bookings.c.customer_id
    with engine.connect() as connection:
        columns = select(tables.customers.c.name, tables.customers.c.merged_into)
        return [tuple(row) for row in connection.execute(columns.join_from(tables.bookings, tables.customers, joined))]


def keys(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        columns = select(tables.customers.c.name, tables.customers.c.id).order_by(tables.customers.c.id)
        return {name: key for name, key in connection.execute(columns)}  # noqa: C416 - rows are no pairs to the types


def book_while_merged(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Book for a customer who is merged between being found and being booked for, if nothing keeps the merge waiting."""
    service = desk.room_service(capacity=999)
    for who in (FRIEDA, FRITZ):
        desk.book(service, at("09:00"), customer=who)
    now, add = keys(desk.engine), bookings.add_booking

    def merge() -> None:
        customers.merge(now["Frieda"], now["Fritz"], by=ADMIN, now=desk.now)
        session.remove()

    merging = threading.Thread(target=merge)

    def add_later(*arguments: Any, **values: Any) -> int:
        merging.start()
        merging.join(timeout=1)
        return add(*arguments, **values)

    monkeypatch.setattr(bookings, "add_booking", add_later)
    desk.book(service, at("10:00"), customer=FRIEDA)
    merging.join(timeout=30)


def test_a_booking_at_the_moment_of_a_merge_goes_to_somebody_who_is_there(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    book_while_merged(Desk(database), monkeypatch)
    assert bookings_by_customer(database) == [("Fritz", None)] * 3


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)  # the other one lets only one write at all
def test_without_the_lock_it_would_be_left_with_one_who_is_no_more(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {by: found.with_only_columns(tables.customers.c.id) for by, found in stored._FIND_SAME.items()}
    for found in free.values():
        found._for_update_arg = None
    monkeypatch.setattr(stored, "_FIND_SAME", free)
    book_while_merged(Desk(database), monkeypatch)
    assert [merged for _, merged in bookings_by_customer(database)].count(None) == 2


def test_a_booking_at_the_moment_of_an_erasure_keeps_its_name(database: Engine, tmp_path: Path) -> None:
    desk, settings = Desk(database), load({"INSTANCE_DIR": str(tmp_path / "instance")})
    service = desk.room_service(capacity=999)
    refs: list[str] = []
    for day in range(7, 7 + ROUNDS):
        desk.book(service, at("09:00", day), customer=FRIEDA)
        key = keys(database)["Frieda"]
        at_once(
            lambda: refs.append(desk.book(service, at("10:00", day), customer=FRIEDA).ref),  # noqa: B023
            lambda: privacy.erase(settings, key, force=True, by=ADMIN, now=desk.now),  # noqa: B023
        )
    names = [name for name, _ in bookings_by_customer(database)]
    assert (len(refs), set(names) <= {"", "Frieda"}, len(names)) == (ROUNDS, True, 2 * ROUNDS)
    assert names.count("") >= ROUNDS


def test_of_two_merges_at_once_one_is_told(database: Engine) -> None:
    desk = Desk(database)
    service = desk.room_service(capacity=999)
    for who in (FRIEDA, FRITZ):
        desk.book(service, at("09:00"), customer=who)
    now = keys(database)
    with pytest.raises(Conflict):
        at_once(
            lambda: customers.merge(now["Frieda"], now["Fritz"], by=ADMIN, now=desk.now),
            lambda: customers.merge(now["Fritz"], now["Frieda"], by=ADMIN, now=desk.now),
        )
    assert {merged for _, merged in bookings_by_customer(database)} == {None}
