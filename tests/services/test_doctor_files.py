"""Whether files and database agree: what is missing, what lies there for nobody, and memory that does not grow."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.runtime.settings import load
from app.services import doctor_files, uploads_sweep
from tests.services.counter import Counter, png
from tests.services.desk import Desk


@pytest.fixture
def counter(database: Engine, tmp_path: Path) -> Counter:
    return Counter(Desk(database), load({"INSTANCE_DIR": str(tmp_path / "instance")}))


def findings(counter: Counter) -> list[tuple[str, str]]:
    return [(one.level, one.detail) for one in doctor_files.examine(counter.settings, now=counter.now)]


def test_a_house_without_files_is_well(counter: Counter) -> None:
    assert findings(counter) == [("OK", "0 in the database, and each is in the store"), ("OK", "none")]


@pytest.mark.parametrize("page", [1, 2, 500])
def test_what_is_missing_is_counted_and_some_of_it_named(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(doctor_files, "PAGE", page)
    made = [counter.attach(png(number)) for number in range(5)]
    for path in counter.lying()[:4]:
        path.unlink()
    names = sorted(one.sha256 for one in made)
    told = f"4 of 5 are not in the store: {', '.join(name[:12] for name in names[:3])} ..."
    assert findings(counter)[0] == ("FAIL", told)


@pytest.mark.parametrize("page", [1, 2, 500])
def test_what_lies_there_for_nobody_is_counted_once_it_is_a_day_old(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(uploads_sweep, "PAGE", page)
    for number in range(3):
        counter.attach(png(number))
    for number in range(3):
        stray = counter.lying()[0].parent / f"{number:064x}"
        stray.write_bytes(b"x" * 10)
    for path in counter.lying():
        age = (counter.now - timedelta(hours=23 if path.name.endswith("2") else 25)).timestamp()
        os.utime(path, (age, age))
    assert findings(counter)[1] == ("WARN", "2 in the store that nothing refers to, 20 bytes")
    assert len(counter.lying()) == 6, "it only looks"
