"""What the doctor says of messages: one line where all leaves, and what to do where it does not."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from app.persistence.outbox import add_message
from app.persistence.session import transaction
from app.services.doctor_outbox import examine
from tests.services.door import NOW, ON_SQLITE

pytestmark = ON_SQLITE


def put(*, minutes: int, **values: Any) -> None:
    """Let a message have been due for so long."""
    fixed = {"topic": "account.erased", "channel": "email", "priority": 5, "created_at": NOW}
    with transaction() as opened:
        add_message(opened, {**fixed, "due": int(NOW.timestamp()) - 60 * minutes, **values})


def found() -> list[tuple[str, str]]:
    return [(finding.level, finding.detail) for finding in examine(now=NOW)]


def test_an_outbox_from_which_everything_leaves_is_one_line(database: Engine) -> None:
    del database
    assert found() == [("OK", "nothing is due")]
    put(minutes=59)
    put(minutes=-60)
    assert found() == [("OK", "1 messages are due")]


def test_what_is_due_for_an_hour_is_told(database: Engine) -> None:
    del database
    put(minutes=200)
    put(minutes=1)
    assert found() == [("WARN", "2 messages are due, the oldest for 3 h")]


def test_what_was_given_up_is_told_with_what_to_do(database: Engine) -> None:
    del database
    put(minutes=1, status="dead")
    (finding,) = examine(now=NOW)
    assert (finding.level, finding.detail) == ("WARN", "1 messages were given up")
    assert "outbox retry" in finding.remedy
