"""Time: whether this machine's clock and the database's agree, and how old the rules of the time zones are."""

from __future__ import annotations

import importlib.metadata
import zoneinfo
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from app.domain.findings import Finding, fail, ok, warn
from app.persistence import health
from app.persistence.session import Session

MOST_APART_SECONDS, FAR_APART_SECONDS = 5, 60  # codes are good for five minutes, holds for ten
OLDEST_YEARS = 1  # countries change their rules every year, some of them at a few weeks' notice
_SYSTEM_FILE = "tzdata.zi"
_UPDATE = "pip install -U tzdata, or update the system's package tzdata"


def examine_clock(session: Session, clock: Callable[[], datetime]) -> Iterator[Finding]:
    """Yield whether the clocks agree; nothing of SQLite, which has none of its own."""
    if session.engine.dialect.name == "sqlite":
        return
    apart = abs(health.server_time(session) - int(clock().timestamp()))
    detail = f"this machine's and the database's are {apart} s apart"
    if apart <= MOST_APART_SECONDS:
        yield ok("clock", detail)
    elif apart < FAR_APART_SECONDS:
        yield warn("clock", detail, "let both keep time by NTP")
    else:
        yield fail("clock", f"{detail}: one of them is wrong", "let both keep time by NTP, or ask your host")


def examine_rules(now: datetime, paths: Sequence[str] = zoneinfo.TZPATH) -> Finding:
    """Return how old the rules of the time zones are: the system's, or of the package where the system has none."""
    source, version = _rules(paths)
    detail = f"rules {version or 'of unknown age'}, from {source}"
    year = int(version[:4]) if version[:4].isdigit() else now.year
    if now.year - year > OLDEST_YEARS:
        return warn("time zones", f"{detail}: offsets may be wrong where a country has changed them", _UPDATE)
    return ok("time zones", detail)


def _rules(paths: Sequence[str]) -> tuple[str, str]:
    for path in map(Path, paths):
        if (path / "Europe").is_dir():
            return str(path), _version_in(path / _SYSTEM_FILE)
    try:
        return "the package tzdata", importlib.metadata.version("tzdata")
    except importlib.metadata.PackageNotFoundError:
        return "nowhere", ""


def _version_in(file: Path) -> str:
    """Return what the first line says, which is ``# version 2026a``; nothing where there is no such file."""
    try:
        with file.open(encoding="ascii") as lines:
            return lines.readline(100).removeprefix("# version ").strip()
    except (OSError, UnicodeDecodeError):
        return ""
