"""``flask exports``: files that are there when they are whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from flask import Flask

from app.domain.actors import Actor
from app.domain.bookings import Customer
from app.domain.wishes import BookingWish, Wish
from app.persistence import session
from app.runtime.settings import load
from app.services import booking_exports, bookings
from tests.cli.conftest import Shell
from tests.conftest import SECRET_KEY
from tests.documents import reading
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue

STARTS = (datetime.now(timezone.utc) + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0)
DAYS = ("--from", STARTS.date().isoformat(), "--to", (STARTS.date() + timedelta(days=1)).isoformat())


@pytest.fixture
def ref(shell: Shell, shell_app: Flask, tmp_path: Path) -> str:
    """Return the reference of a booking in the hall of a venue ``park``."""
    del shell
    shell_app.extensions["settings"] = load({"ENVIRONMENT": "test", "INSTANCE_DIR": str(tmp_path / "instance")})
    engine = session.engine()
    venue = make_venue(engine, slug="park", timezone="UTC")
    room = make_resource(engine, venue, slug="hall", name="The hall", daily_hours=AROUND_THE_CLOCK)
    wish = BookingWish(
        Wish(make_service(engine, venue, [[room]]), STARTS), Customer("Ada", "ada@example.org"), None, {}, ""
    )
    return bookings.book(wish, secret_key=SECRET_KEY, by=Actor("guest"), now=datetime.now(timezone.utc))[0].ref


def test_bookings_are_written_whole(shell: Shell, ref: str, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    done = shell("exports", "bookings", *DAYS, "--output", str(file))
    assert done.exit_code == 0, done.output
    assert f"wrote {file}" in done.stdout
    text = file.read_text(encoding="utf-8")
    assert ref in text
    assert text.endswith("#rows=1\n")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("bookings", *DAYS, "--venue", "park", "--format", "pdf", "--lang", "de"), "Buchungen"),
        (("day-sheet", "park/hall", "--date", DAYS[1]), "The hall · Day sheet"),
        (("occupancy", *DAYS, "--venue", "park"), "Occupancy"),
    ],
    ids=["bookings", "day sheet", "occupancy"],
)
def test_papers_are_written(shell: Shell, ref: str, tmp_path: Path, args: tuple[str, ...], words: str) -> None:
    file = tmp_path / "out.pdf"
    done = shell("exports", *args, "--output", str(file))
    assert done.exit_code == 0, done.output
    text = " ".join(reading.words(file.read_bytes()))
    assert words in text
    assert (ref in text) == (args[0] != "occupancy")


def test_a_file_that_is_there_is_left_alone(shell: Shell, ref: str, tmp_path: Path) -> None:
    del ref
    file = tmp_path / "out.csv"
    file.write_text("mine", encoding="utf-8")
    assert shell("exports", "bookings", *DAYS, "--output", str(file)).exit_code == 1
    assert file.read_text(encoding="utf-8") == "mine"


def test_what_breaks_off_leaves_no_file(
    shell: Shell, ref: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del ref

    def broken(*_: object, **__: object) -> Iterator[bytes]:
        yield b"ref\r\n"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(booking_exports, "iter_csv", broken)
    done = shell("exports", "bookings", *DAYS, "--output", str(tmp_path / "out.csv"))
    assert done.exit_code == 1
    assert "No space left" in done.output
    assert list(tmp_path.glob("out*")) == []


@pytest.mark.parametrize("place", ["park", "park/attic", "nowhere/hall"])
def test_a_place_that_there_is_not_is_told_in_one_line(shell: Shell, ref: str, tmp_path: Path, place: str) -> None:
    del ref
    done = shell("exports", "day-sheet", place, "--date", DAYS[1], "--output", str(tmp_path / "out.pdf"))
    assert done.exit_code == 1
    assert len(done.output.strip().splitlines()) == 1
