"""The program with its guard off, for the negative control: no lock before the look, and no transaction around both.

A race test that passes against this proves nothing. The switch is here, in the test's own process, and not in the program.
"""

from __future__ import annotations

import time
from typing import Any

from app import create_app
from app.persistence import unit_of_work
from app.services import bookings, calendar

WINDOW_SECONDS = 0.02  # between look and write: a busy host's pause, so that the control does not depend on luck


def _no_lock(*_call: Any) -> None:
    """Lock nothing."""


def _no_transaction(*_call: Any) -> None:
    """Begin nothing: every statement is one of its own."""


def _linger(*call: Any, **named: Any) -> calendar.Place:
    place = _find_place(*call, **named)
    time.sleep(WINDOW_SECONDS)
    return place


application = create_app(warm=True)
_find_place = bookings.find_place
bookings.find_place = _linger
calendar.lock_resources = _no_lock
unit_of_work.tell_that_it_begins = _no_transaction
