"""What the settings of memory may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.runtime.checks import SettingsError, whole

_MOST_MIB = 64 * 1024
_LEAST_MIB = 64  # a process has 50 to 75 once it has answered a few requests


def memory_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the settings that are about memory: MiB, 0 for no limit, None for one to be found."""
    soft = _mebibytes("MEMORY_SOFT_MIB", values.get("memory_soft_mib", "auto"))
    hard = _mebibytes("MEMORY_HARD_MIB", values.get("memory_hard_mib", "auto"))
    if soft and hard and soft >= hard:
        raise SettingsError(f"MEMORY_SOFT_MIB must be below MEMORY_HARD_MIB, and {soft} is not below {hard}")
    return {
        "memory_soft_mib": soft,
        "memory_hard_mib": hard,
        "memory_check_requests": whole("MEMORY_CHECK_REQUESTS", values.get("memory_check_requests", 50), 1, 10_000),
    }


def _mebibytes(name: str, value: object) -> int | None:
    word = str(value).strip().lower()
    if word == "auto":
        return None
    if word in {"off", "false", "0"}:
        return 0
    try:
        return whole(name, value, _LEAST_MIB, _MOST_MIB)
    except SettingsError:
        raise SettingsError(
            f"{name} must be auto, off, or a number of MiB from {_LEAST_MIB} to {_MOST_MIB}, not {value!r}"
        ) from None
