from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.runtime import key_files


def test_the_first_to_make_a_key_wins_and_leaves_nothing_else(tmp_path: Path) -> None:
    key_files.make(tmp_path / "key", "one")
    key_files.make(tmp_path / "key", "two")
    assert (tmp_path / "key").read_text() == "one"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["key"]


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        key_files.make(tmp_path / "nowhere" / "key", "one")
