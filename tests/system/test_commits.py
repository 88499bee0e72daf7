"""COMMIT, and the moment in which nobody knows: cut or killed there, the same key settles what became of a booking."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, select

from app.persistence.engine import make_engine
from app.persistence.tables import booking_resources, bookings, occupancies
from tests.system import servers
from tests.system.halls import Hall, hall
from tests.system.histories import Attempt, History, Stored, check
from tests.system.racing import Answer
from tests.system.test_kills import KILL_ROUNDS
from tests.system.wire import Cut, Where, Wire, wire_to

pytestmark = pytest.mark.long

CUTS = 50
# Of every second kill after COMMIT was sent: by then it mostly stands, and without waiting it mostly does not.
MOST_LATE_SECONDS = 0.001
TRIES = 50


class Booth:
    """A server at the end of a wire, a service that it offers, and what its visitors were told."""

    def __init__(self, found: Hall, wire: Wire, engine: Engine) -> None:
        self.hall, self.wire, self.engine = found, wire, engine
        self.service, self.first = found.service([found.room()], minutes=30), found.day()
        self.history = History(f"booth{self.service}")

    def ask(self, slot: int, *, rival: bool = False) -> Answer | None:
        """Ask for a slot, as the one who wants it or as their rival."""
        wish, starts_at = 2 * slot + rival, self.first + timedelta(minutes=30) * slot
        return self.history.ask(self.hall, wish, self.history.shot(wish, self.service, starts_at))

    def settle(self, slot: int) -> Answer:
        """Ask again, with the same key, until there is an answer that stays."""
        for _ in range(TRIES):
            answer = self.ask(slot)
            if answer is not None and self.told(slot).is_final:
                return answer
            time.sleep(0.1)
        raise AssertionError(self.history.attempts[2 * slot])

    def told(self, slot: int) -> Attempt:
        return self.history.attempts[2 * slot][-1]

    def is_stored(self, slot: int) -> bool:
        return bool(self.history.stored(self.engine).get(2 * slot))


@pytest.fixture
def booth(mortal: servers.MariaDB, tmp_path: Path) -> Iterator[Booth]:
    engine = make_engine(mortal.url("slotkeeper"))
    with wire_to(mortal.socket_path) as wire, hall(wire.url("slotkeeper"), tmp_path, 1) as found:
        yield Booth(found, wire, engine)
        found.nobody_died()
    engine.dispose()


def is_replayed(answer: Answer | None) -> bool:
    assert answer is not None
    return answer.headers.get("Idempotency-Replayed") == "true"


def test_a_commit_that_is_cut_off_is_settled_by_the_same_key(booth: Booth) -> None:
    kinds: list[tuple[Where, bool]] = [("before", False), ("after", False), ("before", True), ("after", True)]
    for slot, (where, goes_dark) in zip(range(CUTS), cycle(kinds)):
        booth.wire.cut_next(Cut(where, goes_dark=goes_dark))
        answer = booth.ask(slot)
        assert booth.wire.cuts == slot + 1
        is_found = where == "after" and not goes_dark  # it looks for the answer of the key itself, where it can
        assert (booth.told(slot).outcome, is_found and is_replayed(answer)) == (
            ("acknowledged", True) if is_found else ("unknown", False)
        )
        servers.until(lambda: booth.is_stored(slot) is (where == "after"))  # noqa: B023 - asked in this round alone
        booth.wire.mend()
        rival = booth.ask(slot, rival=True) if slot % 3 == 0 else None
        assert rival is None or rival.status == (409 if where == "after" else 201)
        last = booth.settle(slot)
        assert last.status == (409 if rival is not None and rival.status == 201 else 201)
        assert is_replayed(last) is (where == "after")
    check(booth.history, booth.engine)
    assert booth.history.outcomes()["unknown"] >= CUTS * 3 // 4


def test_a_database_that_is_killed_in_commit_keeps_what_it_said_and_the_same_key_settles_the_rest(
    booth: Booth, mortal: servers.MariaDB
) -> None:
    def strike() -> None:
        if random.random() < 0.5:
            time.sleep(random.uniform(0, MOST_LATE_SECONDS))
        mortal.kill()

    places: list[Where] = ["before", "while", "while", "after"]
    stood = Counter[tuple[Where, bool]]()
    for slot, where in zip(range(KILL_ROUNDS), cycle(places)):
        booth.wire.cut_next(Cut(where, strike))
        booth.ask(slot)
        assert booth.wire.cuts == slot + 1
        assert booth.told(slot).outcome == "unknown"
        mortal.start()
        is_stored = booth.is_stored(slot)
        stood[where, is_stored] += 1
        assert where == "while" or is_stored is (where == "after")
        rival = booth.ask(slot, rival=True) if slot % 3 == 0 else None
        last = booth.settle(slot)
        assert rival is None or {rival.status, last.status} <= {201, 409, 503}
        assert not is_stored or is_replayed(last)
    print(dict(stood), dict(booth.history.outcomes()))  # noqa: T201 - figures for whoever asks with -s
    check(booth.history, booth.engine)


def test_the_history_of_a_booking_that_is_lost_is_found_out(booth: Booth) -> None:
    assert [booth.settle(slot).status for slot in (0, 1)] == [201, 201]
    check(booth.history, booth.engine)
    with booth.engine.connect() as connection:
        lost = connection.execute(select(bookings.c.id).where(bookings.c.ref == booth.told(1).word)).scalar_one()
        for table, column in ((occupancies, "booking_id"), (booking_resources, "booking_id"), (bookings, "id")):
            connection.execute(delete(table).where(table.c[column] == lost))
    with pytest.raises(AssertionError, match="wish 2 was acknowledged, and is lost"):
        check(booth.history, booth.engine)


ACKNOWLEDGED, OTHER = Attempt("acknowledged", "A"), Attempt("acknowledged", "B")
TAKEN, BUSY = Attempt("refused", "slot_taken"), Attempt("refused", "busy")
UNKNOWN = Attempt("unknown", "busy")


@pytest.mark.parametrize(
    ("attempts", "stored", "fault"),
    [
        ([ACKNOWLEDGED], {1: ["A"]}, ""),
        ([UNKNOWN, BUSY, ACKNOWLEDGED, UNKNOWN, ACKNOWLEDGED], {1: ["A"]}, ""),
        ([UNKNOWN, TAKEN], {}, ""),
        ([BUSY], {}, ""),
        ([ACKNOWLEDGED], {}, "is lost"),
        ([ACKNOWLEDGED], {1: ["A", "B"]}, "is stored as"),
        ([ACKNOWLEDGED], {1: ["B"]}, "is stored as"),
        ([ACKNOWLEDGED, OTHER], {1: ["A"]}, "as two"),
        ([ACKNOWLEDGED, TAKEN], {1: ["A"]}, "and then refused"),
        ([UNKNOWN, TAKEN], {1: ["A"]}, "was refused, and is stored"),
        ([BUSY], {1: ["A"]}, "was refused, and is stored"),
        ([UNKNOWN], {}, "is not settled"),
        ([UNKNOWN, BUSY], {1: ["A"]}, "is not settled"),
        ([ACKNOWLEDGED], {1: ["A"], 2: ["B"]}, "nobody asked"),
    ],
)  # fmt: skip
def test_a_history_that_is_not_so_is_found_out(attempts: list[Attempt], stored: Stored, fault: str) -> None:
    history = History("told")
    history.attempts[1] = attempts
    found = history.faults(stored)
    assert len(found) == bool(fault)
    assert fault in " ".join(found)
