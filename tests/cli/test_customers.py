"""``flask customers``: the same as over HTTP, for somebody at a shell."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from app.persistence import session, tables
from tests.cli.conftest import Shell
from tests.cli.test_exports import STARTS, ref  # noqa: F401 - a hall of a venue "park" with a booking

pytestmark = pytest.mark.usefixtures("ref")


def first() -> int:
    with session.engine().connect() as connection:
        return int(connection.scalar(select(tables.customers.c.id).order_by(tables.customers.c.id)) or 0)


def add(name: str) -> int:
    with session.engine().connect() as connection:
        row = {"name": name, "email": email(), "phone": "", "created_at": STARTS}
        return int(connection.execute(insert(tables.customers), row).inserted_primary_key[0])


def email() -> str:
    with session.engine().connect() as connection:
        return str(connection.scalar(select(tables.customers.c.email)))


def test_customers_are_listed_and_searched(shell: Shell) -> None:
    listed = shell("customers", "list")
    assert listed.exit_code == 0, listed.output
    assert listed.stdout.splitlines()[1].split()[0] == str(first())
    found = json.loads(shell("customers", "list", email(), "--json").stdout)
    assert [one["id"] for one in found] == [first()]
    assert json.loads(shell("customers", "list", "nobody", "--json").stdout) == []


def test_too_few_letters_are_one_line(shell: Shell) -> None:
    done = shell("customers", "list", "ab")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)


def test_a_customer_is_shown_with_bookings(shell: Shell) -> None:
    shown = shell("customers", "show", str(first()))
    assert shown.exit_code == 0, shown.output
    assert "bookings: 1 confirmed" in shown.stdout
    told = json.loads(shell("customers", "show", str(first()), "--json").stdout)
    assert (told["customer"]["email"], len(told["latest"])) == (email(), 1)


def test_a_customer_is_put_right(shell: Shell) -> None:
    done = shell("customers", "change", str(first()), "--name", "Somebody Else")
    assert done.exit_code == 0, done.output
    assert "Somebody Else" in done.stdout
    assert shell("customers", "change", str(first()), "--email", "no").exit_code == 1


def test_those_who_are_there_twice_are_found_and_made_one(shell: Shell) -> None:
    other = add("Twice")
    told = json.loads(shell("customers", "duplicates", "--json").stdout)
    assert [(one["by"], one["number"]) for one in told] == [("email", 2)]
    assert str(other) in shell("customers", "duplicates").stdout
    assert shell("customers", "merge", str(other), "--into", str(first())).stdout == f"{other} is {first()} now\n"
    assert json.loads(shell("customers", "duplicates", "--json").stdout) == []
    again = shell("customers", "merge", str(other), "--into", str(first()))
    assert (again.exit_code, str(first()) in again.stderr) == (1, True)


def test_an_archive_is_written_for_its_owner_alone_and_never_over_another(shell: Shell, tmp_path: Path) -> None:
    target = tmp_path / "archive.zip"
    done = shell("customers", "archive", str(first()), str(target))
    assert done.exit_code == 0, done.output
    assert target.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(target) as archive:
        assert json.loads(archive.read("person.json"))["customers"][0]["email"] == email()
    again = shell("customers", "archive", str(first()), str(target))
    assert (again.exit_code, "there already" in again.stderr) == (1, True)


def test_an_erasure_asks_first_and_needs_force_for_what_is_to_come(shell: Shell) -> None:
    key = str(first())
    assert shell("customers", "erase", key).exit_code == 1
    refused = shell("customers", "erase", key, "--yes")
    assert (refused.exit_code, "still to come" in refused.stderr) == (1, True)
    assert shell("customers", "erase", key, "--yes", "--force").stdout == f"{key} is erased\n"
    assert "(erased)" in shell("customers", "show", key).stdout
