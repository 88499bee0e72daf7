"""A SQLite file that cannot be written for a while: it is read, writers are put off, and all goes on without a restart."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.system.halls import hall, overbooked
from tests.system.test_faults import LIST, PATIENCE_SECONDS, is_busy, sqlite_file, times

pytestmark = pytest.mark.long

# Root may write whatever a file's mode says; without these two powers it is like anybody else.
POWERLESS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@pytest.fixture
def as_anybody() -> Sequence[str]:
    """What to start a server under, so that the modes of files count for it."""
    if os.geteuid():
        return ()
    if shutil.which(POWERLESS[0]) is None:
        pytest.skip("root ignores the modes of files, and there is no setpriv: apt-get install util-linux")
    return POWERLESS


def test_a_sqlite_that_may_not_be_written_is_read_and_makes_writers_busy(
    sqlite_url: str, tmp_path: Path, as_anybody: Sequence[str]
) -> None:
    file = sqlite_file(sqlite_url)
    with hall(sqlite_url, tmp_path, 1, under=as_anybody) as found:
        first, second = times(found, 2)
        file.chmod(0o444)
        assert found.get(LIST, PATIENCE_SECONDS).status == 200
        for _ in range(5):
            assert is_busy(found.post(first, PATIENCE_SECONDS))
        assert found.get(LIST, PATIENCE_SECONDS).status == 200
        file.chmod(0o644)
        assert [found.post(shot, PATIENCE_SECONDS).status for shot in (first, second)] == [201, 201]
        assert overbooked(found.engine) == []
        found.nobody_died()
