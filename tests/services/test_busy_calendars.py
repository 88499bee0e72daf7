"""Calendars that keep a resource busy: kept sealed, read by cron, their changes written, and kept when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from app.domain.actors import Actor, Scope
from app.domain.errors import Conflict, Invalid, NotFound
from app.gateways.outward import Unreachable
from app.persistence import busy_calendars as stored
from app.persistence import session, tables
from app.persistence.busy_calendars import BusyCalendar
from app.runtime.settings import Settings
from app.services import busy_calendars, busy_refresh, doctor_busy_calendars, duties
from app.services.busy_calendars import MOST_OF_A_RESOURCE, Listed
from app.services.busy_refresh import Refreshed, Unreadable
from tests.gateways.receivers import LOOPBACK, Receiver, answering, running
from tests.services.calendars_elsewhere import calendar
from tests.services.desk import Desk, at
from tests.services.door import Door, at_once, nothing_written

EMPTY = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
MORNING = ("DTSTART;TZID=Europe/Berlin:20270607T100000", "DTEND;TZID=Europe/Berlin:20270607T110000")
NOON = ("DTSTART;TZID=Europe/Berlin:20270607T120000", "DTEND;TZID=Europe/Berlin:20270607T130000")
CRON = Actor("operator", "cron")


class Study:
    """A teacher with a calendar on a server that a test fills."""

    def __init__(self, door: Door, receiver: Receiver, port: int) -> None:
        self.door, self.receiver, self.url = door, receiver, f"http://127.0.0.1:{port}/ada.ics?key=hidden"
        self.settings = replace(door.settings, webhook_allowed_networks=LOOPBACK)
        self.desk = Desk(door.engine)
        self.teacher = self.desk.resource(name="Ada")
        self.service = self.desk.service([self.teacher])

    def add(self, name: str = "Busy", url: str = "", *, by: Actor = CRON) -> Listed:
        return busy_calendars.add(self.settings, self.teacher, name, url or self.url, by=by, now=self.door.now)

    def serve(self, content: bytes, status: str = "200 OK", **headers: str) -> None:
        self.receiver.answer = answering(status, content, **headers)

    def refresh(self, key: int | None = None) -> Refreshed:
        found = self.calendar(key)
        return busy_refresh.refresh(self.settings, found, by=CRON, now=self.door.now)

    def calendar(self, key: int | None = None) -> BusyCalendar:
        if key is not None:
            return stored.get_calendar(session.reading(), key)
        (found,) = stored.list_calendars(session.reading(), limit=100)
        return found

    def duty(self) -> int:
        done = 0
        while busy_refresh.refresh_next(self.settings, now=self.door.now, seconds=30):
            done += 1
        return done

    def blackouts(self) -> list[tuple[int, str]]:
        return [(row.starts, row.reason) for row in self.door.rows("blackouts")]


@pytest.fixture
def study(database: Engine, settings: Settings) -> Iterator[Study]:
    receiver = Receiver(answering("200 OK", EMPTY))
    with running(receiver) as port:
        yield Study(Door(database, settings), receiver, port)


def test_busy_times_close_the_resource_alone(study: Study) -> None:
    other = study.desk.service([study.desk.resource()])
    study.add("Lessons elsewhere")
    study.serve(calendar(*MORNING))
    assert (study.refresh().added, [reason for _, reason in study.blackouts()]) == (1, ["Lessons elsewhere"])
    with pytest.raises(Exception, match="closed then: Lessons elsewhere"):
        study.desk.book(study.service, at("10:30"))
    study.desk.book(study.service, at("11:00"))
    study.desk.book(other, at("10:30"))


def test_nothing_is_fetched_when_a_calendar_is_added(study: Study) -> None:
    study.add()
    assert study.receiver.received == []
    assert study.duty() == 1
    assert len(study.receiver.received) == 1


def test_only_what_has_changed_is_written(study: Study) -> None:
    study.add()
    both = calendar(*MORNING) + calendar(*NOON).replace(b"UID:one", b"UID:two")
    study.serve(both)
    study.refresh()
    before = {row.id: row for row in study.door.rows("blackouts")}
    version = study.desk.versions(study.teacher)
    with nothing_written(study.door, "busy_calendars"):
        assert study.refresh().kept == 2
    assert study.desk.versions(study.teacher) == version
    study.serve(both.replace(b"T120000", b"T123000"))
    done = study.refresh()
    assert (done.added, done.moved, done.removed, done.kept) == (0, 1, 0, 1)
    assert {row.id for row in study.door.rows("blackouts")} == before.keys()
    study.serve(calendar(*MORNING))
    assert (study.refresh().removed, len(study.blackouts())) == (1, 1)


def test_bookings_that_stand_inside_stay_and_are_told(study: Study) -> None:
    inside, after = (study.desk.book(study.service, at(clock)) for clock in ("10:00", "11:00"))
    study.add()
    study.serve(calendar(*MORNING))
    assert study.refresh().refs == (inside.ref,)
    assert {row.ref for row in study.door.rows("bookings")} == {inside.ref, after.ref}
    (told,) = [row.detail for row in study.door.rows("audit_log") if row.action == "busy_calendar.refreshed"]
    assert '"bookings_inside":1' in told
    assert inside.ref in told


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answering("404 Not Found"), "the server answered 404"),
        (answering("200 OK", b"<html>"), "line 1: this is no calendar: it does not begin with BEGIN:VCALENDAR"),
        (answering("200 OK", calendar("DTSTART:soon")), "line 4: has a DTSTART that cannot be read: soon"),
    ],
    ids=["gone", "a page", "broken"],
)
def test_busy_times_stay_when_a_calendar_cannot_be_read(study: Study, answer: bytes, reason: str) -> None:
    study.add()
    study.serve(calendar(*MORNING))
    study.refresh()
    study.door.pass_time(minutes=20)
    study.receiver.answer = answer
    with pytest.raises(Unreadable, match=reason):
        study.refresh()
    known = study.calendar()
    assert (known.last_error, known.checked_at) == (reason, study.door.now)
    assert known.succeeded_at == study.door.now - timedelta(minutes=20)
    assert len(study.blackouts()) == 1
    study.serve(calendar(*MORNING))
    study.refresh()
    assert study.calendar().last_error == ""


def test_one_that_fails_does_not_keep_the_others(study: Study) -> None:
    study.add("gone", "https://nowhere.invalid/x.ics")
    study.add("there")
    study.serve(calendar(*MORNING))
    assert study.duty() == 2
    errors = {row.name: row.last_error for row in study.door.rows("busy_calendars")}
    assert errors == {"gone": "the name cannot be resolved", "there": ""}
    assert len(study.blackouts()) == 1


def test_the_duty_looks_at_each_once_a_quarter_of_an_hour(study: Study) -> None:
    study.add()
    assert (study.duty(), study.duty()) == (1, 0)
    study.door.pass_time(minutes=15)
    assert study.duty() == 1


def test_cron_reads_them(study: Study) -> None:
    study.add()
    study.serve(calendar(*MORNING))
    outcomes = duties.run(study.settings, clock=lambda: study.door.now, budget_seconds=50)
    assert [(one.state, one.done) for one in outcomes if one.duty.name == "busy_calendars"] == [("done", 1)]
    assert len(study.blackouts()) == 1


def test_two_runs_at_once_fetch_a_calendar_once(study: Study) -> None:
    study.add()
    run = at_once(2, lambda: busy_refresh.refresh_next(study.settings, now=study.door.now, seconds=30))
    assert sorted(run) == [0, 1]
    assert len(study.receiver.received) == 1


def test_what_has_not_changed_is_asked_for_by_its_tag_for_half_a_day(study: Study) -> None:
    study.add()
    study.serve(calendar(*MORNING), ETag='"7"')
    study.refresh()
    study.receiver.answer = answering("304 Not Modified")
    assert study.refresh().kept == 1
    assert study.receiver.received[1].headers["if-none-match"] == '"7"'
    study.door.pass_time(hours=13)
    study.serve(calendar(*MORNING))
    study.refresh()
    assert "if-none-match" not in study.receiver.received[2].headers


def test_removing_a_calendar_opens_its_times_and_no_others(study: Study) -> None:
    first, second = study.add("a").calendar, study.add("b").calendar
    study.serve(calendar(*MORNING))
    study.refresh(first.id)
    study.refresh(second.id)
    assert busy_calendars.remove(first.id, by=CRON, now=study.door.now) == 1
    assert [reason for _, reason in study.blackouts()] == ["b"]


def test_one_that_is_removed_while_it_is_fetched_leaves_nothing(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    study.add()
    study.serve(calendar(*MORNING))
    known = study.calendar()
    busy_calendars.remove(known.id, by=CRON, now=study.door.now)
    monkeypatch.setattr(busy_refresh, "_claim_next", lambda *, now: known)  # noqa: ARG005 - as the real one
    assert busy_refresh.refresh_next(study.settings, now=study.door.now, seconds=30) == 1
    assert study.blackouts() == []


def test_the_address_is_sealed_and_bound_to_its_row(study: Study) -> None:
    listed = study.add()
    assert listed.host == "127.0.0.1"
    (row,) = study.door.rows("busy_calendars")
    assert "hidden" not in row.url_sealed
    assert "hidden" not in str([row.detail for row in study.door.rows("audit_log")])
    second = study.add()
    table = tables.busy_calendars
    moved = update(table).where(table.c.id == second.calendar.id).values(url_sealed=row.url_sealed)
    study.door.run(moved)
    with pytest.raises(Unreadable, match="cannot be opened with this installation's key"):
        study.refresh(second.calendar.id)


def test_webcal_is_https(study: Study) -> None:
    assert busy_calendars.check_url(study.settings, "webcal://example.org/a.ics") == "https://example.org/a.ics"


@pytest.mark.parametrize(
    "url", ["ftp://example.org/a.ics", "https://10.0.0.1/a.ics", "https://u:p@example.org/", "x", ""]
)
def test_an_address_that_cannot_be_used_is_refused(study: Study, url: str) -> None:
    with pytest.raises(Invalid):
        busy_calendars.add(study.settings, study.teacher, "Busy", url, by=CRON, now=study.door.now)


def test_without_encryption_there_is_no_way_out(study: Study) -> None:
    with pytest.raises(Invalid, match="https://"):
        busy_calendars.check_url(study.door.settings, "http://example.org/a.ics")


def test_a_resource_has_so_many_calendars_at_most(study: Study) -> None:
    for _ in range(MOST_OF_A_RESOURCE):
        study.add()
    with pytest.raises(Conflict):
        study.add()


def test_staff_reach_the_calendars_of_their_part_of_the_house(study: Study) -> None:
    other = study.desk.resource()
    mine = Actor("staff", user_id=1, scopes=(Scope(study.desk.venue_id, study.teacher),))
    theirs = Actor("staff", user_id=2, scopes=(Scope(study.desk.venue_id, other),))
    key = study.add(by=mine).calendar.id
    seen = [[one.calendar.id for one in busy_calendars.list_page(study.settings, by=by, cursor=0, limit=9)] for by in (mine, theirs)]  # fmt: skip
    assert seen == [[key], []]
    with pytest.raises(NotFound):
        study.add(by=theirs)
    with pytest.raises(NotFound):
        busy_calendars.remove(key, by=theirs, now=study.door.now)


def test_the_doctor_tells_of_one_that_was_not_read_for_a_day(study: Study) -> None:
    study.add("Lessons")
    study.door.pass_time(hours=23)
    assert [finding.level for finding in doctor_busy_calendars.examine(now=study.door.now)] == ["OK"]
    study.door.pass_time(hours=2)
    (finding,) = doctor_busy_calendars.examine(now=study.door.now)
    assert finding.level == "WARN"
    assert "Lessons" in finding.detail
    assert "was never read" in finding.detail


def test_a_failure_says_nothing_of_the_address(study: Study) -> None:
    study.add()
    study.receiver.answer = b"no HTTP\r\n\r\n"
    with pytest.raises(Unreadable) as refused:
        study.refresh()
    assert "hidden" not in str(refused.value)
    assert not isinstance(refused.value.__cause__, Unreachable)
