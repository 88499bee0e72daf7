"""Clocks that disagree, and rules of time zones that have grown old."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.persistence.session import reading
from app.services import doctor_time


@pytest.mark.parametrize(
    ("seconds", "level"), [(0, "OK"), (20, "WARN"), (-20, "WARN"), (3600, "FAIL"), (-3600, "FAIL")]
)
def test_a_clock_that_is_not_the_databases_is_found(database: Engine, seconds: int, level: str) -> None:
    found = list(doctor_time.examine_clock(reading(), lambda: datetime.now(timezone.utc) + timedelta(seconds=seconds)))
    has_its_own = database.dialect.name != "sqlite"
    assert [finding.level for finding in found] == [level] * has_its_own


@pytest.mark.parametrize(
    ("first_line", "level"),
    [("# version 2026b\n", "OK"), ("# version 2025b\n", "OK"), ("# version 2024a\n", "WARN"), ("", "OK")],
)
def test_rules_that_have_grown_old_are_found(tmp_path: Path, first_line: str, level: str) -> None:
    (tmp_path / "Europe").mkdir()
    (tmp_path / "tzdata.zi").write_text(f"{first_line}R a\n" if first_line else "", encoding="ascii")
    finding = doctor_time.examine_rules(datetime(2026, 11, 24, tzinfo=timezone.utc), [str(tmp_path)])
    assert (finding.level, str(tmp_path) in finding.detail) == (level, True)


def test_a_system_without_rules_has_those_of_the_package(tmp_path: Path) -> None:
    finding = doctor_time.examine_rules(datetime(2026, 11, 24, tzinfo=timezone.utc), [str(tmp_path)])
    assert finding.detail.endswith("from the package tzdata")
    assert finding.level == "OK"
