"""Never lost: senders are killed at random, servers of mail are slow, and each message arrives, hardly ever twice."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.gateways.loopback import Postbox, mail_server
from tests.system import servers
from tests.system.halls import booking, hall

# 100000/200, for before a release, takes five minutes.
MESSAGES, KILLS = map(int, os.environ.get("OUTBOX_KILLS", "3000/25").split("/"))


def figures(url: str, folder: Path, *options: str, number: int = MESSAGES, kills: int = KILLS) -> dict[str, Any]:
    """Return what comes of so many messages and kills."""
    environ = {**os.environ, "DATABASE_URL": url, "INSTANCE_DIR": str(folder / "instance"), "ENVIRONMENT": "test"}
    command = [sys.executable, "-m", "scripts.bench.outbox", str(folder), "--messages", str(number)]
    command += ["--kills", str(kills), *options]
    done = subprocess.run(command, env=environ, cwd=servers.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_senders_that_are_killed_lose_nothing_and_send_hardly_anything_twice(mariadb_url: str, tmp_path: Path) -> None:
    found = figures(mariadb_url, tmp_path)
    assert (found["owed"], found["kills"]) == (MESSAGES, KILLS)
    assert (found["lost"], found["unfinished"], found["late_codes"]) == (0, 0, 0), found
    assert found["twice"] <= KILLS, found


def test_on_sqlite_too(sqlite_url: str, tmp_path: Path) -> None:
    found = figures(sqlite_url, tmp_path, number=600, kills=10)
    assert (found["lost"], found["unfinished"], found["late_codes"]) == (0, 0, 0), found
    assert found["twice"] <= 10, found


def test_without_the_guard_of_a_claim_far_more_would_come_twice(mariadb_url: str, tmp_path: Path) -> None:
    found = figures(mariadb_url, tmp_path, "--unguarded", number=600, kills=5)
    assert found["twice"] > 5, found


class SlowPostbox(Postbox):
    """A mail server that takes nothing until the visitor has an answer: whoever asked it before would wait in vain."""

    def __init__(self) -> None:
        super().__init__()
        self.has_answered = threading.Event()

    async def handle_MAIL(self, *call: Any) -> str:  # noqa: N802
        for _ in range(400):  # as long as the sender waits for an answer, and not a second longer
            if self.has_answered.is_set():
                return await super().handle_MAIL(*call)
            await asyncio.sleep(0.01)
        return "451 nobody has an answer yet"


def test_a_visitor_has_an_answer_before_the_mail_server_is_asked_and_the_mail_soon_after(
    database_url: str, tmp_path: Path
) -> None:
    box = SlowPostbox()
    with (
        mail_server(box) as port,
        hall(database_url, tmp_path, 1, extra_env={"MAIL_URL": f"smtp://127.0.0.1:{port}"}) as found,
    ):
        service = found.service([found.room()], minutes=30)
        answer = found.post(booking(service, found.day() + timedelta(hours=10)))
        box.has_answered.set()
        assert answer.status == 201
        servers.until(lambda: bool(box.envelopes))
        found.nobody_died()
    assert box.envelopes[0].rcpt_tos == ["ada@example.org"]
