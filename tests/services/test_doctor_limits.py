"""What the host grants, against what the workers need."""

from __future__ import annotations

import resource

import pytest

from app.runtime.limits import Limit
from app.services import doctor_limits

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("limit", "level"),
    [
        (None, "OK"),
        (Limit(300 * MIB, "cgroup", is_shared=True), "OK"),
        (Limit(299 * MIB, "cgroup", is_shared=True), "WARN"),
        (Limit(75 * MIB, "rlimit", is_shared=False), "OK"),
        (Limit(74 * MIB, "rlimit", is_shared=False), "WARN"),
    ],
)
def test_memory_that_does_not_do_for_all_workers_is_found(limit: Limit | None, level: str) -> None:
    finding = doctor_limits.memory_of(4, limit, 50 * MIB)
    assert finding.level == level
    assert "this command uses 50 MiB" in finding.detail


def test_what_is_granted_and_what_is_wanted_is_told() -> None:
    finding = doctor_limits.memory_of(8, Limit(512 * MIB, "lve", is_shared=True), 50 * MIB)
    assert finding.detail.startswith("512 MiB are granted (lve), 8 workers want 600; ")


@pytest.mark.parametrize(("granted", "level"), [(resource.RLIM_INFINITY, "OK"), (20, "OK"), (19, "WARN")])
def test_too_few_processes_are_found(monkeypatch: pytest.MonkeyPatch, granted: int, level: str) -> None:
    def limits(kind: int) -> tuple[int, int]:
        return (granted, granted) if kind == resource.RLIMIT_NPROC else (1024, 1024)

    monkeypatch.setattr(doctor_limits.resource, "getrlimit", limits)
    _, processes, files = doctor_limits.examine(4)
    assert [(processes.check, processes.level), (files.check, files.level)] == [
        ("processes", level),
        ("open files", "OK"),
    ]
