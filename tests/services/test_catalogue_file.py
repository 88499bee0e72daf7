"""Catalogue files: what is read, what is refused, and on which line."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalogue import VenueEntry
from app.services import input_files
from app.services.catalogue_file import parse
from app.services.catalogue_text import render
from app.services.input_files import InvalidFile
from app.services.toml_lines import line_of, lines_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEMO = Path(__file__).resolve().parents[2] / "app" / "cli" / "demo.toml"
VENUE = """[[venues]]
slug = "hall"
name = "Hall"
timezone = "Europe/Berlin"
currency = "EUR"
"""
ROOM = """  [[venues.resources]]
  slug = "room"
  name = "Room"
"""
SERVICE = """  [[venues.services]]
  slug = "hire"
  name = "Hire"
"""
FULL = """# every key there is
[[venues]]
slug = "hall"
name = 'Hall "A" \\ B'
timezone = "America/New_York"
currency = "USD"
address = "1 Square, ½ Straße"
email = "desk@hall.example"
phone = "+1 (555) 010-0000"

[[venues.resources]]
slug = "anna"
name = "Anna"
kind = "staff"
capacity = 3
opening_hours = { mon = ["13:00-20:00", "09:00-12:00"], sat = ["18:00-26:00"] }
special_hours = { "2026-12-25" = [], 2026-12-24 = ["09:00-12:00"] }
active = false
[[venues.resources]]
slug = "room"
name = "Room"

[[venues.services]]
slug = "lesson"
name = "Lesson"
description = \"\"\"
Two lines,
with "quotes"."\"\"
resource_groups = [["anna"], ["room"]]
duration = { min_minutes = 30, max_minutes = 90, step_minutes = 30 }
slot_interval_minutes = 15
starts = { tue = ["10:30", "09:00"] }
buffer_before_minutes = 5
buffer_after_minutes = 10
min_notice_minutes = 60
horizon_days = 30
requires_approval = true
guest_bookings = true
max_party_size = 1
units_per_party_member = 1
price.flat_minor = 1
price.per_hour_minor = 2
price.per_person_minor = 3
price.deposit_percent = 4
price.tax_bp = 5
cancellation = [{ hours_before = 24, refund_percent = 50 }, { hours_before = 48, refund_percent = 100 }]
custom_fields = [
  { key = "level", label = "Level", type = "choice", choices = ["a", "b"], required = true },
  { key = "born", label = "Born", type = "date" },
]
active = false
"""


def _refusals(text: str) -> list[str]:
    with pytest.raises(InvalidFile) as caught:
        parse(text, "f.toml")
    return [f"{error.field}: {error.message}" for error in caught.value.errors]


def _one(text: str) -> VenueEntry:
    (venue,) = parse(text, "f.toml")
    return venue


def test_absent_keys_have_their_defaults() -> None:
    venue = _one(VENUE + ROOM + SERVICE + 'resources = ["room"]\nduration_minutes = 45\n')
    (room,), (hire,) = venue.resources, venue.services
    assert (room.kind, room.capacity, room.active, room.special_hours) == ("space", 1, True, None)
    assert room.weekly_hours == ((),) * 7
    assert (hire.min_minutes, hire.max_minutes, hire.step_minutes, hire.slot_interval_minutes) == (45, 45, 45, 45)
    assert (hire.min_notice_minutes, hire.horizon_days, hire.max_party_size) == (0, 90, None)
    assert (hire.requires_approval, hire.guest_bookings, hire.active) == (False, False, True)
    assert hire.groups == (("room",),)


def test_the_slot_interval_is_the_step_of_a_duration_unless_given() -> None:
    duration = 'resources = ["room"]\nduration = { min_minutes = 60, max_minutes = 120, step_minutes = 30 }\n'
    assert _one(VENUE + ROOM + SERVICE + duration).services[0].slot_interval_minutes == 30


def test_special_hours_that_are_empty_say_that_there_are_none() -> None:
    assert _one(VENUE + ROOM + "special_hours = {}\n").resources[0].special_hours == {}


def test_every_key_is_read() -> None:
    venue = _one(FULL)
    anna, lesson = venue.resources[0], venue.services[0]
    assert venue.phone == "+15550100000"
    assert anna.weekly_hours[0] == ((540, 720), (780, 1200))
    assert anna.weekly_hours[5] == ((1080, 1560),)
    assert anna.special_hours == {date(2026, 12, 24): ((540, 720),), date(2026, 12, 25): ()}
    assert lesson.weekly_starts is not None
    assert lesson.weekly_starts[1] == (540, 630)
    assert lesson.cancellation == ((48, 100), (24, 50))
    assert lesson.description == 'Two lines,\nwith "quotes".'
    assert (lesson.flat_minor, lesson.tax_bp) == (1, 5)
    assert lesson.custom_fields[0].choices == ("a", "b")


@pytest.mark.parametrize("text", [FULL, DEMO.read_text(encoding="utf-8")], ids=["full", "demo"])
def test_an_export_reads_back_to_the_same_catalogue(text: str) -> None:
    catalogue = parse(text, "f.toml")
    written = "".join(render(catalogue))
    assert parse(written, "again.toml") == catalogue


def test_the_demo_catalogue_has_services_that_guests_can_book_soon() -> None:
    venue = _one(DEMO.read_text(encoding="utf-8"))
    assert venue.slug == "demo-hall"
    assert all(service.guest_bookings and service.min_notice_minutes <= 60 for service in venue.services)
    assert all(all(day for day in resource.weekly_hours) for resource in venue.resources)
    assert {service.requires_approval for service in venue.services} == {True, False}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("venues = 3\n", "f.toml:1: venues: expected a list, got a whole number"),
        ("venues = []\n\nvenue = []\n", "f.toml:3: venue: is no key here: there are venues"),
        (VENUE + "seats = 3\n", "f.toml:6: venues[0].seats: is no key here"),
        (VENUE.replace('name = "Hall"\n', ""), "f.toml:1: venues[0]: name is missing"),
        (VENUE.replace('"Hall"', '" "'), "f.toml:3: venues[0].name: must not be empty"),
        (VENUE.replace('"hall"', '"The Hall"'), "f.toml:2: venues[0].slug: expected text of small letters"),
        (
            VENUE.replace("Europe/Berlin", "Europe/Berln"),
            "f.toml:4: venues[0].timezone: 'Europe/Berln' is no time zone",
        ),
        (VENUE.replace("Europe/Berlin", "../../etc/passwd"), "f.toml:4: venues[0].timezone: '../../etc/passwd' is no"),
        (VENUE.replace("EUR", "euro"), "f.toml:5: venues[0].currency: expected text of three capital letters"),
        (VENUE + 'email = "desk"\n', "f.toml:6: venues[0].email: That is no e-mail address."),
        (VENUE + 'address = "a\\u0000b"\n', "f.toml:6: venues[0].address: The text holds control characters."),
        (VENUE + VENUE, "f.toml:7: venues[1].slug: venue hall is here twice"),
        (VENUE + ROOM + ROOM, "f.toml:10: venues[0].resources[1].slug: resource room is here twice"),
        (VENUE + ROOM + "capacity = 0\n", "f.toml:9: venues[0].resources[0].capacity: expected a whole number >= 1"),
        (VENUE + ROOM + "capacity = true\n", "f.toml:9: venues[0].resources[0].capacity: expected a whole number"),
        (VENUE + ROOM + 'kind = "boat"\n', "f.toml:9: venues[0].resources[0].kind: invalid enum value 'boat'"),
        (
            VENUE + ROOM + 'opening_hours = { mon = [\n"09:00-12:00",\n"11:00-13:00"] }\n',
            "f.toml:9: venues[0].resources[0].opening_hours.mon: two windows overlap at 11:00",
        ),
        (
            VENUE + ROOM + 'opening_hours = { mon = [\n"09:00-12:00",\n"18:00-02:00"] }\n',
            "f.toml:11: venues[0].resources[0].opening_hours.mon[1]: '18:00-02:00' closes before it opens",
        ),
        (
            VENUE + ROOM + 'special_hours = { "2026-02-30" = [] }\n',
            "f.toml:9: venues[0].resources[0].special_hours.2026-02-30: 2026-02-30 is no date",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, expected: str) -> None:
    (refusal,) = _refusals(text)
    assert refusal.startswith(expected)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('resources = ["room"]', "venues[0].services[0]: needs either duration_minutes or duration"),
        ("duration_minutes = 30", "venues[0].services[0]: needs either resources or resource_groups"),
        ("resources = []\nduration_minutes = 30", "resources: must name a resource in every group"),
        ('resources = ["roof"]\nduration_minutes = 30', "resources[0]: there is no resource roof in this venue"),
        (
            'resource_groups = [["room"], ["room"]]\nduration_minutes = 30',
            "resource_groups[1][0]: resource room is here",
        ),
        (
            'resources = ["room"]\nduration = { min_minutes = 60, max_minutes = 100, step_minutes = 30 }',
            "duration.step_minutes: steps of 30 do not lead from 60 to 100",
        ),
        (
            'resources = ["room"]\nduration = { min_minutes = 60, max_minutes = 30, step_minutes = 30 }',
            "duration.max_minutes: 30 is less than min_minutes, 60",
        ),
        (
            'resources = ["room"]\nduration_minutes = 20160\nbuffer_after_minutes = 1',
            "services[0]: takes more than 14 days, buffers included",
        ),
        (
            'resources = ["room"]\nduration_minutes = 30\nunits_per_party_member = 1\nmax_party_size = 2',
            "max_party_size: such a party takes 2 units, and none of room has more than 1",
        ),
        (
            'resources = ["room"]\nduration_minutes = 30\nprice = { tax_bp = 1.5 }',
            "price.tax_bp: expected a whole number",
        ),
        (
            'resources = ["room"]\nduration_minutes = 30\nprice = { flat_minor = -1 }',
            "price.flat_minor: expected a whole",
        ),
        (
            'resources = ["room"]\nduration_minutes = 30\ncancellation = [{ hours_before = 1, refund_percent = 101 }]',
            "cancellation[0].refund_percent: expected a whole number <= 100",
        ),
        (
            'resources = ["room"]\nduration_minutes = 30\nstarts = { mon = ["24:00"] }',
            "starts.mon[0]: '24:00' is on the",
        ),
        (
            'resources = ["room"]\nduration_minutes = 30\ncustom_fields = [{ key = "k", label = "L", type = "choice" }]',
            "custom_fields[0].choices: belong to type choice, which needs them",
        ),
        (
            'resources = ["room"]\nduration_minutes = 30\ncustom_fields = [{ key = "k", label = "L" }, { key = "k", label = "M" }]',
            "custom_fields[1].key: key k is here twice",
        ),
    ],
)
def test_a_service_that_makes_no_sense_is_refused(lines: str, expected: str) -> None:
    (refusal,) = _refusals(VENUE + ROOM + SERVICE + lines + "\n")
    assert expected in refusal


def test_all_mistakes_are_named_in_the_order_of_the_file() -> None:
    text = VENUE.replace("Europe/Berlin", "Mars/Base") + ROOM + "capacity = 0\n" + SERVICE + "horizon_days = 0\n"
    assert [refusal.split(":")[1] for refusal in _refusals(text)] == ["4", "9", "13"]


def test_a_wrong_resource_is_not_also_a_wrong_reference() -> None:
    text = VENUE + ROOM + "capacity = 0\n" + SERVICE + 'resources = ["room"]\nduration_minutes = 30\n'
    assert len(_refusals(text)) == 1


def test_more_than_twenty_mistakes_are_counted() -> None:
    refusals = _refusals(VENUE + "".join(f"extra_{n} = 1\n" for n in range(25)))
    assert len(refusals) == 21
    assert refusals[-1] == "f.toml: and 5 more problems"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\nb = \n", "f.toml:2: no TOML: "),
        ("a = 1\n[[venues\n", "f.toml:2: no TOML: "),
        ('a = 1\nb = "', "f.toml:2: no TOML: "),
        ("a = 1\na = 2\n", "f.toml:2: no TOML: "),
        ("a = " + "[" * 100_000, "f.toml"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(text: str, expected: str) -> None:
    (refusal,) = _refusals(text)
    assert refusal.startswith(expected)
    assert "\n" not in refusal


def test_a_byte_order_mark_is_tolerated() -> None:
    assert parse(input_files.decode(b"\xef\xbb\xbf" + VENUE.encode(), "f.toml"), "f.toml")


def test_what_is_not_utf_8_is_refused_with_its_line() -> None:
    with pytest.raises(InvalidFile, match=r"f\.toml:2: the file is not UTF-8"):
        input_files.decode(b"a = 1\nb = '\xe4'\n", "f.toml")


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(InvalidFile, match="larger than 5 MiB"):
        input_files.decode(b" " * (input_files.MAX_FILE_BYTES + 1), "f.toml")


def _paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in items for found in _paths(item, (*path, key)))]


@pytest.mark.parametrize("text", [FULL, DEMO.read_text(encoding="utf-8")], ids=["full", "demo"])
def test_every_key_of_a_file_has_its_line(text: str) -> None:
    lines, rows = lines_of(text), text.split("\n")
    for path in _paths(tomllib.loads(text))[1:]:
        assert path in lines
        if isinstance(path[-1], str) and path not in {
            ("venues",),
            ("venues", 0, "resources"),
            ("venues", 0, "services"),
        }:
            assert path[-1] in rows[lines[path] - 1]


VALUES = st.recursive(
    st.sampled_from(['"a#b"', "'c]'", '"d\\"e"', "12", "true", '"""x\n"y" \n"""', "'''\nz'''", "2026-01-01", "-1.5e3"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ", # c ]\n".join(items) + "\n]")
        | st.lists(inner, max_size=3).map(
            lambda items: "{ " + ", ".join(f'"k.{n}" = {item}' for n, item in enumerate(items)) + " }"
        )
    ),
    max_leaves=8,
)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_lines_are_right_whatever_the_values(values: list[str]) -> None:
    text, expected = "", []
    for number, value in enumerate(values):
        expected.append(text.count("\n") + 2)
        text += f"# =\nkey-{number} = {value} # end\n"
    lines = lines_of(text)
    assert [lines[(f"key-{number}",)] for number in range(len(values))] == expected


def test_a_path_that_is_not_there_has_the_line_of_what_is_around_it() -> None:
    assert line_of({(): 1, ("a",): 4}, ("a", 3, "b")) == 4
