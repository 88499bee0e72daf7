"""A process knows since when it runs, also where its name looks like more fields."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.runtime import uptime


def test_a_process_that_has_just_begun_says_so() -> None:
    code = "from app.runtime.uptime import uptime_seconds; print(uptime_seconds())"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert 0 <= int(done.stdout) < 60


def test_a_name_with_spaces_and_brackets_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2]
    (tmp_path / "stat").write_text(f"17 (a ) 9 9 name){own}", encoding="ascii")
    expected = uptime.uptime_seconds()
    monkeypatch.setattr(uptime, "_STAT", tmp_path / "stat")
    found = uptime.uptime_seconds()
    assert found is not None
    assert expected is not None
    assert found - expected in {0, 1}


def test_a_system_that_does_not_say_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uptime, "_STAT", tmp_path / "none")
    assert uptime.uptime_seconds() is None
