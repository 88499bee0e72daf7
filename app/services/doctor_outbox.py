"""Whether messages leave: what is due for long, and what was given up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from app.domain.findings import Finding, ok, warn
from app.persistence.outbox_queue import count_dead, depth
from app.persistence.session import reading

LATE_SECONDS = 3600  # cron comes every minute, and a budget of mails an hour is over within one
_HOUR = 3600


def examine(*, now: datetime) -> Iterator[Finding]:
    """Yield a finding for messages that are late and for those that were given up; one alone where all is well."""
    found, dead = depth(reading(), now=now), count_dead(reading())
    late = 0 if found.oldest_due is None else int(now.timestamp()) - found.oldest_due
    if late >= LATE_SECONDS:
        said = f"{found.due} messages are due, the oldest for {late // _HOUR} h"
        yield warn("outbox", said, "'flask outbox drain' says in the log why they do not leave: see docs/operating.md")
    if dead:
        said = f"{dead} messages were given up"
        yield warn("outbox", said, "'flask outbox list --status dead' says why; mend that, then 'flask outbox retry'")
    if not dead and late < LATE_SECONDS:
        yield ok("outbox", f"{found.due} messages are due" if found.due else "nothing is due")
