"""Customers are found again when they book again, and by the words of what they are called and reached by."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from flask import Flask
from sqlalchemy import delete, func, insert, select, update

from app.domain.bookings import Customer
from app.domain.search import terms_of
from app.persistence import customer_search, session, tables
from app.persistence.catalogue_desk import Reach
from app.persistence.customers import find_or_add
from app.persistence.session import reading, transaction
from tests.conftest import Queries
from tests.web.people import make_user

NOW = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)
ADA = Customer("Ada Example", "ada@example.org", "+4930123456")
ALL = Reach(is_all=True)


def add(customer: Customer = ADA, *, user_id: int | None = None) -> int:
    with transaction() as opened:
        return find_or_add(opened, customer, user_id=user_id, now=NOW)


def found(text: str) -> list[int]:
    return customer_search.find_ids(reading(), terms_of(text), ALL, limit=100)


def number() -> int:
    return int(reading().execute(select(func.count()).select_from(tables.customers)).scalar_one())


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    "customer",
    [ADA, Customer("Ada", "", "+4930123456"), Customer("Ada", "ada@example.org", ""), Customer("Ö", "ö@a.de")],
)
def test_whoever_comes_again_with_the_same_details_is_the_same(customer: Customer) -> None:
    first = add(customer)
    assert add(customer) == first
    assert number() == 1


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    "other",
    [
        Customer("ada Example", ADA.email, ADA.phone),
        Customer(ADA.name, "ada@example.com", ADA.phone),
        Customer(ADA.name, ADA.email, ""),
        Customer(ADA.name, "", ADA.phone),
    ],
)
def test_whoever_differs_in_anything_is_another(other: Customer) -> None:
    assert add() != add(other)
    assert number() == 2


@pytest.mark.usefixtures("app")
def test_an_account_and_a_guest_of_the_same_details_stay_two() -> None:
    one, two = make_user(), make_user()
    assert len({add(), add(user_id=one), add(user_id=two)}) == 3
    assert add(user_id=two) != add(user_id=one)
    assert number() == 3


@pytest.mark.usefixtures("app")
def test_somebody_without_any_address_is_always_another() -> None:
    assert add(Customer("", "", "")) != add(Customer("", "", ""))


@pytest.mark.usefixtures("app")
def test_nobody_books_as_a_customer_who_was_merged() -> None:
    first = add()
    with transaction() as opened:
        opened.execute(update(tables.customers).values(merged_into=first))
    assert add() != first


@pytest.mark.usefixtures("app")
def test_a_customer_costs_two_queries_new_or_known(queries: Queries) -> None:
    for _ in range(2):
        with transaction() as opened:
            opened.execute(select(1))
            with queries(most=2):
                find_or_add(opened, ADA, user_id=None, now=NOW)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("text", ["ada", "EXAMPLE ada", "ada@example.org", "030 123456", "+49 30 12"])
def test_a_new_customer_is_found_by_words(text: str) -> None:
    made = add()
    assert found(text) == [made]


def test_customers_who_came_before_words_were_kept_get_theirs_and_then_there_is_nothing_to_do(app: Flask) -> None:
    del app
    rows = [
        {"name": f"Old {number}", "email": f"old{number}@example.org", "phone": "", "created_at": NOW}
        for number in range(7)
    ]
    with transaction() as opened:
        opened.execute(insert(tables.customers), [*rows, {"name": "", "email": "", "phone": "", "created_at": NOW}])
    newer = add()
    done = []
    for _ in range(4):
        with transaction() as opened:
            done.append(customer_search.add_missing(opened, limit=3))
    assert done == [3, 3, 1, 0]
    assert len(found("old")) == 7
    assert found("ada") == [newer]


def test_old_customers_get_their_words_though_nobody_has_any(app: Flask) -> None:
    del app
    add()
    with transaction() as opened:
        opened.execute(delete(tables.customer_words))
    assert found("ada") == []
    with transaction() as opened:
        assert customer_search.add_missing(opened, limit=100) == 1
    assert len(found("ada")) == 1


def test_two_who_book_at_once_do_no_harm(app: Flask) -> None:
    del app
    first = add()
    with session.engine().connect() as connection:
        connection.execute(
            insert(tables.customers),
            {"name": ADA.name, "email": ADA.email, "phone": ADA.phone, "created_at": NOW + timedelta(seconds=1)},
        )
    assert add() == first
