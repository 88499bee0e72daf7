"""Memory: it is measured, given back, and left alone by the collector once the program stands."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
from pathlib import Path

import pytest

from app.runtime import memory

MIB = 1024 * 1024
ROOT = Path(__file__).resolve().parents[2]
HAS_GLIBC = hasattr(ctypes.CDLL(None), "gnu_get_libc_version")
needs_glibc = pytest.mark.skipif(not HAS_GLIBC, reason="only glibc's malloc has thresholds to set")

# One large block, freed: glibc then raises its threshold. Then as many smaller ones, with a small one left on top of them.
# Without a fixed threshold the smaller ones come from the heap, and the last keeps all of them there.
KEEPS = """
import ctypes, sys
from app.runtime import memory
if sys.argv[1] == "limited":
    assert memory.limit_malloc()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.free(libc.malloc(24 << 20))
before = memory.rss_bytes()
blocks = [libc.malloc(12 << 20) for _ in range(4)]
for block in blocks:
    ctypes.memset(block, 1, 12 << 20)
top = libc.malloc(200_000)
ctypes.memset(top, 1, 200_000)
for block in blocks:
    libc.free(block)
print(memory.rss_bytes() - before)
"""


def _kept_bytes(how: str) -> int:
    return int(subprocess.check_output([sys.executable, "-c", KEEPS, how], cwd=ROOT))


@pytest.mark.system
@needs_glibc
def test_freed_blocks_go_back_to_the_system_with_limits_and_stay_without() -> None:
    assert _kept_bytes("limited") < 2 * MIB
    assert _kept_bytes("unlimited") > 40 * MIB


def test_a_malloc_that_is_not_glibcs_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Musl:
        def mallopt(self, _name: int, _value: int) -> int:
            raise AssertionError("called")

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Musl())
    assert memory.limit_malloc() is False


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell")
def test_memory_in_use_grows_by_what_is_taken() -> None:
    before = memory.rss_bytes()
    block = bytearray(b"x") * (64 * MIB)
    after = memory.rss_bytes()
    assert before is not None
    assert after is not None
    assert 60 * MIB < after - before < 80 * MIB
    assert len(block) == 64 * MIB


def test_memory_in_use_is_unknown_where_the_system_does_not_tell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory, "_STATM", tmp_path / "statm")
    assert memory.rss_bytes() is None


def test_what_stands_is_kept_from_the_collector() -> None:
    gc.unfreeze()  # of what the tests began with: it is kept again afterwards
    memory.freeze()
    assert gc.get_freeze_count() > 1000
