"""``flask bookings``, as an operator types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import text

from app.cli import bookings as commands
from app.domain.actors import Actor
from app.domain.bookings import Booking, Customer
from app.domain.wishes import BookingWish, Wish
from app.persistence import session
from app.services import bookings
from tests.cli.conftest import Clock

Shell = Callable[..., Result]
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=timezone.utc)  # a Tuesday, 09:00 in Berlin
PRACTICE, HALL_HIRE = 1, 4
ADA = Customer("Ada", "ada@example.org")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock(NOW)
    monkeypatch.setattr(commands, "clock", stopped)
    return stopped


@pytest.fixture
def hall(shell: Shell, clock: Clock) -> Shell:
    """Return a shell on the demo hall."""
    assert clock.now == NOW
    assert shell("demo", "load").exit_code == 0
    return shell


def _book(
    service_id: int = PRACTICE, *, hour: int = 10, day: int = 2, customer: Customer = ADA, **more: Any
) -> Booking:
    """Book an hour of December 2026, by the clock of UTC."""
    starts_at = datetime(2026, 12, day, hour, tzinfo=timezone.utc)
    wish = BookingWish(Wish(service_id, starts_at), customer, **more)
    booking, _ = bookings.book(wish, secret_key="k" * 32, by=Actor("guest"), now=NOW)
    session.remove()
    return booking


def _refs(result: Result) -> list[str]:
    assert result.exit_code == 0, result.stderr
    return [line.split()[0] for line in result.stdout.splitlines()[1:]]


def _audited() -> list[tuple[str, str]]:
    with session.engine().connect() as connection:
        rows = connection.execute(text("SELECT action, actor FROM audit_log WHERE action LIKE 'booking.%' ORDER BY id"))
        return [(action, actor.partition(":")[0]) for action, actor in rows]


def test_the_list_shows_local_times_and_who_comes(hall: Shell) -> None:
    booking = _book(customer=Customer("Zoë", "zoe@example.org"))
    assert hall("bookings", "list").stdout.splitlines() == [
        "ref         status     starts            ends   service             resources        party  customer",
        f"{booking.ref}  confirmed  2026-12-02 11:00  12:00  demo-hall/practice  Practice Room 1  1      Zoë",
    ]


def test_the_list_can_be_narrowed_to_a_state_and_a_venue(hall: Shell) -> None:
    practice, hire = _book(), _book(HALL_HIRE)
    assert _refs(hall("bookings", "list", "--status", "pending")) == [hire.ref]
    assert _refs(hall("bookings", "list", "--status", "confirmed", "--venue", "demo-hall")) == [practice.ref]
    refused = hall("bookings", "list", "--venue", "barn")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert hall("bookings", "list", "--status", "lost").exit_code == 2


def test_days_are_those_of_the_venue_not_of_utc(hall: Shell) -> None:
    late, next_day = _book(hour=22), _book(hour=23)  # 23:00 of the 2nd and 00:00 of the 3rd in Berlin
    assert _refs(hall("bookings", "list", "--from", "2026-12-02", "--to", "2026-12-03")) == [late.ref]
    assert _refs(hall("bookings", "list", "--from", "2026-12-03", "--to", "2026-12-04")) == [next_day.ref]


def test_the_list_begins_today_unless_told_otherwise(hall: Shell, clock: Clock) -> None:
    past, today = _book(day=2), _book(day=3, hour=0)
    clock.now = datetime(2026, 12, 2, 23, 30, tzinfo=timezone.utc)  # the 3rd in Berlin
    assert _refs(hall("bookings", "list")) == [today.ref]
    assert _refs(hall("bookings", "list", "--from", "2026-12-01")) == [past.ref, today.ref]


def test_a_list_that_is_cut_says_so(hall: Shell) -> None:
    first = _book(hour=9)
    _book(hour=10)
    cut = hall("bookings", "list", "--limit", "1")
    assert _refs(cut) == [first.ref]
    assert cut.stderr == "there are more than these 1: raise --limit, or say --from and --to\n"
    assert hall("bookings", "list", "--limit", "2").stderr == ""


def test_a_list_of_several_pages_is_complete(hall: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "PAGE_SIZE", 2)
    made = [_book(hour=hour).ref for hour in range(9, 14)]
    assert _refs(hall("bookings", "list")) == made


@pytest.mark.parametrize("wrong", ["2026-12-02 10:00", "soon"])
def test_what_is_no_day_is_refused_in_one_line(hall: Shell, wrong: str) -> None:
    result = hall("bookings", "list", "--from", wrong)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: --from: '{wrong}' is no")
    assert result.stderr.count("\n") == 1


def test_show_tells_everything_and_takes_the_reference_as_people_write_it(hall: Shell) -> None:
    booking = _book(notes="one\ntwo")
    ref = f"{booking.ref[:5].lower()}-{booking.ref[5:].lower()}"
    fields = dict(line.split(maxsplit=1) for line in hall("bookings", "show", ref).stdout.splitlines() if " " in line)
    assert (fields["ref"], fields["starts"]) == (booking.ref, "Wed 2026-12-02 11:00 CET")
    assert (fields["email"], fields["notes"]) == ("ada@example.org", "one / two")
    document = json.loads(hall("bookings", "show", booking.ref, "--json").stdout)
    assert (document["starts_at"], document["customer"]["name"]) == ("2026-12-02T10:00:00Z", "Ada")
    (listed,) = json.loads(hall("bookings", "list", "--json").stdout)
    assert listed == document


def test_approve_confirms_a_pending_booking_and_is_audited(hall: Shell) -> None:
    booking = _book(HALL_HIRE)
    result = hall("bookings", "approve", booking.ref)
    assert result.stdout == f"{booking.ref} is confirmed: 2026-12-02 11:00 Europe/Berlin, The Hall\n"
    assert _audited() == [("booking.made", "guest"), ("booking.approved", "operator")]
    again = hall("bookings", "approve", booking.ref)
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)


def test_decline_gives_the_time_back_and_keeps_the_reason(hall: Shell) -> None:
    booking = _book(HALL_HIRE)
    assert hall("bookings", "decline", booking.ref, "--reason", "Choir week").exit_code == 0
    assert "declined (Choir week)" in hall("bookings", "show", booking.ref).stdout
    assert _book(HALL_HIRE).starts_at == booking.starts_at


def test_an_operator_may_cancel_what_has_begun(hall: Shell, clock: Clock) -> None:
    booking = _book()
    clock.now = booking.starts_at + timedelta(minutes=10)
    result = hall("bookings", "cancel", booking.ref, "--reason", "Fire alarm")
    assert (result.exit_code, result.stdout.split(":")[0]) == (0, f"{booking.ref} is cancelled")


@pytest.mark.parametrize("reason", ["x" * 501, "\x1b[31m"])
def test_a_reason_that_cannot_be_kept_changes_nothing(hall: Shell, reason: str) -> None:
    booking = _book()
    result = hall("bookings", "cancel", booking.ref, "--reason", reason)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: reason: ")
    assert json.loads(hall("bookings", "show", booking.ref, "--json").stdout)["status"] == "confirmed"


@pytest.mark.parametrize("verb", ["decline", "cancel"])
def test_a_reason_is_asked_for(hall: Shell, verb: str) -> None:
    assert hall("bookings", verb, _book().ref).exit_code == 2


def test_an_unknown_reference_is_one_line(hall: Shell) -> None:
    for command in (("show",), ("approve",), ("cancel", "--reason", "x")):
        result = hall("bookings", command[0], "NOSUCHREF", *command[1:])
        assert (result.exit_code, result.stderr) == (1, "error: There is no such booking.\n")
