"""A crowd that books and looks without a pause and never asks twice, and notes what was not answered as it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.client import HTTPException
from threading import Event, Lock, Thread

from sqlalchemy import Engine, select

from app.persistence.tables import bookings
from tests.system import servers
from tests.system.fronting import Visitor
from tests.system.halls import Hall, booking

LINGERS = "/api/linger/20"  # is under way whenever a worker ends
_ASKED = (LINGERS, "/api/v1/venues", "/readyz")
_ROOM = 5000  # for all who come at the same time


class Crowd:
    """Visitors with a connection each: half of them keep it as long as they may, half take a new one each time."""

    def __init__(self, hall: Hall, arrive: Callable[[], Visitor], *, visitors: int = 6) -> None:
        self._arrive = arrive
        self._shot = booking(hall.service([hall.room(_ROOM)]), hall.day() + timedelta(hours=10))
        self._over, self._lock = Event(), Lock()
        self._threads = [
            Thread(target=self._walk, kwargs={"is_keeping": number % 2 == 0}) for number in range(visitors)
        ]
        self.answered = 0
        self.unanswered: list[str] = []
        self.refs: list[str] = []

    @contextmanager
    def about(self) -> Iterator[None]:
        """Have them at work for the block; all have their last answer when it is left."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join()

    def goes_on(self, number: int = 30) -> None:
        """Return when so many more were answered."""
        enough = self.answered + number
        servers.until(lambda: self.answered >= enough)

    def _walk(self, *, is_keeping: bool) -> None:
        visitor = self._arrive()
        while not self._over.is_set():
            for path in ("", *_ASKED):
                self._ask(visitor, path)
                if not is_keeping:
                    visitor.leave()
        visitor.leave()

    def _ask(self, visitor: Visitor, path: str) -> None:
        try:
            reply = visitor.get(path) if path else visitor.send(self._shot.path, self._shot.body)
        except (OSError, HTTPException) as error:
            self._note(f"{path or 'booking'}: {error!r}")
            return
        if reply.status != (200 if path else 201):
            self._note(f"{path or 'booking'}: {reply.status} {reply.data[:200]!r}")
            return
        with self._lock:
            self.answered += 1
            if not path:
                self.refs.append(str(reply.document["ref"]))

    def _note(self, failure: str) -> None:
        with self._lock:
            self.unanswered.append(f"{datetime.now().time()} {failure}")  # noqa: DTZ005 - for whoever reads it beside the logs


def missing(engine: Engine, refs: list[str]) -> set[str]:
    """Return the bookings that were acknowledged and are not there."""
    with engine.connect() as connection:
        return set(refs) - set(connection.execute(select(bookings.c.ref)).scalars())
