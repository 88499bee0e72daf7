"""Whether the duties are done in time: what was never done, what is late, and what fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from app.domain.duties import DUTIES, Duty, LastRun, is_late, last_run_at
from app.domain.findings import Finding, ok, warn
from app.domain.times import rfc3339
from app.persistence.duties import list_last_runs
from app.persistence.session import reading

_SET_UP = "let cron run 'flask --app app cron' every minute, or somebody's cron call POST /cron: see docs/operating.md"


def examine(*, now: datetime) -> Iterator[Finding]:
    """Yield a finding for each duty that is late or fails; one alone where all is well, or none was ever done."""
    last = list_last_runs(reading())
    if last_run_at(last) is None:
        yield warn("cron", "no duty was ever done", _SET_UP)
        return
    wrong = [finding for duty in DUTIES if (finding := _look_at(duty, last.get(duty.name, LastRun()), now))]
    yield from wrong or [ok("cron", f"all {len(DUTIES)} duties were done in time")]


def _look_at(duty: Duty, last: LastRun, now: datetime) -> Finding | None:
    when = "was never done" if last.succeeded_at is None else f"was last done {rfc3339(last.succeeded_at)}"
    if last.failed_at is not None:
        failed = f"{duty.name} {when}, and failed {rfc3339(last.failed_at)}: {last.error}"
        return warn("cron", failed, f"mend that; the log has it as duty_failed with duty={duty.name}")
    if is_late(duty, last, now=now):
        return warn("cron", f"{duty.name} {when}, and is late", _SET_UP)
    return None
