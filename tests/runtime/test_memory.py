"""Memory: it is measured, given back, and left alone by the collector once the program stands."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.runtime import limits, logs, memory, shutdown

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
    before, standing = gc.get_freeze_count(), [[number] for number in range(1000)]
    memory.freeze()
    assert gc.get_freeze_count() >= before + len(standing)


class Process:
    """A process whose memory, age and server a test decides; it notes what is done about it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.mebibytes, self.after_tidying, self.now = 50, 50, 1000.0
        self.done: list[str] = []
        self.logged: list[tuple[str, dict[str, object]]] = []
        self.answer: Callable[[Path], str] = lambda _root: "leaving"
        bounds = limits.Bounds(100 * MIB, 150 * MIB, "settings")
        monkeypatch.setattr(memory, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(memory, "_governor", memory._Governor(every=2, root=root, bounds=bounds, born=0.0))
        monkeypatch.setattr(memory, "rss_bytes", lambda: self.mebibytes * MIB)
        monkeypatch.setattr(memory, "tidy", self._tidy)
        monkeypatch.setattr(shutdown, "replace", self._replace)
        monkeypatch.setattr(shutdown, "server", lambda: "gunicorn")
        for level in ("warning", "error"):
            monkeypatch.setattr(logs, level, lambda event, **fields: self.logged.append((event, fields)))

    def _tidy(self) -> None:
        self.done.append("tidied")
        self.mebibytes = self.after_tidying

    def _replace(self, root: Path) -> str:
        answer = self.answer(root)
        self.done.append("replaced")
        return answer

    def grow(self, mebibytes: int, *, to: int | None = None) -> None:
        self.mebibytes, self.after_tidying = mebibytes, mebibytes if to is None else to

    def serve(self, requests: int = 2) -> None:
        for _ in range(requests):
            memory.after_request()


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Process:
    return Process(monkeypatch, tmp_path)


def test_a_process_within_its_limits_is_left_alone(process: Process) -> None:
    process.serve(10)
    assert (process.done, process.logged, memory.standing().state) == ([], [], "ok")


def test_memory_is_looked_at_after_every_so_many_requests(process: Process) -> None:
    process.grow(120)
    process.serve(1)
    assert process.done == []
    process.serve(1)
    assert process.done == ["tidied"]


def test_above_the_soft_limit_a_process_tidies_up_once_a_minute_and_says_what_it_brought(process: Process) -> None:
    process.grow(120, to=110)
    process.serve(20)
    assert process.done == ["tidied"]
    assert process.logged == [
        ("memory_tidied", {"before_bytes": 120 * MIB, "after_bytes": 110 * MIB, "soft_bytes": 100 * MIB})
    ]
    process.now += memory.PAUSE_SECONDS
    process.serve()
    assert process.done == ["tidied", "tidied"]
    standing = memory.standing()
    assert (standing.state, standing.collections, standing.rss_bytes) == ("soft", 2, 110 * MIB)


def test_what_tidying_brings_below_the_hard_limit_need_not_give_way(process: Process) -> None:
    process.grow(180, to=90)
    process.serve()
    assert (process.done, memory.is_over()) == (["tidied"], False)


def test_above_the_hard_limit_a_process_gives_way_once(process: Process) -> None:
    process.grow(180)
    process.serve(20)
    assert process.done == ["tidied", "replaced"]
    assert memory.is_over()
    told = ("memory_over_limit", {"rss_bytes": 180 * MIB, "hard_bytes": 150 * MIB, "done": "leaving"})
    assert process.logged[1:] == [told]


def test_a_process_that_has_just_tidied_tidies_again_before_it_gives_way(process: Process) -> None:
    process.grow(120)
    process.serve()
    process.grow(180, to=90)
    process.serve()
    assert process.done == ["tidied", "tidied"]


def test_memory_that_shrinks_ends_the_shortage_with_the_next_request(process: Process) -> None:
    process.grow(180)
    process.serve()
    process.grow(60)
    process.serve(1)
    assert not memory.is_over()


def test_a_young_process_waits_with_giving_way_and_says_so_once_a_minute(process: Process) -> None:
    memory.share_among(1)
    memory._governor.bounds = limits.Bounds(100 * MIB, 150 * MIB, "settings")
    process.grow(180)
    process.serve(10)
    assert process.done == ["tidied"]
    assert [fields["done"] for event, fields in process.logged if event == "memory_over_limit"] == ["too_young"]
    process.now += memory.YOUNG_SECONDS
    process.serve(1)
    assert process.done[-1] == "replaced"


def test_a_replacement_that_does_not_come_is_asked_for_again_after_a_minute(process: Process) -> None:
    process.answer = lambda _root: "restarted_lately"
    process.grow(180)
    process.serve(10)
    process.now += memory.PAUSE_SECONDS
    process.serve(10)
    told = [fields["done"] for event, fields in process.logged if event == "memory_over_limit"]
    assert told == ["restarted_lately", "restarted_lately"]


def test_a_restart_that_cannot_be_wished_for_is_told(process: Process) -> None:
    def refuse(_root: Path) -> str:
        raise PermissionError(13, "Permission denied")

    process.answer = refuse
    process.grow(180)
    process.serve()
    assert process.logged[-1][1]["done"] == "restart_impossible: Permission denied"


def test_where_nobody_replaces_it_a_process_goes_on_with_everything(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "server", lambda: "")
    process.grow(180)
    process.serve()
    assert memory.standing().state == "hard"
    assert not memory.is_over()


@pytest.mark.parametrize("mebibytes", [120, 180])
def test_limits_of_0_are_none(process: Process, mebibytes: int) -> None:
    memory._governor.bounds = limits.Bounds(0, 0, "settings")
    process.grow(mebibytes)
    process.serve(10)
    assert (process.done, memory.standing().state) == ([], "ok")


def test_one_look_at_a_time_is_enough(process: Process) -> None:
    process.grow(180)
    with memory._looking:
        process.serve(10)
    assert process.done == []


# Blocks freed below one that stays: they are not at the top of the heap, so only a trim gives them back.
HOLES = """
import ctypes
from app.runtime import memory
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
memory.limit_malloc()
blocks = [libc.malloc(100_000) for _ in range(400)]
for block in blocks:
    ctypes.memset(block, 1, 100_000)
top = libc.malloc(100_000)
ctypes.memset(top, 1, 100_000)
for block in blocks:
    libc.free(block)
before = memory.rss_bytes()
memory.tidy()
print(before - memory.rss_bytes())
"""


@needs_glibc
def test_tidying_gives_back_what_is_free_below_the_top_of_the_heap() -> None:
    assert int(subprocess.check_output([sys.executable, "-c", HOLES], cwd=ROOT)) > 30 * MIB
