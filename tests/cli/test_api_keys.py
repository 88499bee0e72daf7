"""``flask api-keys``, as an operator types it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from app.cli import api_keys as commands
from app.persistence import session
from app.persistence.api_keys import ApiKey
from app.runtime.settings import Settings
from app.services import api_keys
from tests.cli.conftest import Clock
from tests.services.door import NOW, Door

Shell = Callable[..., Result]


@pytest.fixture
def shell_app(app: Flask) -> Flask:
    """Return the whole program, on a database of each kind."""
    return app


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock(NOW)
    monkeypatch.setattr(commands, "clock", stopped)
    return stopped


@pytest.fixture
def hall(shell: Shell, clock: Clock) -> Shell:
    """Return a shell on the demo hall."""
    assert clock.now == NOW
    assert shell("demo", "load").exit_code == 0
    return shell


def _done(result: Result) -> str:
    assert result.exit_code == 0, result.stderr
    return result.stdout


def _refused(result: Result) -> str:
    """Return the one line that says why."""
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.output
    assert result.stderr.startswith("error: ")
    return result.stderr.removeprefix("error: ").rstrip("\n")


def _made(hall: Shell, *options: str, name: str = "website") -> dict[str, Any]:
    made: dict[str, Any] = json.loads(
        _done(hall("api-keys", "create", name, "--scope", "bookings:read", *options, "--json"))
    )
    return made


def _found(key: str, clock: Clock) -> ApiKey | None:
    found = api_keys.find(key, now=clock.now)
    session.remove()
    return found


def test_the_key_that_is_printed_opens_what_it_is_for(hall: Shell, clock: Clock) -> None:
    said = _done(
        hall("api-keys", "create", "website", "--scope", "bookings:write", "--scope", "bookings:read")
    ).splitlines()
    assert said[0] == "made key 1 for website: bookings:read, bookings:write"
    assert "not shown again" in said[2]
    found = _found(said[1], clock)
    assert found is not None
    assert (found.scopes, found.venue_id, found.expires_at) == (("bookings:read", "bookings:write"), None, None)
    assert found.created_by.startswith("operator:")


def test_a_key_may_be_for_one_venue(hall: Shell, clock: Clock) -> None:
    made = _made(hall, "--venue", "demo-hall")
    found = _found(made["key"], clock)
    assert found is not None
    assert (made["entry"]["venue_id"], found.venue_id) == (1, 1)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2027-07-01", datetime(2027, 7, 1, tzinfo=timezone.utc)),
        ("2027-07-01T02:00:00+02:00", datetime(2027, 7, 1, tzinfo=timezone.utc)),
        ("2027-07-01T00:00:00Z", datetime(2027, 7, 1, tzinfo=timezone.utc)),
    ],
)
def test_a_key_opens_nothing_from_its_end_on(hall: Shell, clock: Clock, text: str, end: datetime) -> None:
    key = _made(hall, "--expires", text)["key"]
    clock.now = end - timedelta(seconds=1)
    assert _found(key, clock) is not None
    assert "  good  " in _done(hall("api-keys", "list"))
    clock.now = end
    assert _found(key, clock) is None
    assert "  over  " in _done(hall("api-keys", "list"))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--expires", "soon"), "--expires: 'soon' is no time"),
        (("--expires", "2027-02-30"), "--expires: '2027-02-30' is no time"),
        (("--expires", "2027-07-01T09:00:00"), "--expires: '2027-07-01T09:00:00' is no time"),
        (("--expires", "9999-12-31T23:59:59-01:00"), "--expires: "),
        (("--expires", "2027-06-01"), "expires_at: The key would be over already."),
        (("--venue", "barn"), "There is no venue barn"),
        (("--venue", "demo-hall", "--scope", "users:read"), "scopes: "),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_leaves_nothing(
    hall: Shell, settings: Settings, options: tuple[str, ...], reason: str
) -> None:
    assert _refused(hall("api-keys", "create", "website", "--scope", "bookings:read", *options)).startswith(reason)
    assert Door(session.engine(), settings).rows("api_keys") == []


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "x" * 101])
def test_a_name_that_cannot_be_kept_is_refused(hall: Shell, name: str) -> None:
    assert _refused(hall("api-keys", "create", name, "--scope", "bookings:read")).startswith("name: ")


@pytest.mark.parametrize("scopes", [(), ("--scope", "bookings:all")])
def test_a_key_needs_a_scope_that_there_is(hall: Shell, scopes: tuple[str, ...]) -> None:
    result = hall("api-keys", "create", "website", *scopes)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "bookings:read" in result.stderr


def test_the_list_shows_every_key_without_the_key(hall: Shell, clock: Clock) -> None:
    whole, venues = _made(hall), _made(hall, "--venue", "demo-hall", "--expires", "2027-07-01", name="Tür")
    assert _found(venues["key"], clock) is not None
    _done(hall("api-keys", "revoke", "1"))
    said = _done(hall("api-keys", "list"))
    assert said.splitlines() == [
        "id  prefix      state    name     scopes         venue      expires               used",
        f"1   {whole['key'][:10]}  revoked  website  bookings:read  (all)      never                 never",
        f"2   {venues['key'][:10]}  good     Tür      bookings:read  demo-hall  2027-07-01T00:00:00Z  2027-06-01T08:00:00Z",
    ]
    document = json.loads(_done(hall("api-keys", "list", "--json")))
    assert [(key["id"], key["state"]) for key in document] == [(1, "revoked"), (2, "good")]
    assert "key_hash" not in document[0]


def test_a_revoked_key_opens_nothing_any_more(hall: Shell, clock: Clock) -> None:
    key, other = _made(hall)["key"], _made(hall)["key"]
    assert _done(hall("api-keys", "revoke", "1")) == "revoked key 1\n"
    assert _found(key, clock) is None
    assert _found(other, clock) is not None
    assert _refused(hall("api-keys", "revoke", "1")) == "There is no such key, or it was revoked before."
    assert _refused(hall("api-keys", "revoke", "77")) == "There is no such key, or it was revoked before."
    assert hall("api-keys", "revoke", "website").exit_code == 2


def test_the_key_is_in_no_log_and_its_changes_are_audited(
    hall: Shell, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = _made(hall)["key"]
    _done(hall("api-keys", "revoke", "1"))
    door = Door(session.engine(), settings)
    rows = [row for row in door.rows("audit_log") if row.object == "api_key:1"]
    assert [(row.action, row.actor.partition(":")[0]) for row in rows] == [
        ("api_key.created", "operator"),
        ("api_key.revoked", "operator"),
    ]
    kept = [str(row) for name in ("audit_log", "api_keys") for row in door.rows(name)]
    logged = [record.getMessage() + str(record.__dict__) for record in caplog.records]
    assert key not in "\n".join([*kept, *logged])
