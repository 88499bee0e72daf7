"""``flask imports`` and ``flask busy-calendars``: what a shell is told."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from flask import Flask

from app.cli import imports
from app.persistence import session
from app.runtime.settings import load
from tests.cli.conftest import Shell
from tests.gateways.receivers import LOOPBACK, Receiver, answering, running
from tests.services.calendars_elsewhere import calendar
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue

STARTS = (datetime.now(timezone.utc) + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0)
HEADS = "service,starts_at,customer,email"
PLACE = ("--venue", "park", "--resource", "hall")
BUSY = calendar(f"DTSTART:{STARTS:%Y%m%dT%H%M%SZ}", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2")


@pytest.fixture
def hall(shell: Shell, shell_app: Flask, tmp_path: Path) -> Shell:
    """A shell on a venue ``park`` with a hall and a service."""
    settings = load({"ENVIRONMENT": "test", "INSTANCE_DIR": str(tmp_path / "instance")})
    shell_app.extensions["settings"] = replace(settings, webhook_allowed_networks=LOOPBACK)
    engine = session.engine()
    venue = make_venue(engine, slug="park", timezone="UTC")
    room = make_resource(engine, venue, slug="hall", name="The hall", daily_hours=AROUND_THE_CLOCK)
    make_service(engine, venue, [[room]], slug="practice")
    return shell


@dataclass
class Bar:
    """A bar that notes its steps."""

    update: Callable[[int], None]


def write(tmp_path: Path, *rows: str) -> str:
    file = tmp_path / "old.csv"
    file.write_text("\n".join((HEADS, *rows)) + "\n", encoding="utf-8")
    return str(file)


def row(hours: int = 0, service: str = "practice") -> str:
    return f"{service},{(STARTS + timedelta(hours=hours)).isoformat()},Ada,ada@example.org"


def test_a_file_is_imported_and_counted(hall: Shell, tmp_path: Path) -> None:
    file = write(tmp_path, row(), row(1))
    done = hall("imports", "bookings", file)
    assert (done.exit_code, done.stdout) == (0, "2 rows: 2 created, 0 skipped, 0 refused\n"), done.output
    assert hall("imports", "bookings", file).stdout == "2 rows: 0 created, 2 skipped, 0 refused\n"
    assert hall("bookings", "list", "--json").stdout.count('"ref"') == 2


def test_refused_rows_are_told_by_line_and_written_whole(hall: Shell, tmp_path: Path) -> None:
    errors = tmp_path / "errors.csv"
    done = hall("imports", "bookings", write(tmp_path, row(), row(service="golf")), "--errors", str(errors))
    assert done.exit_code == 1
    assert f"{tmp_path}/old.csv:3: service: there is no 'golf' here: see 'catalogue show'\n" in done.stderr
    assert done.stdout == "2 rows: 1 created, 0 skipped, 1 refused\n"
    assert [*csv.reader(errors.read_text(encoding="utf-8").splitlines())] == [
        ["line", "column", "message"],
        ["3", "service", "there is no 'golf' here: see 'catalogue show'"],
    ]


def test_a_hundred_refusals_are_shown_and_the_others_counted(hall: Shell, tmp_path: Path) -> None:
    done = hall("imports", "bookings", write(tmp_path, *[row(service="golf")] * 103))
    lines = done.stderr.splitlines()
    assert len(lines) == imports.MOST_SHOWN + 1
    assert lines[-1] == "and 3 more rows that were refused: --errors FILE writes them all"


def test_a_dry_run_writes_nothing_and_says_so(hall: Shell, tmp_path: Path) -> None:
    done = hall("imports", "bookings", write(tmp_path, row()), "--dry-run")
    assert done.stdout == "1 rows: 1 created, 0 skipped, 0 refused (dry run: nothing was written)\n"
    assert hall("bookings", "list", "--json").stdout.strip() == "[]"


def test_what_was_done_before_a_file_broke_off_is_counted(hall: Shell, tmp_path: Path) -> None:
    file = Path(write(tmp_path, *(row(hours) for hours in range(60))))
    file.write_bytes(file.read_bytes() + b"\xff\n")
    done = hall("imports", "bookings", str(file))
    assert done.exit_code == 1
    assert done.stdout == "50 rows: 50 created, 0 skipped, 0 refused\n"
    assert f"{file}:62: the file is not UTF-8" in done.stderr


def test_a_bar_shows_how_far_it_is_to_somebody_who_waits(
    hall: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    @contextmanager
    def bar(**_: object) -> Iterator[Bar]:
        yield Bar(seen.append)

    monkeypatch.setattr(imports, "_is_watched", lambda: True)
    monkeypatch.setattr(imports.click, "progressbar", bar)
    file = write(tmp_path, row())
    hall("imports", "bookings", file)
    assert sum(seen) == Path(file).stat().st_size


def test_customers_are_imported(hall: Shell, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,email\nAda,ada@example.org\nAda,ada@example.org\nBob,\n", encoding="utf-8")
    done = hall("imports", "customers", str(file))
    assert done.stdout == "3 rows: 1 created, 1 skipped, 1 refused\n"
    assert done.stderr == f"{file}:4: email: Give an e-mail address or a telephone number.\n"


def test_busy_times_of_a_file_are_closed(hall: Shell, tmp_path: Path) -> None:
    file = tmp_path / "ada.ics"
    file.write_bytes(BUSY)
    assert hall("imports", "busy", str(file), *PLACE, "--dry-run").stdout.startswith("2 created (dry run")
    assert hall("imports", "busy", str(file), *PLACE).stdout == "2 created\n"
    assert hall("imports", "busy", str(file), *PLACE).stdout == "2 unchanged\n"
    file.write_bytes(BUSY.replace(b"DAILY", b"HOURLY"))
    refused = hall("imports", "busy", str(file), *PLACE)
    assert (refused.exit_code, refused.stderr.startswith(f"{file}:6: repeats within a day")) == (1, True)


def test_a_calendar_is_followed(hall: Shell) -> None:
    with running(Receiver(answering("200 OK", BUSY))) as port:
        added = hall(
            "busy-calendars", "add", f"http://127.0.0.1:{port}/ada.ics?key=hidden", *PLACE, "--name", "Lessons"
        )
        assert added.stdout == "added calendar 1 of 127.0.0.1 for hall\n", added.output
        assert hall("busy-calendars", "refresh").stdout == "calendar 1, Lessons: 2 added\n"
        assert hall("busy-calendars", "refresh", "1").stdout == "calendar 1, Lessons: 2 unchanged\n"
    listed = hall("busy-calendars", "list")
    assert "Lessons" in listed.stdout
    assert "hidden" not in listed.stdout + hall("busy-calendars", "list", "--json").stdout
    failed = hall("busy-calendars", "refresh")
    assert failed.exit_code == 1
    assert failed.stderr.startswith("error: calendar 1, Lessons: the connection failed")
    assert hall("busy-calendars", "remove", "1").stdout == "removed calendar 1, and 2 busy times with it\n"
