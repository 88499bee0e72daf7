"""Reminders: once each, at their time, for the time that the booking has, and never for one that is off."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, RowMapping, event, insert, update

from app.domain.bookings import Booking, Customer
from app.persistence import reminders as stored
from app.persistence import session, tables
from app.runtime.settings import Settings
from app.services import bookings, reminders
from app.services.bookings import Access
from tests.services.desk import BERLIN, OPERATOR, Desk, at, holder
from tests.services.door import at_once
from tests.services.postroom import Letter, PostRoom

STAFF = Access(by=OPERATOR)
DAY, TWO_HOURS = 1440, 120
START = at("12:00", day=14)
ON_PHONE = Customer("Ada", "", "+4930123456")


class Reminding(PostRoom):
    """A post room with a cron."""

    def service(self, *minutes: int, **values: Any) -> int:
        """Return a service that reminds so many minutes before, and is open around the clock."""
        values = {"hours": [(0, 1440)], "capacity": 9, **values}
        return self.desk.room_service(reminders=json.dumps(minutes, separators=(",", ":")), **values)

    def remind(self, now: datetime) -> int:
        """Let cron come, and return how many bookings it has seen to."""
        self.desk.now, seen = now, 0
        while some := reminders.remind_batch(self.settings, now=now):
            seen += some
        return seen

    def reminders(self) -> list[Letter]:
        """Return the reminders that are owed."""
        return [letter for letter in self.letters() if letter.topic == "booking.reminder"]

    def marks(self) -> list[int]:
        """Return the minutes of those that have been seen to."""
        with self.desk.engine.connect() as connection:
            return sorted(row.minutes_before for row in connection.execute(tables.reminders.select()))

    def set_reminders(self, service_id: int, minutes: Sequence[int]) -> None:
        values = {"reminders": json.dumps(minutes)}
        with self.desk.engine.connect() as connection:
            connection.execute(update(tables.services).where(tables.services.c.id == service_id).values(values))


@pytest.fixture
def cron(database: Engine, settings: Settings) -> Reminding:
    return Reminding(Desk(database), settings)


def before(minutes: float, start: datetime = START) -> datetime:
    return start - timedelta(minutes=minutes)


def test_a_customer_is_reminded_once_at_each_time(cron: Reminding) -> None:
    booking = cron.desk.book(cron.service(DAY, TWO_HOURS), START, language="en")
    assert [cron.remind(before(minutes)) for minutes in (DAY + 1, DAY, DAY - 1, 121, 120, 1)] == [0, 1, 0, 0, 1, 0]
    first, second = cron.reminders()
    assert (first.to, first.fields["ref"], first.fields["starts"]) == (
        "ada@example.org",
        booking.ref,
        "Mon 14 Jun 2027, 12:00",
    )
    assert (first.due, second.due) == (before(DAY), before(120))
    assert first.expires == second.expires == START
    assert (first.language, first.attach) == ("en", "")
    assert booking.ref in first.fields["manage_url"]


def test_after_a_night_without_cron_the_nearest_alone_is_sent(cron: Reminding) -> None:
    cron.desk.book(cron.service(DAY, 600, TWO_HOURS), START)
    assert cron.remind(before(100)) == 1
    assert len(cron.reminders()) == 1
    assert cron.marks() == [TWO_HOURS, 600, DAY]
    assert cron.remind(before(90)) == 0


def test_one_whose_time_was_over_when_it_was_booked_is_not_sent(cron: Reminding) -> None:
    cron.desk.now = before(300)
    cron.desk.book(cron.service(DAY, TWO_HOURS), START)
    cron.remind(before(299))
    assert (cron.reminders(), cron.marks()) == ([], [DAY])
    cron.remind(before(120))
    assert len(cron.reminders()) == 1


def test_that_survives_what_is_done_with_the_booking_later(cron: Reminding) -> None:
    """A note, or whatever else touches its row, is no reason to remind again, or not to."""
    booking = cron.desk.book(cron.service(DAY), START)
    cron.desk.now = before(DAY - 10)
    with cron.desk.engine.connect() as connection:
        connection.execute(update(tables.bookings).values(updated_at=cron.desk.now, version=7))
        note = {"booking_id": booking.id, "text": "!", "written_by": "x", "created_at": cron.desk.now}
        connection.execute(insert(tables.booking_notes), note)
    cron.remind(before(DAY - 20))
    assert len(cron.reminders()) == 1


def test_a_booking_that_is_moved_is_reminded_of_for_its_new_time(cron: Reminding) -> None:
    booking = cron.desk.book(cron.service(DAY), START)
    cron.remind(before(DAY))
    later = START + timedelta(days=3)
    cron.desk.reschedule(booking, later)
    assert cron.reminders() == []  # that of the old time has not left yet
    assert cron.remind(START) == 0
    cron.remind(before(DAY, later))
    (letter,) = cron.reminders()
    assert (letter.due, letter.expires) == (before(DAY, later), later)


def test_one_that_is_moved_to_and_fro_is_not_reminded_of_twice_for_the_same_time(cron: Reminding) -> None:
    booking = cron.desk.book(cron.service(DAY), START)
    cron.remind(before(DAY))
    moved = cron.desk.reschedule(booking, START + timedelta(days=3))
    cron.desk.reschedule(moved, START)
    assert cron.remind(before(DAY - 60)) == 0


def test_one_that_was_moved_into_the_next_hours_is_not_reminded_of_as_if_it_were_a_day(cron: Reminding) -> None:
    booking = cron.desk.book(cron.service(DAY), START + timedelta(days=3))
    cron.desk.now = before(300)
    cron.desk.reschedule(booking, START)
    cron.remind(before(200))
    assert cron.reminders() == []


@pytest.mark.parametrize("end", ["cancel", "decline", "pending", "expire"])
def test_what_is_off_or_not_confirmed_is_not_reminded_of(cron: Reminding, end: str) -> None:
    booking = cron.desk.book(cron.service(DAY, requires_approval=end != "cancel"), START)
    if end == "cancel":
        cron.desk.cancel(booking)
    if end == "decline":
        bookings.decline(booking.ref, reason="", access=STAFF, now=cron.desk.now)
    if end == "expire":
        bookings.expire_batch(now=START)
    assert cron.remind(before(DAY)) == 0


def test_a_request_that_is_approved_late_is_reminded_of_by_what_is_still_to_come(cron: Reminding) -> None:
    booking = cron.desk.book(cron.service(DAY, TWO_HOURS, requires_approval=True), START)
    cron.remind(before(200))
    bookings.approve(booking.ref, access=STAFF, now=before(200))
    cron.remind(before(199))
    assert cron.reminders() == []
    cron.remind(before(120))
    assert len(cron.reminders()) == 1


def test_a_reminder_that_waits_is_taken_back_with_its_booking(cron: Reminding) -> None:
    """It was put off over the night, and the booking was cancelled in it."""
    quiet = {"quiet_from": 22 * 60, "quiet_until": 8 * 60}
    with cron.desk.engine.connect() as connection:
        connection.execute(update(tables.venues).values(quiet))
    start = at("09:00", day=14)
    booking = cron.desk.book(cron.service(TWO_HOURS), start, customer=ON_PHONE)
    cron.remind(before(120, start))
    (letter,) = cron.reminders()
    assert letter.due.astimezone(BERLIN) == at("08:00", day=14)
    cron.desk.cancel(booking)
    assert cron.reminders() == []
    assert [(row.status, row.sealed) for row in cron.rows() if row.topic == "booking.reminder"] == [("void", "")]


def test_one_that_could_only_be_sent_after_the_start_is_dropped(cron: Reminding) -> None:
    with cron.desk.engine.connect() as connection:
        connection.execute(update(tables.venues).values(quiet_from=22 * 60, quiet_until=8 * 60))
    start = at("08:00", day=14)
    cron.desk.book(cron.service(DAY, TWO_HOURS), start, customer=ON_PHONE)
    cron.desk.book(cron.service(TWO_HOURS), start)  # who has a mailbox may read it in the morning
    assert cron.remind(before(DAY, start)) == 1
    assert cron.remind(before(120, start)) == 2
    assert [(letter.channel, letter.due) for letter in cron.reminders()] == [
        ("sms", before(DAY, start)),
        ("email", before(120, start)),
    ]


def test_nobody_who_cannot_be_reached_is_reminded_and_it_is_not_tried_again(cron: Reminding) -> None:
    cron.settings = replace(cron.settings, sms_url="none:")
    cron.desk.book(cron.service(DAY), START, customer=ON_PHONE)
    assert [cron.remind(before(DAY)), cron.remind(before(DAY - 1))] == [1, 0]
    assert cron.reminders() == []


def test_a_reminder_that_an_admin_adds_later_counts_for_what_is_booked_already(cron: Reminding) -> None:
    service = cron.service()
    cron.desk.book(service, START)
    assert cron.remind(before(DAY)) == 0
    cron.set_reminders(service, [DAY])
    assert cron.remind(before(DAY - 60)) == 1
    assert len(cron.reminders()) == 1


def test_a_week_before_is_nothing_to_be_said_two_days_later(cron: Reminding) -> None:
    cron.desk.book(cron.service(7 * DAY), START)
    assert cron.remind(before(5 * DAY)) == 0
    assert cron.remind(before(6 * DAY + 1)) == 1
    assert len(cron.reminders()) == 1


def test_a_reminder_is_a_day_before_by_the_clock_of_the_universe(cron: Reminding) -> None:
    """On the Sunday of autumn: 24 hours before 12:00 it is 13:00 on Saturday."""
    start = datetime(2027, 10, 31, 12, 0, tzinfo=BERLIN)
    cron.desk.book(cron.service(DAY), start)
    moment = start.astimezone(timezone.utc) - timedelta(days=1)
    assert moment.astimezone(BERLIN).hour == 13
    assert [cron.remind(moment - timedelta(seconds=1)), cron.remind(moment)] == [0, 1]


def test_many_are_seen_to_batch_by_batch(cron: Reminding, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "_BATCH", 2)
    service = cron.service(DAY)
    for hours in range(5):
        cron.desk.book(service, START + timedelta(hours=hours))
    now = before(100)
    assert reminders.remind_batch(cron.settings, now=now) == 2
    assert cron.remind(now) == 3
    assert len(cron.reminders()) == 5


def test_two_runs_at_once_remind_once(cron: Reminding) -> None:
    service = cron.service(DAY, TWO_HOURS)
    for hours in range(6):
        cron.desk.book(service, START + timedelta(hours=hours))
    assert [error for error in at_once(3, lambda: cron.remind(before(100))) if isinstance(error, Exception)] == []
    assert len(cron.reminders()) == 6
    assert sorted(letter.fields["ref"] for letter in cron.reminders()) == sorted(
        {letter.fields["ref"] for letter in cron.reminders()}
    )


def test_a_kill_between_mark_and_letter_leaves_neither(cron: Reminding, monkeypatch: pytest.MonkeyPatch) -> None:
    class KilledError(BaseException):
        """What ends a process."""

    def die(*_call: Any, **_named: Any) -> None:
        raise KilledError

    cron.desk.book(cron.service(DAY), START)
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(reminders, "owe", die)
        cron.remind(before(DAY))
    assert (cron.marks(), cron.reminders()) == ([], [])
    cron.remind(before(DAY))
    assert (cron.marks(), len(cron.reminders())) == ([DAY], 1)


def test_a_booking_that_is_cancelled_after_the_look_is_let_be(cron: Reminding, monkeypatch: pytest.MonkeyPatch) -> None:
    booking = cron.desk.book(cron.service(DAY), START)
    list_due = stored.list_due

    def look(*call: Any, **named: Any) -> list[int]:
        found = list_due(*call, **named)
        if found and bookings.get_for(booking.ref, STAFF).status == "confirmed":
            bookings.cancel(booking.ref, reason="", access=holder(booking), now=cron.desk.now)
        return found

    monkeypatch.setattr(stored, "list_due", look)
    cron.remind(before(DAY))
    assert (cron.marks(), cron.reminders()) == ([], [])


def test_a_booking_path_without_reminders_costs_what_it_did(cron: Reminding, queries: Any) -> None:
    plain, reminding = cron.service(), cron.service(DAY, TWO_HOURS)
    for service in (plain, reminding):
        cron.desk.book(service, START)
        with queries(most=13) as statements:
            cron.desk.book(service, START + timedelta(hours=1))
        assert [line for line in statements if " reminders " in line] == []


ROWS = 5_000


def fill(engine: Engine, booking: Booking) -> None:
    """Make copies of a booking, one each quarter of an hour."""
    names = [column.name for column in tables.bookings.c]
    with engine.connect() as connection:
        row = connection.execute(tables.bookings.select()).mappings().one()
        copies = [
            {
                **{name: row[name] for name in names if name != "id"},
                "ref": f"R{number}",
                "starts_at": booking.starts_at + timedelta(minutes=15 * (number - ROWS // 2)),
            }
            for number in range(ROWS)
        ]
        connection.execute(insert(tables.bookings), copies)


def explained(engine: Engine, act: Callable[[], object]) -> Sequence[RowMapping]:
    """Return how the database comes by what *act* reads last."""
    seen: list[tuple[str, Any]] = []

    def note(*call: Any) -> None:
        seen.append((call[2], call[3]))

    event.listen(session.engine(), "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(session.engine(), "before_cursor_execute", note)
        session.remove()
    statement, parameters = seen[-1]
    word = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with engine.connect() as connection:
        if word == "EXPLAIN":
            connection.exec_driver_sql("ANALYZE TABLE bookings").all()
        return connection.exec_driver_sql(f"{word} {statement}", parameters).mappings().all()


@pytest.mark.long
def test_the_look_reads_an_index_and_a_day_of_it_at_the_most(cron: Reminding) -> None:
    service = cron.service(30 * DAY)
    fill(cron.desk.engine, cron.desk.book(service, START))
    now = START - timedelta(days=40)
    plan = explained(
        cron.desk.engine, lambda: stored.list_due(session.reading(), 30 * DAY, [service], now=now, limit=100)
    )
    if cron.desk.engine.dialect.name == "sqlite":
        told = str([row["detail"] for row in plan])
        assert "USING INDEX ix_bookings_status_starts_at (status=? AND starts_at>? AND starts_at<?)" in told
        assert "SCAN" not in told
        return
    assert plan[0]["key"] in {"ix_bookings_status_starts_at", "ix_bookings_starts_at"}
    assert plan[0]["type"] == "range"
    assert int(plan[0]["rows"]) <= 200  # a day has 96 of the five thousand
    marks = plan[1]  # looked up one by one: of a list of all there ever were, the select type would be MATERIALIZED
    assert (marks["select_type"], marks["key"]) == ("DEPENDENT SUBQUERY", "PRIMARY")
    assert int(marks["rows"]) == 1
