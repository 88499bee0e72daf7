"""``flask catalogue`` and ``flask blackouts``, as an operator types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result

from app.cli.local_times import parse_local
from app.domain.errors import Invalid
from app.domain.times import minute_text
from app.persistence import session
from app.services.input_files import MAX_FILE_BYTES
from tests.services.factories import make_resource, make_venue

Shell = Callable[..., Result]
DEMO = str(Path(__file__).resolve().parents[2] / "app" / "cli" / "demo.toml")
BERLIN = ZoneInfo("Europe/Berlin")
ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//y//EN
BEGIN:VEVENT
UID:new-year@x.example
DTSTART;VALUE=DATE:20990101
SUMMARY:New Year
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def ics(tmp_path: Path) -> str:
    path = tmp_path / "days.ics"
    path.write_text(ICS, encoding="utf-8")
    return str(path)


def test_an_import_prints_what_became_of_each_object_and_a_summary(shell: Shell) -> None:
    result = shell("catalogue", "import", DEMO)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["kind", "slug", "what"]
    assert lines[1].split() == ["venue", "demo-hall", "created"]
    assert lines[-1] == "9 created"
    assert shell("catalogue", "import", DEMO).stdout.splitlines()[-1] == "9 unchanged"


def test_an_import_names_the_fields_that_change(shell: Shell, tmp_path: Path) -> None:
    shell("catalogue", "import", DEMO)
    changed = tmp_path / "changed.toml"
    changed.write_text(
        Path(DEMO).read_text(encoding="utf-8").replace("capacity = 12", "capacity = 14"), encoding="utf-8"
    )
    dry = shell("catalogue", "import", str(changed), "--dry-run").stdout
    assert "resource  demo-hall/studio     updated: capacity" in dry
    assert dry.endswith("1 updated, 8 unchanged (dry run: nothing was written)\n")
    assert shell("catalogue", "import", str(changed)).stdout.endswith("1 updated, 8 unchanged\n")


def test_an_export_imports_back_unchanged(shell: Shell, tmp_path: Path) -> None:
    shell("catalogue", "import", DEMO)
    export = tmp_path / "export.toml"
    export.write_text(shell("catalogue", "export", "--venue", "demo-hall").stdout, encoding="utf-8")
    assert shell("catalogue", "import", str(export)).stdout.splitlines()[-1] == "9 unchanged"


def test_show_lists_everything_with_its_id(shell: Shell) -> None:
    shell("catalogue", "import", DEMO)
    lines = shell("catalogue", "show").stdout.splitlines()
    assert lines[1].split()[:3] == ["venue", "1", "demo-hall"]
    assert any("30 to 240 min by 30, room-1 or room-2, guests" in line for line in lines)
    (document,) = json.loads(shell("catalogue", "show", "--venue", "demo-hall", "--json").stdout)
    assert document["service_ids"]["practice"] == 1
    assert document["venue"]["resources"][3]["capacity"] == 12


@pytest.mark.parametrize("command", ["show", "export"])
def test_an_unknown_venue_is_one_line(shell: Shell, command: str) -> None:
    result = shell("catalogue", command, "--venue", "barn")
    assert (result.exit_code, result.stderr) == (1, "error: There is no venue barn: see 'catalogue show'.\n")


def test_mistakes_are_one_line_each_that_begin_with_file_and_line(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('[[venues]]\nslug = "A"\nname = ""\ntimezone = "UTC"\ncurrency = "EUR"\nx = 1\n', encoding="utf-8")
    result = shell("catalogue", "import", str(path))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == [f"{path}:2", f"{path}:6"]
    assert shell("catalogue", "show").stdout.splitlines() == ["kind  id  slug  name  what"]


def test_a_file_that_cannot_be_read_is_one_line(shell: Shell, tmp_path: Path) -> None:
    missing, large = tmp_path / "missing.toml", tmp_path / "large.toml"
    large.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    for path, said in ((missing, "No such file"), (tmp_path, "Is a directory"), (large, "larger than 5 MiB")):
        result = shell("catalogue", "import", str(path))
        assert result.exit_code == 1
        assert result.stderr.startswith(f"{path}: ")
        assert said in result.stderr
        assert result.stderr.count("\n") == 1


def test_blackouts_come_from_a_calendar_and_are_found_again(shell: Shell, ics: str) -> None:
    shell("catalogue", "import", DEMO)
    dry = shell("blackouts", "import", ics, "--venue", "demo-hall", "--dry-run")
    assert dry.stdout.endswith("1 created (dry run: nothing was written)\n")
    assert "created" in shell("blackouts", "import", ics, "--venue", "demo-hall").stdout
    again = shell("blackouts", "import", ics, "--venue", "demo-hall")
    assert again.stdout.splitlines()[-1] == "1 unchanged"
    (row,) = shell("blackouts", "list", "--venue", "demo-hall").stdout.splitlines()[1:]
    assert row.split()[1:] == ["(all)", "2099-01-01", "00:00", "2099-01-02", "00:00", "New", "Year"]


def test_a_blackout_is_added_listed_and_deleted(shell: Shell) -> None:
    shell("catalogue", "import", DEMO)
    span = ("--from", "2098-12-24 12:00", "--to", "2098-12-25")
    added = shell("blackouts", "add", "--venue", "demo-hall", "--resource", "hall", *span, "--reason", "Painting")
    assert added.exit_code == 0
    around = ("--from", "2098-12-24", "--to", "2098-12-31")
    (document,) = json.loads(shell("blackouts", "list", "--venue", "demo-hall", *around, "--json").stdout)
    assert (document["resource"], document["reason"]) == ("hall", "Painting")
    assert (document["starts_at"], document["ends_at"]) == ("2098-12-24T11:00:00Z", "2098-12-24T23:00:00Z")
    deleted = shell("blackouts", "delete", str(document["id"]))
    assert deleted.stdout == f"deleted blackout {document['id']}: Painting\n"
    assert shell("blackouts", "delete", str(document["id"])).exit_code == 1


@pytest.mark.parametrize(
    ("first", "end", "expected"),
    [
        ("2026-03-29 02:30", "2026-03-29 04:00", "--from: 2026-03-29 02:30 does not exist in Europe/Berlin"),
        ("tomorrow", "2026-03-29", "--from: 'tomorrow' is no time"),
        ("2026-03-29", "2026-03-29", "to: The end must be after the start."),
    ],
)
def test_times_that_make_no_sense_are_refused_in_one_line(shell: Shell, first: str, end: str, expected: str) -> None:
    shell("catalogue", "import", DEMO)
    result = shell("blackouts", "add", "--venue", "demo-hall", "--from", first, "--to", end)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {expected}")
    assert result.stderr.count("\n") == 1


def test_an_hour_that_comes_twice_is_the_first_or_on_request_the_second() -> None:
    first, second = (parse_local("--to", "2026-10-25 02:30", BERLIN, later=later) for later in (False, True))
    assert (minute_text(first), minute_text(second)) == ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata"])
def test_an_hour_that_is_skipped_elsewhere_is_an_hour_like_any_other(zone: str) -> None:
    parse_local("--from", "2026-06-01 02:30", ZoneInfo(zone))
    with pytest.raises(Invalid, match="the clock skips it"):
        parse_local("--from", "2026-03-29 02:00", BERLIN, later=True)


def test_what_is_archived_comes_back(shell: Shell) -> None:
    """A venue, and a resource of it, by the names that a shell has for them."""
    engine = session.engine()
    venue = make_venue(engine, slug="park")
    make_resource(engine, venue, slug="hall")
    for place in ("park/hall", "park"):
        assert shell("catalogue", "archive", place).exit_code == 0
        assert "restore" in shell("catalogue", "archive", place).stdout
        assert shell("catalogue", "restore", place).exit_code == 0
    assert shell("catalogue", "archive", "park/nothing").exit_code == 1


def test_blackouts_come_again_and_go_as_they_came(shell: Shell) -> None:
    engine = session.engine()
    make_resource(engine, make_venue(engine, slug="park"), slug="hall")
    again = ("--venue", "park", "--from", "2027-03-01 12:00", "--to", "2027-03-01 14:00", "--every", "week")
    dry = shell("blackouts", "add", *again, "--until", "2027-03-31", "--dry-run")
    assert dry.stdout.count("would close") == 5
    assert shell("blackouts", "add", *again).exit_code != 0
    assert shell("blackouts", "add", *again, "--until", "2027-03-31").exit_code == 0
    listed = json.loads(shell("blackouts", "list", "--venue", "park", "--from", "2027-01-01", "--json").stdout)
    assert [item["starts_at"][5:16] for item in listed][-2:] == ["03-22T11:00", "03-29T10:00"]
    assert "deleted 5 blackouts" in shell("blackouts", "delete", str(listed[0]["id"]), "--series").stdout
