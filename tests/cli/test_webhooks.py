"""``flask webhooks``, as an operator types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from standardwebhooks import Webhook as Library

from app.cli import outbox as outbox_commands
from app.cli import webhooks as commands
from app.runtime.settings import Settings
from tests.cli.conftest import Clock
from tests.gateways.receivers import LOOPBACK, Receiver, answering, running

Shell = Callable[..., Result]
URL = "https://hooks.example.org/slotkeeper"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The same, where webhooks may reach this machine."""
    return replace(settings, webhook_allowed_networks=LOOPBACK)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url  # the use cases are tested on both


@pytest.fixture
def shell_app(app: Flask) -> Flask:
    """Return the whole program."""
    return app


@pytest.fixture
def hall(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a shell on the demo hall, whose clock stands still."""
    now = datetime.now(timezone.utc).replace(
        microsecond=0
    )  # by the reference library's clock a message is old in 5 minutes
    for module in (commands, outbox_commands):
        monkeypatch.setattr(module, "clock", Clock(now))
    assert shell("demo", "load").exit_code == 0
    return shell


def done(result: Result) -> str:
    assert result.exit_code == 0, result.stderr
    return result.stdout


def refused(result: Result) -> str:
    """Return the one line that says why."""
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.output
    return result.stderr.removeprefix("error: ").rstrip("\n")


def made(hall: Shell, url: str = URL, *options: str) -> dict[str, Any]:
    given = options or ("--event", "booking.made")
    found: dict[str, Any] = json.loads(done(hall("webhooks", "add", url, *given, "--json")))
    return found


def test_a_webhook_is_added_with_its_secret_told_once(hall: Shell) -> None:
    printed = done(hall("webhooks", "add", URL, "--event", "booking.made", "--description", "the till"))
    first, secret, last = printed.splitlines()
    assert first == f"added webhook 1 to {URL}"
    assert secret.startswith("whsec_")
    assert "not shown again" in last
    for command in (("list",), ("list", "--json"), ("show", "1"), ("show", "1", "--json")):
        shown = done(hall("webhooks", *command))
        assert URL in shown
        assert secret not in shown
    assert "on" in done(hall("webhooks", "list")).splitlines()[1].split()


def test_another_secret_is_told_once_too(hall: Shell) -> None:
    before = made(hall)["secret"]
    after = json.loads(done(hall("webhooks", "rotate", "1", "--json")))["secret"]
    assert after.startswith("whsec_")
    assert after != before
    assert "whsec_" in done(hall("webhooks", "rotate", "1"))


def test_a_webhook_of_a_venue_is_added_by_its_name(hall: Shell) -> None:
    assert made(hall, URL, "--event", "booking.made", "--venue", "demo-hall")["webhook"]["venue_id"] == 1
    assert "demo-hall" in done(hall("webhooks", "list"))
    assert "no venue" in refused(hall("webhooks", "add", URL, "--event", "booking.made", "--venue", "elsewhere"))


def test_a_message_is_tested_sent_listed_and_sent_again(hall: Shell) -> None:
    receiver = Receiver()
    with running(receiver) as port:
        secret = made(hall, f"http://127.0.0.1:{port}/hook")["secret"]
        assert "queued message" in done(hall("webhooks", "test", "1"))
        assert done(hall("outbox", "drain")).startswith("sent 1")
        (delivery,) = json.loads(done(hall("webhooks", "deliveries", "1", "--json")))
        assert (delivery["status"], delivery["event"]) == ("sent", "webhook.test")
        assert "webhook.test" in done(hall("webhooks", "deliveries", "1"))
        assert "again" in done(hall("webhooks", "replay", "1", str(delivery["id"])))
        assert "on its way" in refused(hall("webhooks", "replay", "1", str(delivery["id"])))
        assert done(hall("outbox", "drain")).startswith("sent 1")
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery["message_id"]
    for received in (first, second):
        Library(secret).verify(received.body, received.headers)


def test_the_list_tells_which_fail_and_which_are_off(hall: Shell) -> None:
    receiver = Receiver(answering("500 Oh"))
    with running(receiver) as port:
        made(hall, f"http://127.0.0.1:{port}/hook")
        done(hall("webhooks", "test", "1"))
        done(hall("outbox", "drain"))
        assert "failing since" in done(hall("webhooks", "list"))
        assert "the server answered 500" in done(hall("webhooks", "list"))
        receiver.answer = answering("410 Gone")
        done(hall("webhooks", "test", "1"))
        done(hall("outbox", "drain"))
    assert " off " in done(hall("webhooks", "list"))
    assert "switched off" in refused(hall("webhooks", "test", "1"))


def test_a_webhook_is_removed(hall: Shell) -> None:
    made(hall)
    assert done(hall("webhooks", "remove", "1")) == "removed webhook 1\n"
    assert refused(hall("webhooks", "remove", "1")) == "There is no such webhook."
    assert refused(hall("webhooks", "show", "1")) == "There is no such webhook."
    assert refused(hall("webhooks", "deliveries", "1")) == "There is no such webhook."


@pytest.mark.parametrize("url", ["http://hooks.example.org/", "https://192.168.1.1/", "hooks.example.org"])
def test_an_address_that_cannot_be_used_is_refused_in_a_line(
    hall: Shell, url: str, app: Flask, settings: Settings
) -> None:
    app.extensions["settings"] = replace(settings, webhook_allowed_networks=())
    assert "The address" in refused(hall("webhooks", "add", url, "--event", "booking.made"))
