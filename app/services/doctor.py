"""Look over an installation and say, one finding a line, what is well, what is not, and what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.findings import Finding, fail
from app.persistence.session import reading
from app.runtime.settings import Settings
from app.services import doctor_calendar, doctor_database, doctor_host

Check = Callable[["Patient"], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked over, when, and whether what can be mended is."""

    settings: Settings
    environ: Mapping[str, str]
    now: datetime
    fix: bool = False


def examine(
    settings: Settings,
    *,
    now: datetime,
    fix: bool = False,
    environ: Mapping[str, str] | None = None,
    progress: Callable[[str], None] = lambda _message: None,
) -> Iterator[Finding]:
    """Yield the findings in order, each as soon as it is known; *progress* is told what takes long.

    With *fix* the file modes and ``passenger_wsgi.py`` are put right. Nothing else is written, whatever is found.
    """
    patient = Patient(settings, os.environ if environ is None else environ, now, fix)
    yield from doctor_host.examine(settings, patient.environ, fix=fix)
    yield from _guarded(lambda: _examine_database(patient, progress))


def _examine_database(patient: Patient, progress: Callable[[str], None]) -> Iterator[Finding]:
    findings = list(doctor_database.examine(reading(), patient.environ, progress))
    yield from findings
    if any(finding.check == "schema" and finding.level != "OK" for finding in findings):
        return  # the queries below are of this program's tables
    progress("looking through every calendar ...")
    yield from doctor_calendar.examine(now=patient.now)


def _guarded(act: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from act()
    except (DBAPIError, PoolTimeout) as error:
        said = " ".join(str(getattr(error, "orig", error)).split())[:300]
        yield fail("database", f"does not answer: {said}", "start it, or correct DATABASE_URL")
