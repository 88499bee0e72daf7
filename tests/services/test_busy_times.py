"""Calendars of others, read: real programs' files, the clock's jumps, what is broken, and what would never end."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.times import from_minute
from app.services import busy_times
from app.services.busy_times import Window, read_busy_times
from app.services.ics_events import MAX_UID
from app.services.input_files import InvalidFile
from tests.services.calendars_elsewhere import (
    GOOGLE,
    GOOGLE_TIMES,
    OUTLOOK,
    OUTLOOK_TIMES,
    THUNDERBIRD,
    THUNDERBIRD_TIMES,
    calendar,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2027, 6, 1, 8, 0, tzinfo=timezone.utc)
WINDOW = Window.around(NOW, BERLIN)


def read(content: bytes, window: Window = WINDOW) -> list[str]:
    """Return the times as the venue's clock shows them."""
    found = sorted(read_busy_times(content, "ada.ics", window), key=lambda time: (time.starts, time.ends))
    local = [(from_minute(time.starts).astimezone(BERLIN), from_minute(time.ends).astimezone(BERLIN)) for time in found]
    return [f"{starts:%m-%d %H:%M}-{ends:%H:%M}" for starts, ends in local]


def refusal(content: bytes) -> str:
    with pytest.raises(InvalidFile) as refused:
        read_busy_times(content, "ada.ics", WINDOW)
    (error,) = refused.value.errors
    return f"{error.field}: {error.message}"


@pytest.mark.parametrize(
    ("text", "times"),
    [(GOOGLE, GOOGLE_TIMES), (OUTLOOK, OUTLOOK_TIMES), (THUNDERBIRD, THUNDERBIRD_TIMES)],
    ids=["Google", "Outlook", "Thunderbird"],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_calendar_is_read_as_its_own_program_shows_it(text: str, times: list[str], ends: str) -> None:
    assert read(text.replace("\n", ends).encode()) == times


def test_a_mark_before_the_file_is_no_part_of_it() -> None:
    assert read(b"\xef\xbb\xbf" + GOOGLE.encode()) == GOOGLE_TIMES


def test_a_weekly_time_stays_by_the_wall_clock_when_the_clock_is_put_back() -> None:
    rule = ("DTSTART;TZID=Europe/Berlin:20271024T090000", "DTEND;TZID=Europe/Berlin:20271024T100000")
    content = calendar(*rule, "RRULE:FREQ=WEEKLY;COUNT=2")
    assert read(content) == ["10-24 09:00-10:00", "10-31 09:00-10:00"]
    found = read_busy_times(content, "ada.ics", WINDOW)
    assert found[1].starts - found[0].starts == 7 * 1440 + 60


def test_a_time_in_another_zone_moves_when_that_zone_changes() -> None:
    content = calendar(
        "DTSTART;TZID=America/New_York:20271030T090000",
        "DTEND;TZID=America/New_York:20271030T100000",
        "RRULE:FREQ=DAILY;COUNT=3",
    )
    assert read(content) == ["10-30 15:00-16:00", "10-31 14:00-15:00", "11-01 14:00-15:00"]


def test_a_time_that_the_clock_skips_counts_by_the_offset_before() -> None:
    content = calendar("DTSTART;TZID=Europe/Berlin:20280326T023000", "DURATION:PT30M")
    assert read(content, Window.around(datetime(2028, 3, 1, tzinfo=timezone.utc), BERLIN)) == ["03-26 03:30-04:00"]


def test_a_day_is_as_long_as_the_venues_clock_makes_it() -> None:
    (found,) = read_busy_times(calendar("DTSTART;VALUE=DATE:20271031"), "ada.ics", WINDOW)
    assert found.ends - found.starts == 25 * 60


def test_an_event_that_lasts_a_day_of_the_calendar_ends_at_the_same_time_of_day() -> None:
    content = calendar("DTSTART;TZID=Europe/Berlin:20271030T120000", "DURATION:P1D")
    assert read(content) == ["10-30 12:00-12:00"]


def test_seconds_are_rounded_so_that_all_of_the_event_is_covered() -> None:
    assert read(calendar("DTSTART:20270607T080030Z", "DTEND:20270607T083001Z")) == ["06-07 10:00-10:31"]


def test_the_newest_version_of_an_event_counts() -> None:
    both = [("SEQUENCE:2", "DTSTART:20270607T100000Z"), ("SEQUENCE:1", "DTSTART:20270607T120000Z")]
    events = b"".join(calendar(*lines, "DURATION:PT1H") for lines in both)
    assert read(events) == ["06-07 12:00-13:00"]


def test_what_was_moved_out_of_the_window_leaves_its_place_free() -> None:
    series = ("DTSTART:20270607T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2")
    moved = ("RECURRENCE-ID:20270607T080000Z", "DTSTART:20300101T080000Z", "DURATION:PT1H")
    assert read(calendar(*series) + calendar(*moved)) == ["06-08 10:00-11:00"]


def test_one_of_a_series_that_is_called_off_is_free() -> None:
    series = ("DTSTART:20270607T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2")
    off = ("RECURRENCE-ID:20270607T080000Z", "DTSTART:20270607T080000Z", "DURATION:PT1H", "STATUS:CANCELLED")
    assert read(calendar(*series) + calendar(*off)) == ["06-08 10:00-11:00"]


def test_a_day_left_out_by_its_date_leaves_out_what_begins_on_it() -> None:
    series = ("DTSTART;TZID=Europe/Berlin:20270607T080000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3")
    assert read(calendar(*series, "EXDATE;VALUE=DATE:20270608")) == ["06-07 08:00-09:00", "06-09 08:00-09:00"]


def test_further_times_may_have_lengths_of_their_own() -> None:
    also = "RDATE;VALUE=PERIOD:20270608T080000Z/PT3H,20270609T080000Z/20270609T083000Z"
    content = calendar("DTSTART:20270607T080000Z", "DURATION:PT1H", also)
    assert read(content) == ["06-07 10:00-11:00", "06-08 10:00-13:00", "06-09 10:00-10:30"]


def test_what_began_before_the_window_and_lasts_into_it_is_busy() -> None:
    assert read(calendar("DTSTART;VALUE=DATE:20270101", "DTEND;VALUE=DATE:20270605")) == ["01-01 00:00-00:00"]
    content = calendar("DTSTART:20270526T080000Z", "DTEND:20270602T080000Z", "RRULE:FREQ=YEARLY")
    assert read(content) == ["05-26 10:00-10:00", "05-26 10:00-10:00"]


def test_only_what_is_in_the_window_is_busy() -> None:
    assert read(calendar("DTSTART:20270501T080000Z", "DTEND:20270501T090000Z")) == []
    assert read(calendar("DTSTART:20290101T080000Z", "DTEND:20290101T090000Z")) == []
    daily = read(calendar("DTSTART:20200101T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY"))
    assert len(daily) == busy_times.HORIZON_DAYS + 1


def test_each_time_has_a_name_of_its_own_that_the_next_reading_gives_again() -> None:
    first, later = (read_busy_times(GOOGLE.encode(), "ada.ics", WINDOW) for _ in range(2))
    assert first == later
    assert len({time.uid for time in first}) == len(first)
    assert "7kukuqrfedlm2f9t0lpgqn6jtl@google.com:20270607T070000Z" in {time.uid for time in first}


def test_a_name_that_is_too_long_is_kept_as_its_hash() -> None:
    content = calendar("DTSTART:20270607T080000Z", "DURATION:PT1H").replace(b"UID:one", b"UID:" + b"x" * 900)
    (found,) = read_busy_times(content, "ada.ics", WINDOW)
    assert len(found.uid) <= MAX_UID + len(":20270607T080000Z")
    assert "xx" not in found.uid


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["DTSTART:2027-06-07"], "ada.ics:4: has a DTSTART that cannot be read: 2027-06-07"),
        (["SUMMARY:x"], "ada.ics:2: this event has no DTSTART"),
        (["DTSTART:20270607T080000Z", "DTEND;VALUE=DATE:20270608"], "ada.ics:2: this event mixes a day and a time"),
        (["DTSTART:20270607T080000Z", "DTEND:20270607T070000Z"], "ada.ics:2: this event ends before it starts"),
        (["DTSTART:20270607T080000Z", "DURATION:soon"], "ada.ics:5: has a DURATION that cannot be read"),
        (["DTSTART:20270607T080000Z", "DURATION:P999999999D"], "ada.ics:2: this event lasts longer than"),
        (["DTSTART;TZID=Atlantis:20270607T080000"], "ada.ics:4: names the time zone 'Atlantis', which nobody knows"),
        (["DTSTART;TZID=/../../etc/passwd:20270607T080000"], "ada.ics:4: names the time zone"),
        (["DTSTART:20270607T080000Z", "RRULE:FREQ=SECONDLY"], "ada.ics:5: repeats within a day"),
        (["DTSTART:20270607T080000Z", "RRULE:FREQ=DAILY;BYHOUR=1,2,3"], "ada.ics:5: repeats within a day"),
        (["DTSTART:20270607T080000Z", "RRULE:FREQ=NEVER"], "ada.ics:5: has a rule that cannot be read"),
        (["DTSTART:20270607T080000Z", "RRULE:COUNT=3"], "ada.ics:5: has a rule that cannot be read"),
        (["DTSTART:20270607T080000Z", "RRULE:FREQ=DAILY;INTERVAL=0"], "ada.ics:5: has a rule whose INTERVAL"),
        (["DTSTART:20270607T080000Z", "RRULE:FREQ=YEARLY;BYMONTH=13"], "ada.ics:5: has a rule whose BYMONTH"),
        (["DTSTART:20270607T080000Z", "RRULE:FREQ=WEEKLY;BYDAY=XX"], "ada.ics:5: has a rule"),
        (["DTSTART:20270607T080000Z", "RRULE:FREQ=WEEKLY;BYDAY=" + "MO," * 70 + "TU"], "ada.ics:5: has a rule that lists"),
        (["DTSTART:20270607T080000Z", "EXDATE:never"], "ada.ics:5: has a EXDATE that cannot be read"),
        (["DTSTART:20270607T080000Z", "RECURRENCE-ID;RANGE=THISANDFUTURE:20270607T080000Z"], "ada.ics:5: changes all"),
        (["DTSTART:99990607T080000Z"], "ada.ics:4: has the year 9999"),
        (["DTSTART:20270607T080000Z", 'EXDATE;TZID="x:20270607T080000Z'], "ada.ics:5: this line cannot be read"),
    ],
)  # fmt: skip
def test_an_event_that_makes_no_sense_is_refused_with_its_line(lines: list[str], said: str) -> None:
    assert refusal(calendar(*lines)).startswith(said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "ada.ics:1: the file is empty"),
        (b"<!DOCTYPE html>\n<title>Sign in</title>", "ada.ics:1: this is no calendar"),
        (calendar("DTSTART:20270607T080000Z")[:-30], "ada.ics:4: the file is cut off: BEGIN:VEVENT of line 2"),
        (
            b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n",
            "ada.ics:3: END:VCALENDAR does not match BEGIN:VEVENT of line 2",
        ),
        (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n\xff\n", "ada.ics:3: the file is not UTF-8"),
        (b"BEGIN:VCALENDAR\n" + b"BEGIN:X\n" * 50, "ada.ics:21: too many parts lie within each other"),
    ],
    ids=["empty", "a web page", "cut off", "mixed up", "no UTF-8", "too deep"],
)
def test_a_file_that_is_no_whole_calendar_is_refused_with_the_line(content: bytes, said: str) -> None:
    assert refusal(content).startswith(said)


def test_rules_that_would_never_end_cost_no_more_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busy_times, "MOST_EFFORT", 30_000)
    for rule in (
        "FREQ=DAILY;COUNT=1000000000",
        "FREQ=DAILY;UNTIL=99991231T235959Z",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    ):
        read(calendar("DTSTART:19700101T080000Z", "DURATION:PT1H", f"RRULE:{rule}"))
    events = b"".join(
        calendar("DTSTART:19700101T080000Z", "RRULE:FREQ=DAILY;COUNT=1000000000").replace(
            b"UID:one", b"UID:%d" % number
        )
        for number in range(3)
    )
    assert "takes too long to work out" in refusal(events)


def test_a_calendar_with_too_many_times_is_refused() -> None:
    also = ",".join(
        f"202706{1 + number // 1440:02}T{number // 60 % 24:02}{number % 60:02}00Z" for number in range(5001)
    )
    content = calendar("DTSTART:20270601T000000Z", "DURATION:PT1M", f"RDATE:{also}")
    assert refusal(content) == "ada.ics: has more than 5000 busy times in 400 days: split the calendar"


PIECES = st.sampled_from(
    ["BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE", "END:VTIMEZONE", "TZID:X", "DTSTART;TZID=X:20270607T080000", "UID:a", "RRULE:FREQ=DAILY", "DTSTART;VALUE=DATE:20270607", "DTEND:20270607T090000Z", "DURATION:-PT1H", "RDATE;VALUE=PERIOD:20270607T080000Z/P1D", "EXDATE:x", "RRULE:FREQ=YEARLY;BYWEEKNO=-60", "RRULE:FREQ=MONTHLY;BYDAY=9MO,-9SU;UNTIL=00010101T000000Z", "SEQUENCE:99999999999999", "BEGIN:STANDARD", "TZOFFSETFROM:+9999", "TZOFFSETTO:x", "END:STANDARD", "RECURRENCE-ID:20270607", "EXRULE:FREQ=WEEKLY", " folded", ";", ":"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=25), st.booleans())
def test_whatever_a_server_sends_is_read_or_refused(lines: list[str], is_whole: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    body = [
        "BEGIN:VCALENDAR",
        "BEGIN:VEVENT",
        "UID:u",
        "DTSTART:20270607T080000Z",
        *lines,
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    content = "\n".join(body if is_whole else lines).encode("utf-8", "surrogatepass")
    with suppress(InvalidFile):  # anything else would end the duty
        read_busy_times(content, "x.ics", WINDOW)
