"""SQLite, killed or refused in a chosen call to the kernel: a booking is there whole or not at all, and its key settles which."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.persistence.engine import make_engine
from app.persistence.tables import audit_log, booking_resources, bookings, idempotency_keys, occupancies, outbox
from tests.conftest import IS_CI
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue
from tests.system import clerk
from tests.system.histories import Attempt, History, Outcome, check
from tests.system.test_faults import sqlite_file
from tests.system.test_kills import KILL_ROUNDS

pytestmark = pytest.mark.long

WISHES = 3  # of one child: the log is written back in between, and taken away at the end
SELDOM, OFTEN = 1000, 10  # pages until the log is written back: as it is, and so that every booking does it
INSTALL = "apt-get install strace"
OUTCOMES: dict[str, Outcome] = {
    "booked": "acknowledged", "replayed": "acknowledged", "refused": "refused", "unknown": "unknown"
}  # fmt: skip
# Every so manieth call of each kind is struck; a KILL_ROUNDS=50 takes most of them.
IS_LONG = KILL_ROUNDS >= 50
STRIDES = {"pwrite64": 4 if IS_LONG else 50, "fdatasync": 1 if IS_LONG else 2, "ftruncate": 1, "unlink": 1}


class Office:
    """A clerk, the file that he books in, and what he says of it."""

    def __init__(self, file: Path, pages: int) -> None:
        self.file, self.engine, self.history = file, make_engine(f"sqlite:///{file}"), History("clerk")
        self.stood = Counter[bool]()  # whether a booking was there of which nobody was told
        venue = make_venue(self.engine, timezone="UTC")
        room = make_resource(self.engine, venue, daily_hours=AROUND_THE_CLOCK)
        service = make_service(self.engine, venue, [[room]], minutes=30)
        first = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
        self.engine.dispose()  # the clerk is alone with the file: who closes it last clears up
        self.clerk = subprocess.Popen(
            [sys.executable, clerk.__file__, str(file), str(service), first.isoformat(), str(pages)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip

    def book(self, first: int, under: str = "") -> int:
        """Let a child book three wishes and return how it ended; *under* is what strace is to do to it."""
        self._tell(f"book {first} {WISHES}")
        pid = self._hear().removeprefix("pid ")
        tracer = traced(pid, under) if under else None
        self._tell("go")
        end = self._listen()
        if tracer is not None:
            tracer.communicate()
        return end

    def close(self) -> None:
        self.clerk.communicate()
        self.engine.dispose()

    def _listen(self) -> int:
        """Note down what the child says, and return how it ended."""
        asked: int | None = None
        while (words := self._hear().split())[0] != "ended":
            if words[0] == "asked":
                asked = int(words[1])
                continue
            outcome = Attempt(OUTCOMES[words[0]], words[2])
            self.history.attempts[int(words[1])].append(outcome)
            asked = None
        if asked is not None:
            self.history.attempts[asked].append(Attempt("unknown", "killed"))
        return int(words[1])

    def _tell(self, line: str) -> None:
        assert self.clerk.stdin
        self.clerk.stdin.write(f"{line}\n")

    def _hear(self) -> str:
        assert self.clerk.stdout
        line = self.clerk.stdout.readline()
        assert line, "the clerk is gone"
        return line.strip()


def traced(pid: str, what: str) -> subprocess.Popen[str]:
    """Return a tracer that has a process in hand."""
    program = shutil.which("strace")
    if program is None:
        (pytest.fail if IS_CI else pytest.skip)(f"there is no strace here: {INSTALL}")
    command = [
        program,
        "-f",
        "-p",
        pid,
        "-o",
        "/dev/null",
        "-e",
        f"trace={what.partition(':')[0]}",
        "-e",
        f"inject={what}",
    ]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr
    if "attached" not in (said := tracer.stderr.readline()):
        tracer.communicate()
        pytest.skip(f"no process may be traced here: {said.strip()}")
    return tracer


@pytest.fixture
def office(sqlite_url: str, request: pytest.FixtureRequest) -> Iterator[Office]:
    found = Office(sqlite_file(sqlite_url), request.param)
    yield found
    found.close()


def look(office: Office) -> None:
    """Fail unless the file is sound and holds whole bookings alone."""
    with closing(sqlite3.connect(office.file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    tables = (bookings, booking_resources, occupancies, audit_log, outbox, idempotency_keys)
    with office.engine.connect() as connection:
        counts = {connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}
    assert len(counts) == 1, counts
    stored = office.history.stored(office.engine)
    office.engine.dispose()
    for wish, (first, *later) in office.history.attempts.items():
        if first.outcome == "acknowledged":
            assert stored[wish] == [first.word]
        elif not later:
            office.stood[bool(stored[wish])] += 1


@pytest.mark.parametrize("office", [SELDOM, OFTEN], indirect=True, ids=["log kept", "log written back"])
def test_a_booking_that_is_killed_in_the_kernel_is_whole_or_absent(office: Office) -> None:
    wishes, kills = count(0, WISHES), Counter[str]()
    for call, stride in STRIDES.items():
        for number in count(1, stride):
            first = next(wishes)
            if office.book(first, f"{call}:signal=KILL:when={number}") == 0:
                break  # it makes no more calls than that
            kills[call] += 1
            look(office)
            assert office.book(first) == 0
            check(office.history, office.engine)
            office.engine.dispose()
    print(dict(kills), dict(office.history.outcomes()), office.stood)  # noqa: T201 - figures for whoever asks with -s
    assert min(kills[call] for call in STRIDES) >= 2
    assert min(office.stood[True], office.stood[False]) > 0  # it was struck before COMMIT was done, and after
    assert office.history.outcomes()["refused"] == 0


@pytest.mark.parametrize(
    ("error", "numbers"),
    [
        ("pwrite64:error=ENOSPC:when={}+", range(1, 302, 150)),  # a disk that is full stays so
        ("pwrite64:error=EIO:when={}", range(1, 302, 60)),
        ("fdatasync:error=EIO:when={}", range(1, 14, 2)),
    ],
    ids=["full", "broken in a write", "broken in a sync"],
)
@pytest.mark.parametrize("office", [OFTEN], indirect=True, ids=[""])
def test_what_is_told_of_a_disk_that_fails_is_so(office: Office, error: str, numbers: range) -> None:
    for first, number in zip(count(0, WISHES), numbers):
        office.book(first, error.format(number))
        look(office)
        assert office.book(first) == 0
        check(office.history, office.engine)
        office.engine.dispose()
    outcomes = office.history.outcomes()
    assert outcomes["refused"] + outcomes["unknown"] > 0
