"""A limit on memory and tasks for one server, by the system's control groups: version 2, or the memory and pids of version 1."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
UNIFIED = {"memory": "memory.max", "pids": "pids.max"}
SEPARATE = {"memory": "memory.limit_in_bytes", "pids": "pids.max"}


class NoCage(Exception):
    """This machine does not let us limit anything; the message says what is missing."""


@dataclass(frozen=True)
class Cage:
    """Folders of control groups, by controller."""

    folders: Mapping[str, Path]
    limits: Mapping[str, str]

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be inside for a moment: whatever is started meanwhile is in for good, from its first page on."""
        own, pid = _own(), os.getpid()
        _move(pid, self.folders.values())
        try:
            yield
        finally:
            _move(pid, {own[name if name in own else ""] for name in self.folders})

    def limit(self, *, memory_bytes: int, tasks: int) -> None:
        """Set the limits.

        Raises:
            NoCage: the system refuses.
        """
        for name, value in (("memory", memory_bytes), ("pids", tasks)):
            try:
                (self.folders[name] / self.limits[name]).write_text(str(value), encoding="ascii")
            except OSError as error:
                raise NoCage(f"{self.limits[name]} cannot be set: {error.strerror}") from None

    def kills(self) -> int:
        """Return how many processes were killed for memory."""
        return self._event("memory", "memory.events", "memory.oom_control", "oom_kill")

    def refused_tasks(self) -> int:
        """Return how often a process or thread was refused."""
        return self._event("pids", "pids.events", "pids.events", "max")

    def tasks(self) -> int:
        """Return how many tasks there are now."""
        return int((self.folders["pids"] / "pids.current").read_text(encoding="ascii"))

    def peak_mib(self) -> float:
        """Return the most memory there was, pages of files that could have been given back included; 0 where nobody knows."""
        name = "memory.peak" if self.limits is UNIFIED else "memory.max_usage_in_bytes"
        file = self.folders["memory"] / name
        return int(file.read_text(encoding="ascii")) / 1024 / 1024 if file.exists() else 0.0

    def _event(self, controller: str, unified: str, separate: str, name: str) -> int:
        file = self.folders[controller] / (unified if self.limits is UNIFIED else separate)
        found = dict(line.split() for line in file.read_text(encoding="ascii").splitlines())
        return int(found[name])


@contextmanager
def cage(name: str) -> Iterator[Cage]:
    """Yield groups below this process's own, and remove them at the end, when all that was in them has ended.

    Raises:
        NoCage: there are no control groups here, or they are not ours to divide.
    """
    made = list[Path]()
    try:
        yield _make(name, made)
    finally:
        for folder in made:
            _remove(folder)


def _make(name: str, made: list[Path]) -> Cage:
    own = _own()
    is_unified = "memory" not in own
    if is_unified and "" not in own:
        raise NoCage("there is no control group of memory below /sys/fs/cgroup")
    folders = dict[str, Path]()
    for controller in ("memory", "pids"):
        parent = own.get("" if is_unified else controller)
        if parent is None:
            raise NoCage(f"there is no control group of {controller} below {ROOT}")
        folders[controller] = folder = parent / name
        if folder in made:
            continue
        try:
            folder.mkdir()
        except OSError as error:
            raise NoCage(f"no control group can be made below {parent}: {error.strerror}") from None
        made.append(folder)
        if is_unified:
            _hand_on(parent)
    limits = UNIFIED if is_unified else SEPARATE
    for controller, folder in folders.items():
        if not (folder / limits[controller]).exists():
            raise NoCage(f"the control group {folder} has no {limits[controller]}: {controller} is not handed on to it")
    return Cage(folders, limits)


def _hand_on(parent: Path) -> None:
    """Have a group of version 2 limit what is below it, which it refuses while processes are in it (cgroups(7))."""
    try:
        (parent / "cgroup.subtree_control").write_text("+memory +pids", encoding="ascii")
    except OSError as error:
        raise NoCage(f"{parent} does not hand memory and pids on to groups below it: {error.strerror}") from None


def _move(pid: int, folders: Iterable[Path]) -> None:
    for folder in folders:
        (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")


def _own() -> dict[str, Path]:
    """Return this process's groups by controller; "" is that of version 2. Source: cgroups(7), /proc/pid/cgroup."""
    found = dict[str, Path]()
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            mounts = [ROOT / controller] if controller else [ROOT, ROOT / "unified"]
            for mount in mounts:
                folder = mount / path.lstrip("/")
                if (folder / "cgroup.procs").exists():
                    found.setdefault(controller, folder)
    return found


def _remove(folder: Path) -> None:
    """Remove a group; the last to leave takes a moment to be gone from it."""
    for _ in range(100):
        with suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106 - Path.rmdir is the same
            return
        time.sleep(0.1)
    raise RuntimeError(f"{folder} is not empty")
