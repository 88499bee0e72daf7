"""Never lost: workers and database servers are killed under load, and what was acknowledged is there, once."""

from __future__ import annotations

import os
import random
import signal
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from http.client import HTTPException
from itertools import count
from pathlib import Path
from threading import Event, Lock, Thread

from sqlalchemy import select

from app.persistence.tables import bookings, idempotency_keys, occupancies
from tests.system import servers
from tests.system.halls import Hall, booking, hall, overbooked
from tests.system.racing import Answer, Shot

# A dozen of each takes 25 s, which a run of everything can bear; KILL_ROUNDS=50, for before a release, takes 70.
KILL_ROUNDS = int(os.environ.get("KILL_ROUNDS", "12"))
CLIENTS = 6
RIVALS = 2  # wishes for each slot
CALM_SECONDS = (0.05, 0.6)  # between two kills: a booking takes about 20 ms
HURRY_SECONDS = 0.2  # before a client asks again
LEAVING = 5  # one wish in so many does not wait for its first answer, as few kills fall between COMMIT and answer
PATIENCE_SECONDS = 10  # for one answer
SETTLE_SECONDS = 60


class Clients:
    """Visitors who book one slot after another; each asks again with the same key until it knows the outcome."""

    def __init__(self, found: Hall) -> None:
        self.hall = found
        self.service = found.service([found.room()], minutes=30)
        self.first = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
        self.outcomes: dict[int, list[Answer | None]] = {}  # None: nothing came
        self.faults: list[BaseException] = []
        self._numbers, self._lock, self._over = count(), Lock(), Event()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Book during the block; afterwards every wish is settled."""
        threads = [Thread(target=self._work) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
        assert self.faults == []

    def _work(self) -> None:
        try:
            while not self._over.is_set():
                with self._lock:
                    number = next(self._numbers)
                self._settle(number)
        except BaseException as error:  # noqa: BLE001 - told to the test, which fails with it
            self.faults.append(error)

    def _settle(self, number: int) -> None:
        answers = self.outcomes[number] = []
        if number % LEAVING == 0:
            self._ask_and_leave(number)
        deadline = time.monotonic() + SETTLE_SECONDS
        while not answers or answers[-1] is None or answers[-1].status == 503:
            assert time.monotonic() < deadline, f"wish {number} is not settled: {answers[-3:]}"
            if answers:
                time.sleep(HURRY_SECONDS)
            answers.append(self._ask(number))
        assert answers[-1].status in {201, 409}, answers[-1]

    def _ask_and_leave(self, number: int) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.hall.server.port)) as visitor:
            visitor.sendall(self._shot(number).encode("127.0.0.1"))
            time.sleep(random.uniform(0, HURRY_SECONDS))

    def _ask(self, number: int) -> Answer | None:
        try:
            return self.hall.post(self._shot(number), PATIENCE_SECONDS)
        except (OSError, HTTPException):
            return None

    def _shot(self, number: int) -> Shot:
        start = self.first + timedelta(minutes=30) * (number // RIVALS)
        return booking(self.service, start, ("Idempotency-Key", f"wish-{number}"))

    def settled(self) -> dict[int, Answer]:
        """Return the last answer to each wish."""
        return {number: answers[-1] for number, answers in self.outcomes.items() if answers and answers[-1]}

    def asked_again(self) -> int:
        """Return how many wishes needed more than one try."""
        return sum(len(answers) > 1 for answers in self.outcomes.values())


def check(clients: Clients) -> None:
    """Compare what was acknowledged with what is stored."""
    settled, engine = clients.settled(), clients.hall.engine
    won = {number: str(answer.document["ref"]) for number, answer in settled.items() if answer.status == 201}
    with engine.connect() as connection:
        stored = connection.execute(select(bookings.c.ref)).scalars().all()
        taken = connection.execute(select(occupancies.c.booking_id)).scalars().all()
        keys = connection.execute(select(idempotency_keys.c.key_hash)).scalars().all()
    assert sorted(stored) == sorted(won.values())  # nothing lost, nothing twice, nothing that nobody was told of
    assert len(set(taken)) == len(taken) == len(keys) == len(stored)
    assert overbooked(engine) == []
    # A slot with both its rivals settled has a winner: nobody was refused for a booking that then vanished.
    rivals = Counter(number // RIVALS for number in settled)
    assert {slot for slot, many in rivals.items() if many == RIVALS} <= {number // RIVALS for number in won}


def rounds(kill: Callable[[], None]) -> None:
    for _ in range(KILL_ROUNDS):
        time.sleep(random.uniform(*CALM_SECONDS))
        kill()


def kill_workers(server: servers.Gunicorn) -> None:
    """Kill one of the workers, or both, and wait until others stand in their place."""
    victims = random.choice([server.worker_pids(), server.worker_pids()[:1], server.worker_pids()[1:]])
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    servers.until(lambda: len(pids := server.worker_pids()) == 2 and not set(pids) & set(victims))


def test_workers_are_killed_and_no_booking_is_lost_or_doubled(database_url: str, tmp_path: Path) -> None:
    with hall(database_url, tmp_path, 2) as found:
        clients = Clients(found)
        with clients.at_work():
            rounds(lambda: kill_workers(found.server))
        check(clients)
        assert clients.asked_again() > 0  # or no kill hit a request
    if database_url.startswith("sqlite"):
        with sqlite3.connect(database_url.removeprefix("sqlite:///")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()


def test_the_database_is_killed_and_no_booking_is_lost_or_doubled(mortal: servers.MariaDB, tmp_path: Path) -> None:
    def kill() -> None:
        mortal.kill()
        mortal.start()

    with hall(mortal.url("slotkeeper"), tmp_path, 2) as found:
        clients = Clients(found)
        with clients.at_work():
            rounds(kill)
        check(clients)
        assert clients.asked_again() > 0
        found.nobody_died()
