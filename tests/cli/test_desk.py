"""``flask desk``: the same as over HTTP, for somebody at a shell."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import update

from app.persistence import session, tables
from tests.cli.conftest import Shell
from tests.cli.test_exports import DAYS, STARTS, ref  # noqa: F401 - a hall of a venue "park" with a booking


def begun(which: str) -> None:
    with session.engine().connect() as connection:
        then = STARTS.replace(year=STARTS.year - 1, day=1)
        connection.execute(update(tables.bookings).where(tables.bookings.c.ref == which).values(starts_at=then))


def test_a_booking_is_found_by_the_beginning_of_its_reference(shell: Shell, ref: str) -> None:  # noqa: F811
    done = shell("desk", "search", ref[:5].lower())
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1].split()[:2] == [ref, "confirmed"]


def test_too_few_letters_are_one_line(shell: Shell, ref: str) -> None:  # noqa: F811
    del ref
    done = shell("desk", "search", "ab")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)


def test_a_day_is_shown_resource_by_resource(shell: Shell, ref: str) -> None:  # noqa: F811
    done = shell("desk", "calendar", "--venue", "park", "--from", DAYS[1])
    assert "The hall" in done.stdout
    assert ref in done.stdout
    assert (
        json.loads(shell("desk", "calendar", "--venue", "park", "--from", DAYS[1], "--json").stdout)["is_cut"] is False
    )


def test_decisions_are_told_one_by_one(shell: Shell, ref: str) -> None:  # noqa: F811
    early = shell("desk", "complete", ref)
    assert (early.exit_code, "not begun" in early.stderr) == (1, True)
    begun(ref)
    assert shell("desk", "check-in", ref).stdout == f"{ref}: checked_in\n"
    mixed = shell("desk", "complete", ref, "NOSUCHREF2")
    assert (mixed.exit_code, mixed.stdout) == (1, f"{ref}: completed\n")
    assert "no such booking" in mixed.stderr


def test_notes_and_history_are_told(shell: Shell, ref: str) -> None:  # noqa: F811
    assert shell("desk", "note", ref, "Brings a dog").exit_code == 0
    assert "Brings a dog" in shell("desk", "notes", ref).stdout
    history = shell("desk", "history", ref).stdout
    assert [line.split()[2] for line in history.splitlines()[1:]] == ["booking.made", "booking.noted"]


@pytest.mark.usefixtures("ref")
def test_the_venue_books_for_somebody(shell: Shell) -> None:
    service = next(
        item["slug"] for item in json.loads(shell("catalogue", "show", "--json").stdout)[0]["venue"]["services"]
    )
    args = ("--service", f"park/{service}", "--name", "Bo", "--email", "bo@example.org")
    done = shell("desk", "book", *args, "--start", f"{STARTS:%Y-%m-%d} 12:00")
    assert done.exit_code == 0, done.output
    taken = shell("desk", "book", *args, "--start", f"{STARTS:%Y-%m-%d} 12:00", "--override", "really")
    assert (taken.exit_code, len(taken.stderr.strip().splitlines())) == (1, 1)
