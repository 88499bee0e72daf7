"""Blackouts: from a shell, and from calendars that other people wrote."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, event, func, insert, select

from app.domain.actors import Actor
from app.domain.blackouts import BlackoutChange
from app.domain.errors import Invalid, NotFound
from app.domain.times import UTC, minute_text, to_minute
from app.persistence import session
from app.persistence.blackouts import list_blackouts
from app.persistence.tables import audit_log, blackouts, bookings, customers, occupancies, resources
from app.services import blackouts as use_cases
from app.services import holidays
from app.services.blackouts import Closing, Place
from app.services.catalogue import import_catalogue
from app.services.catalogue_file import parse as parse_catalogue
from app.services.input_files import MAX_FILE_BYTES, InvalidFile

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BY = Actor("operator", "kim")
BERLIN = ZoneInfo("Europe/Berlin")
CATALOGUE = """
[[venues]]
slug = "hall"
name = "Hall"
timezone = "Europe/Berlin"
currency = "EUR"
resources = [{ slug = "a", name = "A" }, { slug = "b", name = "B" }]
services = [{ slug = "s", name = "S", resources = ["a", "b"], duration_minutes = 60 }]
[[venues]]
slug = "empty"
name = "Empty"
timezone = "UTC"
currency = "EUR"
"""
EVENT = ("UID:x@y", "DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261225", "SUMMARY:Heiligabend")


@pytest.fixture
def hall(import_database: Engine) -> Engine:
    """Return a database with one venue of two rooms."""
    import_catalogue(parse_catalogue(CATALOGUE, "f.toml"), by=BY, now=NOW)
    return import_database


def _calendar(*events: tuple[str, ...]) -> bytes:
    lines = [line for lines in events for line in ("BEGIN:VEVENT", *lines, "END:VEVENT")]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", *lines, "END:VCALENDAR", ""]).encode()


def _event(*lines: str) -> Closing:
    (closing,) = holidays.parse(_calendar(("UID:x@y", *lines)), "f.ics", BERLIN)
    return closing


def _span(*lines: str) -> tuple[str, str]:
    closing = _event(*lines)
    return minute_text(closing.starts), minute_text(closing.ends)


def _refusals(content: bytes) -> list[str]:
    with pytest.raises(InvalidFile) as caught:
        holidays.parse(content, "f.ics", BERLIN)
    return [f"{error.field}: {error.message}" for error in caught.value.errors]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ("DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261227"),
            ("2026-12-23T23:00:00Z", "2026-12-26T23:00:00Z"),
        ),
        (("DTSTART;VALUE=DATE:20261224",), ("2026-12-23T23:00:00Z", "2026-12-24T23:00:00Z")),
        (("DTSTART;VALUE=DATE:20261025",), ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")),  # a day of 25 hours
        (("DTSTART:20261224T120000Z", "DTEND:20261224T130030Z"), ("2026-12-24T12:00:00Z", "2026-12-24T13:01:00Z")),
        (("DTSTART:20261224T120000", "DTEND:20261224T130000"), ("2026-12-24T11:00:00Z", "2026-12-24T12:00:00Z")),
        (("DTSTART:20261224T120000Z", "DURATION:PT90M"), ("2026-12-24T12:00:00Z", "2026-12-24T13:30:00Z")),
        (
            ("DTSTART;TZID=America/New_York:20261224T120000", "DTEND;TZID=America/New_York:20261224T130000"),
            ("2026-12-24T17:00:00Z", "2026-12-24T18:00:00Z"),
        ),
        (("DTSTART:20260329T023000", "DTEND:20260329T040000"), ("2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z")),
    ],
)
def test_an_event_becomes_the_minutes_it_covers(lines: tuple[str, ...], expected: tuple[str, str]) -> None:
    assert _span(*lines) == expected


def test_a_summary_becomes_one_line_that_fits() -> None:
    assert _event(EVENT[1], "SUMMARY:Closed\\, sorry\\nback soon").reason == "Closed, sorry back soon"
    assert _event(EVENT[1], f"SUMMARY:{'x' * 900}").reason == "x" * 200
    assert _event(EVENT[1]).reason == ""


def test_cancelled_events_are_left_out() -> None:
    assert holidays.parse(_calendar((*EVENT, "STATUS:CANCELLED")), "f.ics", BERLIN) == ()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((*EVENT, "RRULE:FREQ=YEARLY"), "f.ics: event 1 (x@y): repeats (RRULE)"),
        (EVENT[1:], "f.ics: event 1 (no UID): has no UID"),
        (("UID:x@y", "SUMMARY:No time"), "f.ics: event 1 (x@y): has no DTSTART"),
        (("UID:x@y", "DTSTART:tomorrow"), "f.ics: event 1 (x@y): has a DTSTART that cannot be read"),
        (("UID:x@y", EVENT[1], "DTEND:never"), "f.ics: event 1 (x@y): has a DTEND that cannot be read"),
        (("UID:x@y", "DTSTART:20261224T120000Z"), "f.ics: event 1 (x@y): has neither DTEND nor DURATION"),
        (("UID:x@y", "DTSTART:20261224T120000Z", "DTEND:20261224T120000Z"), "f.ics: event 1 (x@y): does not end after"),
        (("UID:x@y", "DTSTART:20261224T120000Z", "DTEND;VALUE=DATE:20261225"), "f.ics: event 1 (x@y): mixes a day"),
        (("UID:x@y", "DTSTART;VALUE=DATE:00010101"), "f.ics: event 1 (x@y): has the year 1"),
        (
            ("UID:x@y", "DTSTART;TZID=Mars/Base:20261224T120000", "DURATION:PT1H"),
            "f.ics: event 1 (x@y): names the time",
        ),
        ((f"UID:{'u' * 200}", *EVENT[1:]), "The text is longer than"),
    ],
)
def test_an_event_that_cannot_become_a_blackout_is_named(lines: tuple[str, ...], expected: str) -> None:
    (refusal,) = _refusals(_calendar(lines))
    assert expected in refusal
    assert "\n" not in refusal


def test_every_wrong_event_is_named() -> None:
    refusals = _refusals(_calendar(EVENT, EVENT, ("UID:z@y",)))
    assert [refusal.split(": ")[1] for refusal in refusals] == ["event 2 (x@y)", "event 3 (z@y)"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html></html>",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:x\r\n",
        b"BEGIN:VCALENDAR\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 3000 + b"END:VEVENT\r\n" * 3000 + b"END:VCALENDAR\r\n",
        b"\xff\xfe\x00",
        b"BEGIN:VCALENDAR" + b" " * MAX_FILE_BYTES,
    ],
    ids=["empty", "page", "cut", "mixed", "nested", "binary", "huge"],
)
def test_what_is_no_calendar_is_refused_in_one_line(content: bytes) -> None:
    refusals = _refusals(content)
    assert refusals[0].startswith("f.ics")
    assert not [refusal for refusal in refusals if "\n" in refusal]


def test_a_calendar_with_too_many_events_is_refused_before_it_is_read() -> None:
    content = _calendar(*([EVENT] * (holidays.MAX_EVENTS + 1)))
    assert _refusals(content) == ["f.ics: has more than 5000 events: split it"]


def _import(*events: tuple[str, ...], resource: str = "", dry_run: bool = False) -> list[tuple[str, int]]:
    place = use_cases.find_place("hall", resource)
    closings = holidays.parse(_calendar(*events), "f.ics", place.zone)
    changes = use_cases.import_blackouts(place, closings, by=BY, now=NOW, dry_run=dry_run)
    return [(change.what, change.bookings_inside) for change in changes]


def _count() -> int:
    return session.reading().execute(select(func.count()).select_from(blackouts)).scalar_one()


def _clocks() -> dict[str, int]:
    rows = session.reading().execute(select(resources.c.slug, resources.c.calendar_version))
    return {row.slug: row.calendar_version for row in rows}


def _book(slug: str, starts_at: datetime, *, buffer_minutes: int = 0) -> None:
    ends_at = starts_at + timedelta(hours=1)
    with session.transaction() as writing:
        resource = writing.execute(select(resources).where(resources.c.slug == slug)).one()
        customer = {"name": "Ada", "email": "ada@x.example", "phone": "", "created_at": NOW}
        customer_id = writing.execute(insert(customers).returning(customers.c.id), customer).scalar_one()
        values = {
            "ref": f"{slug}{starts_at:%d%H%M}",
            "manage_token_hash": "",
            "status": "confirmed",
            "venue_id": resource.venue_id,
            "service_id": 1,
            "customer_id": customer_id,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "timezone": "Europe/Berlin",
            "party_size": 1,
            "currency": "EUR",
            "total_minor": 0,
            "deposit_minor": 0,
            "price_lines": "[]",
            "answers": "{}",
            "notes": "",
            "created_at": NOW,
            "updated_at": NOW,
        }
        booking_id = writing.execute(insert(bookings).returning(bookings.c.id), values).scalar_one()
        taken = {"starts": to_minute(starts_at) - buffer_minutes, "ends": to_minute(ends_at), "units": 1}
        writing.execute(insert(occupancies), {**taken, "resource_id": resource.id, "booking_id": booking_id})


@pytest.mark.usefixtures("hall")
def test_an_event_is_found_again_by_its_uid() -> None:
    assert _import(EVENT) == [("created", 0)]
    assert _import(EVENT) == [("unchanged", 0)]
    assert _import((EVENT[0], "DTSTART;VALUE=DATE:20261226")) == [("updated", 0)]
    assert _count() == 1


@pytest.mark.usefixtures("hall")
def test_one_calendar_can_close_several_resources() -> None:
    assert _import(EVENT, resource="a") == [("created", 0)]
    assert _import(EVENT, resource="b") == [("created", 0)]
    assert _import(EVENT, resource="a") == [("unchanged", 0)]
    assert _count() == 2


@pytest.mark.usefixtures("hall")
def test_bookings_inside_are_counted_and_stay() -> None:
    noon = datetime(2026, 12, 24, 12, tzinfo=UTC)
    _book("a", noon)
    _book("b", noon)
    _book("a", noon + timedelta(days=1), buffer_minutes=24 * 60)  # reaches in with its buffer alone
    assert _import(EVENT, resource="a") == [("created", 1)]
    assert _import(EVENT) == [("created", 2)]
    assert session.reading().execute(select(func.count()).select_from(occupancies)).scalar() == 3


@pytest.mark.usefixtures("hall")
def test_calendars_that_lose_time_move_on_and_others_do_not() -> None:
    before = _clocks()
    _import(EVENT, resource="a")
    assert _clocks() == {"a": before["a"] + 1, "b": before["b"]}
    _import(EVENT)
    assert _clocks() == {"a": before["a"] + 2, "b": before["b"] + 1}


def test_calendars_are_locked_before_anything_is_read(hall: Engine) -> None:
    statements: list[str] = []
    event.listen(hall, "before_cursor_execute", lambda *args: statements.append(args[2]))
    _import(EVENT)
    begin = statements.index("BEGIN IMMEDIATE")
    assert statements[begin + 1].startswith("UPDATE resources SET calendar_version")


@pytest.mark.usefixtures("hall")
def test_a_dry_run_writes_nothing() -> None:
    before = _clocks()
    assert _import(EVENT, dry_run=True) == [("created", 0)]
    assert _count() == 0
    assert _clocks() == before


def add(place: Place, starts: int, ends: int, reason: str) -> BlackoutChange:
    """Close a time as somebody who enters it does."""
    closing = use_cases.closing_of(starts, ends, reason)
    return use_cases.import_blackouts(place, [closing], by=BY, now=NOW)[0]


@pytest.mark.usefixtures("hall")
def test_a_venue_without_resources_can_be_closed() -> None:
    change = add(use_cases.find_place("empty"), 0, 60, "")
    assert change.what == "created"


@pytest.mark.usefixtures("hall")
def test_a_blackout_added_by_hand_can_be_listed_and_deleted() -> None:
    place = use_cases.find_place("hall", "b")
    change = add(place, 100, 200, " Painting ")
    (found,) = list_blackouts(session.reading(), place.venue_id, after=150, before=160, limit=10)
    assert (found.reason, found.resource_id) == ("Painting", place.resource_id)
    assert list_blackouts(session.reading(), place.venue_id, after=200, before=300, limit=10) == []
    before = _clocks()
    use_cases.delete_blackout(change.blackout.id, by=BY, now=NOW)
    assert _count() == 0
    assert _clocks() == {"a": before["a"], "b": before["b"] + 1}
    with pytest.raises(NotFound, match="no such blackout"):
        use_cases.delete_blackout(change.blackout.id, by=BY, now=NOW)


@pytest.mark.usefixtures("hall")
def test_every_change_is_in_the_audit_log() -> None:
    change = add(use_cases.find_place("hall"), 100, 200, "Painting")
    use_cases.delete_blackout(change.blackout.id, by=BY, now=NOW)
    actions = session.reading().execute(select(audit_log.c.action).order_by(audit_log.c.id.desc()).limit(2)).scalars()
    assert [*actions] == ["blackout.deleted", "blackout.created"]


@pytest.mark.usefixtures("hall")
@pytest.mark.parametrize(("ends", "reason"), [(100, ""), (200, "x" * 201), (200, "a\nb")])
def test_a_blackout_that_makes_no_sense_is_refused(ends: int, reason: str) -> None:
    with pytest.raises(Invalid):
        add(use_cases.find_place("hall"), 100, ends, reason)


@pytest.mark.usefixtures("hall")
def test_an_unknown_venue_or_resource_is_named() -> None:
    with pytest.raises(NotFound, match="no venue barn"):
        use_cases.find_place("barn")
    with pytest.raises(NotFound, match="no resource c in hall: there are a, b"):
        use_cases.find_place("hall", "c")
