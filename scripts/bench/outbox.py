"""Senders that are killed at random points: nothing is lost, nothing comes twice beyond the number of kills, no code is late.

    DATABASE_URL=... python -m scripts.bench.outbox FOLDER --messages 100000 --kills 200

The sink is a file of one line a message, appended in one write: what stands there has left, whatever becomes of the sender.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from sqlalchemy import bindparam, insert, select, update

from app.gateways.letters import Mail
from app.gateways.mail import Mailer
from app.persistence import outbox as stored
from app.persistence import session
from app.persistence.engine import make_engine
from app.persistence.outbox import LEASE_SECONDS
from app.persistence.tables import outbox
from app.runtime.settings import Settings, load
from app.services import letters, outbox_gateways
from app.services import outbox as use_cases

EVERY_CODE = 50  # one message in so many is a code that was over before anybody looked
SENDERS = 3
_OVER = timedelta(minutes=10)
_CHANCE = random.SystemRandom()


@dataclass(frozen=True)
class Figures:
    """What came of it: of ``owed`` messages ``lost`` never arrived, ``twice`` came once more than they should."""

    owed: int
    kills: int
    lost: int
    twice: int
    late_codes: int
    unfinished: int
    seconds: float


class Sink(Mailer):
    """Writes down whom a mail was for."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def send(self, mail: Mail) -> None:
        """Append one line."""
        os.write(self._file, f"{mail.to}\n".encode())


def queue(settings: Settings, number: int) -> None:
    """Fill the outbox with *number* messages, one in fifty a code that is over."""
    now = datetime.now(timezone.utc)
    session.configure(make_engine(settings.database_url))
    for first in range(0, number, 1000):
        rows = [_row(index, now) for index in range(first, min(first + 1000, number))]
        with session.transaction() as writing:
            writing.execute(insert(outbox), rows)
    session.remove()


def _row(index: int, now: datetime) -> dict[str, object]:
    is_code = index % EVERY_CODE == 0
    seconds = int((now - _OVER).timestamp())
    return {
        "topic": "code.sign_in" if is_code else "account.erased",
        "channel": "email",
        "sealed": f"m{index}@example.org",  # the sink opens nothing: that costs the same with and without kills
        "message_id": secrets.token_hex(16),
        "status": "queued",
        "priority": 0 if is_code else 5,
        "due": seconds,
        "expires": seconds + 300 if is_code else None,
        "attempts": 0,
        "last_error": "",
        "created_at": now - _OVER,
    }


def send(settings: Settings, sink: Path, *, ahead_seconds: int = 0) -> int:
    """Send until nothing is due, into the sink; the clock goes *ahead* so that the claims of the killed run out."""
    session.configure(make_engine(settings.database_url))
    vars(letters)["compose_mail"] = lambda _, message: Mail(message.sealed, "-", "-", message.message_id)
    vars(outbox_gateways)["make_mailer"] = lambda *_: Sink(sink)
    ahead = timedelta(seconds=ahead_seconds)
    sent = use_cases.drain(settings, clock=lambda: datetime.now(timezone.utc) + ahead, budget_seconds=3600)
    session.remove()
    return sent


def run(settings: Settings, folder: Path, *, number: int, kills: int, senders: int = SENDERS) -> Figures:
    """Fill the outbox, let *senders* send and kill one of them *kills* times, then let one finish what is left."""
    sink = folder / "sink"
    sink.touch()
    queue(settings, number)
    session.engine().dispose()  # before the fork
    began = time.monotonic()
    running = [_fork(settings, sink) for _ in range(senders)]
    size = sum(len(f"m{index}@example.org\n") for index in range(number) if index % EVERY_CODE)
    # At random, but all of them while there is something to send.
    for killed, mark in enumerate(sorted(_CHANCE.uniform(0.01, 0.97) * size for _ in range(kills))):
        while sink.stat().st_size < mark:
            time.sleep(0.001)
        os.kill(running[killed % senders], signal.SIGKILL)
        os.waitpid(running[killed % senders], 0)
        running[killed % senders] = _fork(settings, sink)
    ends = [os.waitpid(sender, 0)[1] for sender in running]
    seconds = time.monotonic() - began
    ends.append(os.waitpid(_fork(settings, sink, ahead_seconds=LEASE_SECONDS + 60), 0)[1])
    if any(ends):
        raise RuntimeError(f"a sender failed: {ends}")
    return _count(settings, sink, kills, seconds)


def _fork(settings: Settings, sink: Path, *, ahead_seconds: int = 0) -> int:
    """Start a sender, from a process that has loaded everything: a fresh one would be killed while it does."""
    sender = os.fork()
    if sender:
        return sender
    try:
        send(settings, sink, ahead_seconds=ahead_seconds)
    except BaseException:  # noqa: BLE001 - of a fork: it must not come back as its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def take_away_the_guard() -> None:
    """Let a claim succeed whoever has the message: what this measures must be seen to go wrong."""
    by_key = update(outbox).where(outbox.c.id == bindparam("row_id"))
    stored._CLAIM = by_key.values(claim=bindparam("claimant"), due=bindparam("lease_ends"))  # noqa: SLF001 - not in the product


def _count(settings: Settings, sink: Path, kills: int, seconds: float) -> Figures:
    arrived = Counter(sink.read_text().splitlines())
    with make_engine(settings.database_url).connect() as connection:
        rows = connection.execute(select(outbox.c.status, outbox.c.topic).order_by(outbox.c.id)).all()
    owed = {f"m{index}@example.org": row for index, row in enumerate(rows)}
    notices = [to for to, row in owed.items() if not row.topic.startswith("code.")]
    return Figures(
        owed=len(rows),
        kills=kills,
        lost=sum(to not in arrived for to in notices),
        twice=sum(arrived.values()) - len(arrived),
        late_codes=sum(to in arrived for to, row in owed.items() if row.topic.startswith("code.")),
        unfinished=sum(row.status == "queued" for row in rows),
        seconds=seconds,
    )


def main(arguments: Sequence[str]) -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", type=Path, help="Where the sink is written; DATABASE_URL is a migrated, empty database."
    )
    parser.add_argument("--messages", type=int, default=3_000)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--unguarded", action="store_true", help="Claim without a condition, to see that it matters.")
    chosen = parser.parse_args(arguments)
    if chosen.unguarded:
        take_away_the_guard()
    settings = replace(load(), mail_hourly_budget=0)
    figures = run(settings, chosen.folder, number=chosen.messages, kills=chosen.kills)
    sys.stdout.write(json.dumps(asdict(figures)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
