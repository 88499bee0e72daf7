"""Send what is owed: claimed row by row, so that any number of senders may work at once; at least once, and no dead code."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime

from app.runtime.settings import Settings
from app.services.outbox_round import Round

BATCH = 20


def drain(settings: Settings, *, clock: Callable[[], datetime], budget_seconds: float) -> int:
    """Send what is due, the most urgent first, until nothing is or the time is up; return how many left.

    What happened to bookings becomes messages on the way, and those are sent in the same time.
    """
    deadline, sent = time.monotonic() + budget_seconds, 0
    with closing(Round(settings, clock, deadline)) as senders_round:
        while time.monotonic() < deadline and (due := senders_round.list_due(BATCH)):
            for row in due:
                if time.monotonic() >= deadline:
                    break
                sent += senders_round.take(row)
            if len(due) < BATCH and all(row.channel != "event" for row in due):
                break  # that was all, and nothing came of it that is due now
    return sent
