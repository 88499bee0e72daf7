"""The memory a process may have: found in trees of files as systems lay them out, divided, and overruled by settings."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.runtime import limits
from app.runtime.limits import HARD_BYTES, SOFT_BYTES, Bounds, Limit, bounds, find

MIB = 1024 * 1024
INSTALLED = "MemTotal:       16384000 kB\n"
V2 = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
BOTH = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n" + V1
NO_LIMIT_V1 = "9223372036854771712\n"
USER = 1001
LVE = (
    "10:LVE\tlCPU\tlCPUW\tnCPU\tlEP\tlNPROC\tlMEM\tlMEMPHY\tlIO\tEP\n"
    "0,0\t\t10000\t100\t1\t20\t100\t0\t131072\t1024\t0\n"
    f"0,{USER}\t5000\t100\t1\t10\t50\t0\t{{pages}}\t1024\t0\n"
)


@pytest.fixture(autouse=True)
def _a_plain_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "os", SimpleNamespace(getuid=lambda: USER, sysconf=os.sysconf))
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a system with 16 GB and no limit."""
    lay(tmp_path, {"proc/meminfo": INSTALLED})
    return tmp_path


def lay(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_a_system_that_says_nothing_sets_no_limit(root: Path, tmp_path: Path) -> None:
    assert find(root) is None
    assert find(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("own", "above", "found"),
    [
        ("536870912\n", "max\n", 512 * MIB),
        ("max\n", "268435456\n", 256 * MIB),
        ("1073741824\n", "268435456\n", 256 * MIB),
    ],
)
def test_the_least_of_a_version_2_group_and_those_around_it_counts(
    root: Path, own: str, above: str, found: int
) -> None:
    lay(root, {"proc/self/cgroup": "0::/user/slot\n", "proc/self/mountinfo": V2})
    lay(root, {"sys/fs/cgroup/user/slot/memory.max": own, "sys/fs/cgroup/user/memory.max": above})
    assert find(root) == Limit(found, "cgroup", is_shared=True)


def test_a_version_1_group_is_found_beside_a_version_2_hierarchy_without_memory(root: Path) -> None:
    lay(root, {"proc/self/cgroup": "4:memory:/jobs/slot\n2:cpu:/\n0::/\n", "proc/self/mountinfo": BOTH})
    lay(root, {"sys/fs/cgroup/memory/jobs/slot/memory.limit_in_bytes": "536870912\n"})
    lay(root, {"sys/fs/cgroup/memory/memory.limit_in_bytes": NO_LIMIT_V1})
    assert find(root) == Limit(512 * MIB, "cgroup", is_shared=True)


def test_in_a_container_what_is_mounted_is_the_own_group_whatever_path_the_host_sees(root: Path) -> None:
    mount = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    lay(root, {"proc/self/cgroup": "4:memory:/docker/abc\n", "proc/self/mountinfo": mount})
    lay(root, {"sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456\n"})
    assert find(root) == Limit(256 * MIB, "cgroup", is_shared=True)
    lay(root, {"proc/self/cgroup": "4:memory:/../elsewhere\n"})
    assert find(root) == Limit(256 * MIB, "cgroup", is_shared=True)


@pytest.mark.parametrize("number", [NO_LIMIT_V1, str(64 * 1024 * MIB), "0\n", "\n", "nonsense\n"])
def test_a_number_that_limits_nothing_is_none(root: Path, number: str) -> None:
    lay(root, {"proc/self/cgroup": "4:memory:/\n", "proc/self/mountinfo": V1})
    lay(root, {"sys/fs/cgroup/memory/memory.limit_in_bytes": number})
    assert find(root) is None


def test_an_account_of_cloudlinux_is_found_by_its_user(root: Path) -> None:
    lay(root, {"proc/lve/list": LVE.format(pages=262144)})
    assert find(root) == Limit(1024 * MIB, "lve", is_shared=True)
    lay(root, {"proc/lve/list": LVE.format(pages=0)})
    assert find(root) is None


@pytest.mark.parametrize("text", ["", "10:LVE\tEP\n0,1\t2\n", "10:LVE lMEMPHY\n\n0,1\n", "\x00"])
def test_a_list_of_accounts_in_another_form_says_nothing(root: Path, text: str) -> None:
    lay(root, {"proc/lve/list": text})
    assert find(root) is None


@pytest.mark.parametrize(
    ("kind", "left"), [(resource.RLIMIT_AS, 60 + 512 - 200), (resource.RLIMIT_DATA, 60 + 512 - 90)]
)
def test_a_limit_of_addresses_leaves_what_is_not_used_up(
    root: Path, monkeypatch: pytest.MonkeyPatch, kind: int, left: int
) -> None:
    _limit(monkeypatch, kind, 512 * MIB)
    page = os.sysconf("SC_PAGE_SIZE")
    lay(root, {"proc/self/statm": " ".join(str(size * MIB // page) for size in (200, 60, 10, 1, 0, 90, 0))})
    assert find(root) == Limit(left * MIB, "rlimit", is_shared=False)


def test_a_limit_of_resident_memory_is_a_wish_of_the_hosts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _limit(monkeypatch, resource.RLIMIT_RSS, 300 * MIB)
    assert find(root) == Limit(300 * MIB, "rlimit", is_shared=False)


def _limit(monkeypatch: pytest.MonkeyPatch, kind: int, number: int) -> None:
    none = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda asked: (number, none) if asked == kind else (none, none))


def test_without_a_limit_the_bounds_are_generous() -> None:
    assert bounds(None, None, None, 4) == Bounds(SOFT_BYTES, HARD_BYTES, "none")


@pytest.mark.parametrize(
    ("limit", "processes", "soft", "hard"),
    [
        (Limit(1024 * MIB, "lve", is_shared=True), 4, 153, 204),
        (Limit(512 * MIB, "cgroup", is_shared=True), 4, 76, 102),
        (Limit(128 * MIB, "cgroup", is_shared=True), 4, 72, 96),  # never less: a healthy process has 75
        (Limit(64 * 1024 * MIB, "cgroup", is_shared=True), 2, 192, 256),  # never more: none needs it
        (Limit(200 * MIB, "rlimit", is_shared=False), 4, 120, 160),
        (Limit(512 * MIB, "cgroup", is_shared=True), 0, 192, 256),
    ],
)
def test_the_bounds_of_a_process_are_60_and_80_percent_of_its_share(
    limit: Limit, processes: int, soft: int, hard: int
) -> None:
    found = bounds(None, None, limit, processes)
    assert (found.soft_bytes // MIB, found.hard_bytes // MIB, found.source) == (soft, hard, limit.source)


@pytest.mark.parametrize(
    ("soft_mib", "hard_mib", "expected"),
    [
        (100, 200, (100, 200, "settings")),
        (None, 400, (300, 400, "settings")),
        (300, None, (300, 400, "none")),
        (100, None, (100, 256, "none")),
        (0, 0, (0, 0, "settings")),
        (None, 0, (192, 0, "settings")),
        (0, None, (0, 256, "none")),
    ],
)
def test_settings_overrule_what_is_found(
    soft_mib: int | None, hard_mib: int | None, expected: tuple[int, int, str]
) -> None:
    found = bounds(soft_mib, hard_mib, None, 1)
    assert (found.soft_bytes // MIB, found.hard_bytes // MIB, found.source) == expected


def test_what_this_machine_says_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    found = limits.find()
    assert found is None or found.limit_bytes > 0
