"""``flask outbox``, as an operator and cron type it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import update

from app.cli import outbox as commands
from app.domain.accounts import Target
from app.persistence import session
from app.persistence.tables import outbox
from app.runtime.settings import Settings
from app.services import messages
from app.services.outbox_marks import MAX_ATTEMPTS
from tests.cli.conftest import Clock
from tests.services.door import ADA, NOW, Door

Shell = Callable[..., Result]
BOB = Target("sms", "+491701234567")


@pytest.fixture
def shell_app(app: Flask) -> Flask:
    """Return the whole program, with its settings, on a database of each kind."""
    return app


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock(NOW)
    monkeypatch.setattr(commands, "clock", stopped)
    return stopped


@pytest.fixture
def door(shell: Shell, clock: Clock, settings: Settings) -> Door:
    """Return who is owed something."""
    assert shell
    assert clock.now == NOW
    return Door(session.engine(), settings)


def _owe(
    door: Door, topic: str = "code.sign_in", target: Target = ADA, *, void: bool = False, minutes: int | None = None
) -> None:
    expires = None if minutes is None else int(NOW.timestamp()) + 60 * minutes
    with session.transaction() as writing:
        messages.owe(writing, door.settings, topic, target, now=NOW, expires=expires, void=void, code="271828")
    session.remove()


def _done(result: Result) -> str:
    assert result.exit_code == 0, result.stderr
    return result.stdout


def _rows(shell: Shell, *options: str) -> list[list[str]]:
    return [line.split(maxsplit=6) for line in _done(shell("outbox", "list", *options)).splitlines()[1:]]


def _sent(tmp_path: Path, folder: str) -> list[Path]:
    return sorted((tmp_path / folder).glob("*"))


def test_drain_sends_what_is_due_and_says_how_much(shell: Shell, door: Door, tmp_path: Path) -> None:
    _owe(door)
    _owe(door, "account.password_changed", BOB)
    assert _done(shell("outbox", "drain")) == "sent 2 messages\n"
    assert (len(_sent(tmp_path, "mail")), len(_sent(tmp_path, "sms"))) == (1, 1)
    assert _done(shell("outbox", "drain")) == "sent 0 messages\n"
    assert (len(_sent(tmp_path, "mail")), len(_sent(tmp_path, "sms"))) == (1, 1)


def test_drain_sends_no_code_that_is_too_old(shell: Shell, door: Door, clock: Clock, tmp_path: Path) -> None:
    _owe(door, minutes=5)
    clock.now = NOW + timedelta(minutes=5)
    assert _done(shell("outbox", "drain")) == "sent 0 messages\n"
    assert (_rows(shell)[0][3], _sent(tmp_path, "mail")) == ("expired", [])


def test_drain_has_the_time_that_it_is_given(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets = []

    def drain(*_: object, budget_seconds: float, **__: object) -> int:
        budgets.append(budget_seconds)
        return 1

    monkeypatch.setattr("app.services.outbox.drain", drain)
    assert _done(shell("outbox", "drain", "--seconds", "3")) == "sent 1 message\n"
    assert _done(shell("outbox", "drain")) == "sent 1 message\n"
    assert budgets == [3, 50]
    assert shell("outbox", "drain", "--seconds", "0").exit_code == 2


def test_a_message_that_does_not_leave_is_tried_again_and_given_up_in_the_end(
    shell: Shell, door: Door, clock: Clock, app: Flask
) -> None:
    app.extensions["settings"] = replace(door.settings, mail_url="smtp://127.0.0.1:1")  # nobody listens there
    _owe(door, "account.password_changed")
    for _ in range(MAX_ATTEMPTS):
        assert _done(shell("outbox", "drain")) == "sent 0 messages\n"
        clock.now += timedelta(days=1)
    (dead,) = json.loads(_done(shell("outbox", "list", "--status", "dead", "--json")))
    assert (dead["attempts"], dead["to"]) == (MAX_ATTEMPTS, "a***@example.org")
    assert dead["last_error"] == "the connection to the mail server failed: ConnectionRefusedError"
    assert _rows(shell, "--status", "queued") == []


def test_a_message_of_another_version_does_not_stop_those_behind_it(shell: Shell, door: Door) -> None:
    _owe(door)
    _owe(door)
    door.run(update(outbox).where(outbox.c.id == 1).values(topic="code.of_tomorrow"))
    assert _done(shell("outbox", "drain")) == "sent 1 message\n"
    behind, first = json.loads(_done(shell("outbox", "list", "--json")))
    assert (behind["status"], first["status"], first["attempts"]) == ("sent", "queued", 1)
    assert first["last_error"] == "this version of the program has no words for 'code.of_tomorrow'"


def test_the_list_shows_how_far_each_message_has_come_the_newest_first(shell: Shell, door: Door) -> None:
    _owe(door)
    _done(shell("outbox", "drain"))
    _owe(door, "account.exists", BOB)
    _owe(door, void=True)
    assert _done(shell("outbox", "list")).splitlines() == [
        "id  topic           channel  status  attempts  made                  due                   to        about  last error",
        "3   code.sign_in    email    void    0         2027-06-01T08:00:00Z",
        "2   account.exists  sms      queued  0         2027-06-01T08:00:00Z  2027-06-01T08:00:00Z  +49***67",
        "1   code.sign_in    email    sent    1         2027-06-01T08:00:00Z",
    ]
    document = json.loads(_done(shell("outbox", "list", "--json")))
    assert [(item["id"], item["due_at"]) for item in document] == [(3, None), (2, "2027-06-01T08:00:00Z"), (1, None)]


def test_the_list_can_be_narrowed_and_says_when_it_is_cut(shell: Shell, door: Door) -> None:
    for void in (False, True, False):
        _owe(door, void=void)
    assert [row[0] for row in _rows(shell, "--status", "queued")] == ["3", "1"]
    assert [row[0] for row in _rows(shell, "--status", "void")] == ["2"]
    assert _rows(shell, "--status", "sent") == []
    cut = shell("outbox", "list", "--limit", "2")
    assert (len(cut.stdout.splitlines()), cut.stderr) == (
        3,
        "there are more than these 2: raise --limit, or say --status\n",
    )
    assert shell("outbox", "list", "--limit", "3").stderr == ""
    assert shell("outbox", "list", "--status", "lost").exit_code == 2


def test_a_message_that_was_given_up_is_seen_mended_and_sent(
    shell: Shell, door: Door, app: Flask, tmp_path: Path
) -> None:
    app.extensions["settings"] = replace(door.settings, mail_url="smtp://127.0.0.1:1")
    _owe(door, "booking.cancelled")
    door.run(update(outbox).values(attempts=MAX_ATTEMPTS - 1))
    _done(shell("outbox", "drain"))
    app.extensions["settings"] = door.settings
    shown = _done(shell("outbox", "show", "1"))
    assert "dead" in shown
    assert shown.splitlines()[-1].split()[1] == "failed"
    said = _done(shell("outbox", "retry", "1", "--to", "eve@example.org"))
    assert said == "message 1 goes to e***@example.org with the next drain\n"
    assert _done(shell("outbox", "drain")) == "sent 1 message\n"
    (mail,) = _sent(tmp_path, "mail")
    assert "To: eve@example.org" in mail.read_text()
    assert _done(shell("outbox", "show", "1")).splitlines()[-2].split()[1] == "sent"


def test_a_message_that_is_called_off_is_never_sent(shell: Shell, door: Door, tmp_path: Path) -> None:
    _owe(door)
    assert _done(shell("outbox", "cancel", "1")) == "message 1 is never sent\n"
    assert _done(shell("outbox", "drain")) == "sent 0 messages\n"
    assert (_rows(shell)[0][3], _sent(tmp_path, "mail")) == ("void", [])
    for command in (("cancel", "1"), ("retry", "1"), ("show", "2")):
        refused = shell("outbox", *command)
        assert refused.exit_code == 1
        assert len(refused.stderr.splitlines()) == 1


def test_the_list_can_be_narrowed_to_what_a_message_tells_of(shell: Shell, door: Door) -> None:
    _owe(door, "booking.cancelled", BOB)
    _owe(door)
    door.run(update(outbox).where(outbox.c.id == 1).values(object="booking:2345678CFG"))
    narrowed = [("--channel", "sms"), ("--topic", "booking.cancelled"), ("--about", "booking:2345678CFG")]
    assert [[row[0] for row in _rows(shell, *option)] for option in narrowed] == [["1"], ["1"], ["1"]]


def test_nothing_tells_to_whom_a_message_goes_or_what_it_says(
    shell: Shell, door: Door, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _owe(door)
    _owe(door, target=BOB)
    app.extensions["settings"] = replace(door.settings, mail_url="smtp://127.0.0.1:1")
    said = [shell("outbox", *command).output for command in (("list",), ("drain",), ("list",), ("list", "--json"))]
    logged = [record.getMessage() + str(record.__dict__) for record in caplog.records]
    assert logged
    told = "\n".join([*said, *logged])
    assert [secret for secret in (ADA.address, BOB.address, "271828", "v1.") if secret in told] == []
