"""Importing a catalogue: once is as good as twice, and it never pulls time away from under a booking."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Row, Table, event, func, insert, select
from sqlalchemy.exc import IntegrityError

from app.domain.actors import Actor
from app.domain.catalogue import first_excess
from app.domain.errors import Conflict
from app.domain.times import UTC, to_minute
from app.persistence import session
from app.persistence.catalogue import list_catalogue
from app.persistence.tables import audit_log, occupancies, resources, services, special_hours, venues
from app.services import catalogue as use_cases
from app.services.catalogue_file import parse
from app.services.catalogue_text import render

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
BY = Actor("operator", "kim", request_id="cli-1")
TEXT = """
[[venues]]
slug = "hall"
name = "Hall"
timezone = "Europe/Berlin"
currency = "EUR"
  [[venues.resources]]
  slug = "big"
  name = "Big room"
  capacity = 4
  opening_hours = { mon = ["09:00-17:00"] }
  special_hours = { "2026-12-24" = ["09:00-12:00"] }
  [[venues.resources]]
  slug = "small"
  name = "Small room"
  [[venues.services]]
  slug = "hire"
  name = "Hire"
  resources = ["big"]
  duration_minutes = 60
  [[venues.services]]
  slug = "talk"
  name = "Talk"
  resource_groups = [["big"], ["small"]]
  duration_minutes = 60
  custom_fields = [{ key = "topic", label = "Topic" }]
"""

pytestmark = pytest.mark.usefixtures("import_database")


def _import(text: str = TEXT, *, now: datetime = NOW, dry_run: bool = False) -> dict[str, str]:
    changes = use_cases.import_catalogue(parse(text, "f.toml"), by=BY, now=now, dry_run=dry_run)
    return {f"{change.kind} {change.slug}": " ".join((change.what, *change.fields)) for change in changes}


def _row(table: Table, slug: str) -> Row[Any]:
    return session.reading().execute(select(table).where(table.c.slug == slug)).one()


def _clocks() -> dict[str, int]:
    rows = session.reading().execute(select(resources.c.slug, resources.c.calendar_version))
    return {row.slug: row.calendar_version for row in rows}


def _take(slug: str, starts_at: datetime, units: int = 1, *, expires: int | None = None) -> None:
    with session.transaction() as writing:
        key = writing.execute(select(resources.c.id).where(resources.c.slug == slug)).scalar_one()
        start = to_minute(starts_at)
        values = {"resource_id": key, "starts": start, "ends": start + 60, "units": units, "expires": expires}
        writing.execute(insert(occupancies), values)


def test_a_first_import_creates_everything() -> None:
    assert set(_import().values()) == {"created"}
    entry = list_catalogue(session.reading())["hall"].entry
    assert [resource.slug for resource in entry.resources] == ["big", "small"]
    assert entry.services[1].groups == (("big",), ("small",))
    assert _row(services, "hire").version == 1


def test_a_second_import_changes_nothing() -> None:
    _import()
    before = _clocks()
    assert set(_import(now=LATER).values()) == {"unchanged"}
    assert _clocks() == before
    assert _row(venues, "hall").updated_at == NOW


def test_what_is_exported_and_imported_again_is_unchanged() -> None:
    _import()
    stored = list_catalogue(session.reading())
    text = "".join(render(tuple(venue.entry for venue in stored.values())))
    assert set(_import(text).values()) == {"unchanged"}


def test_a_changed_value_moves_the_version_and_the_time_of_that_object_alone() -> None:
    _import()
    changes = _import(TEXT.replace('"Hire"', '"Hall hire"').replace("Big room", "Great room"), now=LATER)
    assert changes["service hall/hire"] == "updated name"
    assert changes["resource hall/big"] == "updated name"
    assert changes["service hall/talk"] == "unchanged"
    hire, talk = _row(services, "hire"), _row(services, "talk")
    assert (hire.version, hire.updated_at, hire.created_at) == (2, LATER, NOW)
    assert (talk.version, talk.updated_at) == (1, NOW)


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        ("capacity = 4", "capacity = 5", {"big"}),
        ("09:00-17:00", "09:00-18:00", {"big"}),
        ("09:00-12:00", "09:00-13:00", {"big"}),
        ('"Small room"', '"Small room"\n  active = false', {"small"}),
        ('_groups = [["big"], ["small"]]', 's = ["big"]', {"big", "small"}),
        ('["big"]\n  duration_minutes = 60', '["big"]\n  duration_minutes = 30', {"big"}),
        ("Europe/Berlin", "Europe/London", {"big", "small"}),
        ("Big room", "Great room", set()),
        ('"Hire"', '"Hall hire"', set()),
    ],
)
def test_the_calendars_whose_free_time_changes_move_on(old: str, new: str, moved: set[str]) -> None:
    _import()
    before = _clocks()
    assert old in TEXT
    _import(TEXT.replace(old, new), now=LATER)
    assert {slug for slug, version in _clocks().items() if version > before[slug]} == moved


def test_calendars_are_locked_before_anything_is_read(import_database: Engine) -> None:
    _import()
    statements: list[str] = []
    event.listen(import_database, "before_cursor_execute", lambda *args: statements.append(args[2]))
    _import(TEXT.replace("capacity = 4", "capacity = 5"))
    begin = statements.index("BEGIN IMMEDIATE")
    assert statements[begin + 1].startswith("UPDATE resources SET calendar_version")


def test_special_hours_stay_where_the_file_says_nothing_and_go_where_it_says_none() -> None:
    _import()
    count = select(func.count()).select_from(special_hours)
    line = '  special_hours = { "2026-12-24" = ["09:00-12:00"] }\n'
    assert _import(TEXT.replace(line, ""))["resource hall/big"] == "unchanged"
    assert session.reading().execute(count).scalar() == 1
    assert _import(TEXT.replace(line, "  special_hours = {}\n"))["resource hall/big"] == "updated special_hours"
    assert session.reading().execute(count).scalar() == 0


def test_what_the_file_does_not_name_is_left_alone_and_listed() -> None:
    _import()
    _import(TEXT.replace('"hall"', '"barn"'))
    changes = _import(TEXT[: TEXT.index('  [[venues.services]]\n  slug = "talk"')])
    assert changes["service hall/talk"] == "not in file"
    assert changes["venue barn"] == "not in file"
    assert {*list_catalogue(session.reading())} == {"hall", "barn"}


def test_a_dry_run_says_the_same_and_writes_nothing() -> None:
    assert set(_import(dry_run=True).values()) == {"created"}
    assert list_catalogue(session.reading()) == {}
    _import()
    before = _clocks()
    assert (
        _import(TEXT.replace("capacity = 4", "capacity = 5"), dry_run=True)["resource hall/big"] == "updated capacity"
    )
    assert _row(resources, "big").capacity == 4
    assert _clocks() == before


def test_every_change_is_in_the_audit_log() -> None:
    _import()
    _import(TEXT.replace("capacity = 4", "capacity = 5"), now=LATER)
    rows = session.reading().execute(select(audit_log).order_by(audit_log.c.id)).all()
    assert [row.action for row in rows].count("resource.created") == 2
    last = rows[-1]
    assert (last.action, last.actor, last.request_id) == ("resource.updated", "operator:kim", "cli-1")
    assert json.loads(last.detail) == {"slug": "hall/big", "fields": ["capacity"]}
    assert len(rows) == 6


def test_a_capacity_below_what_is_taken_is_refused_with_the_place_and_the_time() -> None:
    _import()
    soon = NOW + timedelta(days=3)
    _take("big", soon, 2)
    _take("big", soon + timedelta(minutes=30))
    with pytest.raises(Conflict, match=r"hall/big: capacity 2 is less than the 3 units taken on 2026-11-23 at 13:30"):
        _import(TEXT.replace("capacity = 4", "capacity = 2"))
    assert _row(resources, "big").capacity == 4
    assert _import(TEXT.replace("capacity = 4", "capacity = 3"))["resource hall/big"] == "updated capacity"


def test_what_is_past_or_was_held_and_let_go_does_not_keep_a_capacity_up() -> None:
    _import()
    _take("big", NOW - timedelta(days=1), 4)
    _take("big", NOW + timedelta(days=1), 4, expires=int(NOW.timestamp()))
    assert _import(TEXT.replace("capacity = 4", "capacity = 1"))["resource hall/big"] == "updated capacity"


def test_intervals_that_only_touch_do_not_add_up() -> None:
    assert first_excess([(0, 60, 1), (60, 120, 1)], 1) is None
    assert first_excess([(0, 61, 1), (60, 120, 1)], 1) == (60, 2)


def test_two_first_imports_at_once_end_in_a_plain_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    _import()
    monkeypatch.setattr(use_cases, "list_catalogue", lambda _session: {})
    with pytest.raises(Conflict, match="run the import again") as caught:
        _import()
    assert isinstance(caught.value.__cause__, IntegrityError)
