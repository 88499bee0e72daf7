"""How much memory a process may have: what the system lets us have, divided, or what the settings say.

The system's word is read from the control group, the account of CloudLinux, and the process's own limits. Files that are not
there, or not for us to read, or say something unknown, say nothing.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_NONE = 1 << 60  # bytes; what version 1 writes for "no limit" is above it
_LVE_PAGE_BYTES = 4096
_MIB = 1024 * 1024

# Of each process: two and a half and three and a half times what a healthy one has once it has drawn documents (75 MiB).
SOFT_BYTES, HARD_BYTES = 192 * _MIB, 256 * _MIB
# Never less, whatever the share: below it a healthy process would be replaced again and again.
LEAST_SOFT_BYTES, LEAST_HARD_BYTES = 72 * _MIB, 96 * _MIB
_SOFT_PERCENT, _HARD_PERCENT = 60, 80  # of a process's share; the rest is for the database's client, cron and a shell


@dataclass(frozen=True, slots=True)
class Limit:
    """So many bytes, for all our processes together or for this one; ``source`` is cgroup, lve or rlimit."""

    limit_bytes: int
    source: str
    is_shared: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """Above ``soft_bytes`` a process tidies up, above ``hard_bytes`` it gives way to a fresh one; 0 is never.

    ``source`` is cgroup, lve, rlimit, settings or none: what decided.
    """

    soft_bytes: int
    hard_bytes: int
    source: str


def bounds(soft_mib: int | None, hard_mib: int | None, limit: Limit | None, processes: int) -> Bounds:
    """Return the bounds of one of *processes*: what the settings say, and where they say nothing (None), its share.

    A share is the system's limit divided by the processes, if it is for all of them; 60 % of it is the soft bound, 80 % the
    hard one, within the numbers above. A bound that is set moves the other, if that is not set, to three quarters of it or
    four thirds.
    """
    soft, hard = SOFT_BYTES, HARD_BYTES
    if limit is not None:
        share = limit.limit_bytes // (max(1, processes) if limit.is_shared else 1)
        soft = min(soft, max(LEAST_SOFT_BYTES, share * _SOFT_PERCENT // 100))
        hard = min(hard, max(LEAST_HARD_BYTES, share * _HARD_PERCENT // 100))
    source = "none" if limit is None else limit.source
    if hard_mib is not None:
        soft, hard, source = hard_mib * _MIB * 3 // 4 or soft, hard_mib * _MIB, "settings"
    if soft_mib is not None:
        moved = max(hard, soft_mib * _MIB * 4 // 3)
        soft, hard = soft_mib * _MIB, hard if hard_mib is not None else moved
    return Bounds(soft, hard, source)


def find(root: Path = Path("/")) -> Limit | None:
    """Return the limit of each kind that leaves the least: one for all processes, else one for each; None for none."""
    shared = [Limit(number, "cgroup", is_shared=True) for number in _cgroup(root)]
    shared += [Limit(number, "lve", is_shared=True) for number in _lve(root / "proc/lve/list")]
    each = [Limit(number, "rlimit", is_shared=False) for number in _rlimits(root / "proc/self/statm")]
    ours = [limit for limit in (*shared, *each) if 0 < limit.limit_bytes < min(_NONE, _installed(root))]
    return min(ours, key=lambda limit: limit.limit_bytes, default=None)


def _installed(root: Path) -> int:
    """Return the memory of the machine: a limit above it is none."""
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return _NONE


def _cgroup(root: Path) -> Iterator[int]:
    """Yield the limits of this process's control group and of those around it, of either version.

    Source:
        cgroups(7): /proc/self/cgroup has the path below the mount, whose own root /proc/self/mountinfo names.
    """
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from _upwards(root, _mounts(root, "cgroup2", ""), path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _upwards(root, _mounts(root, "cgroup", "memory"), path, "memory.limit_in_bytes")


def _mounts(root: Path, kind: str, controller: str) -> list[tuple[str, Path]]:
    """Return the mounts of a hierarchy: which of its folders each shows, and where."""
    found = []
    for line in _lines(root / "proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        place, what = before.split(), after.split()
        if what[:1] == [kind] and (not controller or controller in what[-1].split(",")):
            found.append((place[3], root / place[4].lstrip("/")))
    return found


def _upwards(root: Path, mounts: list[tuple[str, Path]], path: str, name: str) -> Iterator[int]:
    """Yield the numbers in the files of that name, from the group's folder up to the mount."""
    for shown, mount in mounts:
        # Seen from a container, the path may be the host's: then what is mounted is our own group.
        below = path[len(shown) :] if shown != "/" and path.startswith(shown) else path
        folder = mount / below.strip("/") if ".." not in below else mount
        for place in (folder, *folder.parents):
            if place in {mount.parent, root}:
                break
            yield from (int(word) for word in _lines(place / name) if word.isdigit())


def _lve(path: Path) -> Iterator[int]:
    """Yield the memory of our account under CloudLinux, in pages there; 0 is no limit.

    Source:
        /proc/lve/list, version 8 and later: a first line of names, a line for each account, ``reseller,user`` in its front.
    """
    lines = [line.split() for line in _lines(path)]
    if not lines or "lMEMPHY" not in lines[0]:
        return
    column = lines[0].index("lMEMPHY")
    for words in lines[1:]:
        if words and words[0].rpartition(",")[2] == str(os.getuid()) and len(words) == len(lines[0]):
            yield from (int(word) * _LVE_PAGE_BYTES for word in words[column : column + 1] if word.isdigit())


def _rlimits(statm: Path) -> Iterator[int]:
    """Yield what this process's own limits leave it, in resident memory.

    RLIMIT_AS and RLIMIT_DATA count addresses, of which most never become memory: what they leave from now on is added to
    what is resident now. RLIMIT_RSS is not enforced by Linux, but says what the host wishes.
    """
    sizes = [int(word) * os.sysconf("SC_PAGE_SIZE") for line in _lines(statm) for word in line.split()]
    for kind, column in ((resource.RLIMIT_AS, 0), (resource.RLIMIT_DATA, 5)):
        limit, _ = resource.getrlimit(kind)
        if limit != resource.RLIM_INFINITY and sizes:
            yield max(1, sizes[1] + limit - sizes[column])
    limit, _ = resource.getrlimit(resource.RLIMIT_RSS)
    if limit != resource.RLIM_INFINITY:
        yield limit


def _lines(path: Path) -> list[str]:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8").splitlines()
    return []
