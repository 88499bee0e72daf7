"""``flask slots``, as an operator types it: the demo hall, in Berlin."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone

import pytest
from click.testing import Result

Shell = Callable[..., Result]
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=timezone.utc)  # a Tuesday, 09:00 in Berlin
BARN = """[[venues]]
slug = "barn"
name = "Barn"
timezone = "America/New_York"
currency = "USD"
[[venues.resources]]
slug = "loft"
name = "Loft"
opening_hours = { tue = ["08:00-09:00"] }
[[venues.services]]
slug = "practice"
name = "Practice"
resources = ["loft"]
duration_minutes = 60
slot_interval_minutes = 60
guest_bookings = true
"""


@pytest.fixture
def hall(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a shell on the demo hall whose clock stands still."""
    assert shell("demo", "load").exit_code == 0
    monkeypatch.setattr("app.cli.slots.clock", lambda: NOW)
    return shell


def test_slots_are_a_line_for_each_day_in_local_time(hall: Shell) -> None:
    result = hall("slots", "list", "yoga", "--from", "2026-12-04", "--to", "2026-12-06")
    assert result.stdout.splitlines() == [
        "demo-hall/yoga, 60 minutes, times of Europe/Berlin",
        "day             starts               open  resources",
        "Fri 2026-12-04  08:00, 12:00, 18:00  12    studio",
        "Sat 2026-12-05  10:00                12    studio",
    ]


def test_starts_that_follow_each_other_evenly_are_one_phrase(hall: Shell) -> None:
    lines = hall("slots", "list", "practice", "--from", "2026-12-02", "--to", "2026-12-03").stdout.splitlines()
    assert lines[2:] == ["Wed 2026-12-02  00:00 to 23:30 every 30 min  2     room-1, room-2"]


def test_without_days_it_is_a_week_from_the_venues_today_on(hall: Shell) -> None:
    lines = hall("slots", "list", "yoga").stdout.splitlines()[2:]
    assert [line.split()[1] for line in lines] == [f"2026-12-0{day}" for day in range(1, 8)]
    assert "12:00, 18:00" in lines[0]  # 08:00 is past
    assert "08:00" not in lines[0]


def test_the_longest_night_of_the_year_has_its_extra_slots(hall: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.slots.clock", lambda: datetime(2026, 10, 20, tzinfo=timezone.utc))
    options = ("--from", "2026-10-25", "--to", "2026-10-26", "--json")
    (day,) = json.loads(hall("slots", "list", "practice", *options).stdout)["days"]
    assert len(day["slots"]) == 50


def test_json_gives_utc_and_the_zone(hall: Shell) -> None:
    options = ("--from", "2026-12-05", "--to", "2026-12-07", "--json")
    document = json.loads(hall("slots", "list", "demo-hall/yoga", *options).stdout)
    assert (document["service_id"], document["timezone"]) == (3, "Europe/Berlin")
    assert [day["date"] for day in document["days"]] == ["2026-12-05", "2026-12-06"]
    assert document["days"][0]["slots"] == [
        {
            "starts_at": "2026-12-05T09:00:00Z",
            "ends_at": "2026-12-05T10:00:00Z",
            "resource_ids": [4],
            "spots_open": 12,
        }
    ]


def test_duration_party_and_resource_narrow_what_is_listed(hall: Shell) -> None:
    days = ("--from", "2026-12-02", "--to", "2026-12-03")
    narrowed = hall(
        "slots", "list", "rehearsal", *days, "--duration", "240", "--party-size", "2", "--resource", "room-2"
    )
    assert narrowed.stdout.splitlines()[0] == "demo-hall/rehearsal, 240 minutes, times of Europe/Berlin"
    assert narrowed.stdout.splitlines()[2].endswith(" 1     room-2")


def test_a_day_without_slots_says_so(hall: Shell) -> None:
    lines = hall("slots", "list", "yoga", "--from", "2026-11-01", "--to", "2026-11-02").stdout.splitlines()
    assert lines[2] == "Sun 2026-11-01  -"


def test_a_service_is_named_by_id_by_path_or_by_slug(hall: Shell) -> None:
    listings = {hall("slots", "list", name).stdout for name in ("3", "demo-hall/yoga", "yoga")}
    assert len(listings) == 1


def test_a_slug_that_two_venues_use_must_be_said_in_full(hall: Shell, tmp_path_factory: pytest.TempPathFactory) -> None:
    barn = tmp_path_factory.mktemp("barn") / "barn.toml"
    barn.write_text(BARN, encoding="utf-8")
    assert hall("catalogue", "import", str(barn)).exit_code == 0
    refused = hall("slots", "list", "practice")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "error: Several venues have a service practice: say which, one of demo-hall/practice, barn/practice.\n",
    )
    lines = hall("slots", "list", "barn/practice").stdout.splitlines()
    assert lines[0].endswith("times of America/New_York")
    assert lines[2].split() == ["Tue", "2026-12-01", "08:00", "1", "loft"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "barn"), "There is no service barn: see 'catalogue show'."),
        (("list", "yoga", "--resource", "cellar"), "demo-hall has no resource cellar: see 'catalogue show'."),
        (("list", "yoga", "--resource", "hall"), "resource_id: This service does not use that resource."),
        (("list", "yoga", "--to", "2027-12-01"), "to: 'to' is 1 to 62 days after 'from'."),
        (("list", "yoga", "--from", "soon"), "--from: 'soon' is no time: write it as '2026-12-24 12:00'"),
        (("list", "practice", "--party-size", "7"), "party_size: A party is of 1 to 6."),
        (("explain", "practice", "2027-03-28 02:30"), "TIME: 2027-03-28 02:30 does not exist in Europe/Berlin"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(hall: Shell, arguments: tuple[str, ...], said: str) -> None:
    result = hall("slots", *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {said}")
    assert result.stderr.count("\n") == 1


def test_a_service_out_of_use_is_said_to_be(hall: Shell, tmp_path_factory: pytest.TempPathFactory) -> None:
    barn = tmp_path_factory.mktemp("barn") / "barn.toml"
    barn.write_text(f"{BARN}active = false\n", encoding="utf-8")
    assert hall("catalogue", "import", str(barn)).exit_code == 0
    assert hall("slots", "list", "barn/practice").stderr.startswith("error: barn/practice is not offered at present")


def test_explain_tells_that_a_time_can_be_booked(hall: Shell) -> None:
    result = hall("slots", "explain", "practice", "2026-12-02 10:00")
    assert (result.exit_code, result.stdout) == (0, "demo-hall/practice at 2026-12-02 10:00 CET can be booked\n")


def test_explain_gives_every_reason_and_exits_with_1(hall: Shell) -> None:
    closed = ("--from", "2026-12-02 09:00", "--to", "2026-12-02 12:00", "--reason", "Painting")
    assert hall("blackouts", "add", "--venue", "demo-hall", "--resource", "room-1", *closed).exit_code == 0
    bookable = hall("slots", "explain", "practice", "2026-12-02 10:00")
    result = hall("slots", "explain", "practice", "2026-12-02 10:00", "--resource", "room-1")
    assert bookable.exit_code == 0
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "demo-hall/practice at 2026-12-02 10:00 CET cannot be booked",
        "code      reason",
        "blackout  Practice Room 1 is closed then: Painting.",
    ]
    document = json.loads(hall("slots", "explain", "yoga", "2026-12-02 10:00", "--json").stdout)
    assert (document["bookable"], document["starts_at"]) == (False, "2026-12-02T09:00:00Z")
    assert [reason["code"] for reason in document["reasons"]] == ["not_a_start"]
