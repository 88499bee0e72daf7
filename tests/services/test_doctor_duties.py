"""What the doctor says of cron: one line where all is well, one for each duty that is not."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine, insert

from app.domain.duties import DUTIES
from app.persistence.tables import duties
from app.services.doctor_duties import examine
from tests.services.door import NOW, ON_SQLITE

pytestmark = ON_SQLITE


def note(database: Engine, name: str, succeeded_at: datetime | None, **failure: object) -> None:
    row = {"name": name, "lease_ends": 0, "last_error": "", "succeeded_at": succeeded_at, **failure}
    with database.connect() as connection:
        connection.execute(insert(duties), row)


def found() -> list[tuple[str, str, str]]:
    return [(finding.level, finding.check, finding.detail) for finding in examine(now=NOW)]


def test_a_cron_that_never_came_is_one_finding_with_what_to_do(database: Engine) -> None:
    del database
    (finding,) = examine(now=NOW)
    assert (finding.level, finding.check, finding.detail) == ("WARN", "cron", "no duty was ever done")
    assert "flask --app app cron" in finding.remedy
    assert "POST /cron" in finding.remedy


def test_duties_done_in_time_are_one_line(database: Engine) -> None:
    for duty in DUTIES:
        note(database, duty.name, NOW - duty.every)
    assert found() == [("OK", "cron", f"all {len(DUTIES)} duties were done in time")]


def test_each_that_is_late_or_fails_or_was_never_done_is_named(database: Engine) -> None:
    for duty in DUTIES:
        if duty.name not in {"outbox", "uploads"}:
            note(database, duty.name, NOW - duty.every)
    with database.connect() as connection:
        connection.execute(duties.delete().where(duties.c.name == "holds"))
    note(database, "holds", NOW - timedelta(hours=2))
    note(database, "uploads", NOW - timedelta(hours=25), failed_at=NOW, last_error="OSError: the disk is full")
    assert found() == [
        ("WARN", "cron", "holds was last done 2027-06-01T06:00:00Z, and is late"),
        ("WARN", "cron", "outbox was never done, and is late"),
        (
            "WARN",
            "cron",
            "uploads was last done 2027-05-31T07:00:00Z, and failed 2027-06-01T08:00:00Z: OSError: the disk is full",
        ),
    ]
    assert [finding.remedy for finding in examine(now=NOW)][-1].endswith("duty=uploads")
