"""What an examination finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check: ``level`` is OK, WARN or FAIL, ``remedy`` says what to do about it."""

    check: str
    level: str
    detail: str
    remedy: str = ""


def ok(check: str, detail: str) -> Finding:
    """Return that all is well."""
    return Finding(check, "OK", detail)


def warn(check: str, detail: str, remedy: str) -> Finding:
    """Return something that will do, and should be better."""
    return Finding(check, "WARN", detail, remedy)


def fail(check: str, detail: str, remedy: str) -> Finding:
    """Return something that must be put right."""
    return Finding(check, "FAIL", detail, remedy)
