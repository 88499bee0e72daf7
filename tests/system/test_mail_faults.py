"""A mail server that is ill: bookings are made as ever, and whoever was owed a mail gets it, once, when the server is well."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select, update

from app.persistence.tables import outbox
from tests.gateways.loopback import Postbox, free_port
from tests.system import servers
from tests.system.halls import Hall, booking, hall

pytestmark = pytest.mark.long

PATIENCE_SECONDS = 5
ANSWERS = {"mail": "421 4.3.2 Too many connections", "rcpt": "450 4.2.0 Mailbox busy", "data": "451 4.3.0 Local error"}
_slots = count()


class Moody(Postbox):
    """A mail server with a ``mood``: well, or what is wrong with it; it can be stopped and started."""

    def __init__(self) -> None:
        super().__init__()
        self.mood = "well"
        self.known: set[str] = set()
        self.port = free_port()
        self._controller: Controller | None = None

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        controller, self._controller = self._controller, None
        if controller is not None:
            controller.stop()

    async def handle_MAIL(self, *call: Any) -> str:  # noqa: N802
        return ANSWERS["mail"] if self.mood == "mail" else await super().handle_MAIL(*call)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        is_stranger = address not in self.known
        self.known.add(address)
        if self.mood == "greylists" and is_stranger:
            return "450 4.7.1 Greylisted, come again"
        if self.mood in {"rcpt", "refuses"}:
            return ANSWERS["rcpt"] if self.mood == "rcpt" else "550 5.1.1 No such mailbox"
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        while self.mood == "hangs" and server.transport is not None:  # noqa: ASYNC110 - told by another thread
            await asyncio.sleep(0.01)
        if self.mood in {"closes", "data"}:
            if self.mood == "closes":
                server.transport.abort()
            return ANSWERS["data"]
        return await super().handle_DATA(server, session, envelope)

    def count(self, address: str) -> int:
        """Count the mails that came for somebody."""
        return sum(address in envelope.rcpt_tos for envelope in self.envelopes)


class Inn:
    """A server whose guests hear of their bookings by mail."""

    def __init__(self, found: Hall, box: Moody) -> None:
        self.hall, self.box = found, box
        self.service, self.first = found.service([found.room()], minutes=30), found.day()

    def book(self, address: str) -> str:
        """Return the reference of a booking: whatever becomes of the mail, it is made and acknowledged."""
        starts_at = self.first + timedelta(minutes=30) * next(_slots)
        shot = booking(self.service, starts_at, customer={"name": "Ada", "email": address})
        answer = self.hall.post(shot, PATIENCE_SECONDS)
        assert answer.status == 201, answer.document
        return str(answer.document["ref"])

    def mail(self, ref: str) -> tuple[str, int, bool, str]:
        """Return a booking's mail: its status, how often it was tried, whether somebody has it just now, and what was wrong."""
        is_mail = (outbox.c.channel == "email", outbox.c.object == f"booking:{ref}")
        with self.hall.engine.connect() as connection:
            row = connection.execute(select(outbox).where(*is_mail)).one_or_none()
        return (row.status, row.attempts, row.claim is not None, row.last_error) if row else ("not yet", 0, False, "")

    def pass_time(self) -> None:
        """Let every message that waits be due."""
        with self.hall.engine.connect() as connection:
            connection.execute(update(outbox).where(outbox.c.status == "queued").values(due=1))

    @contextmanager
    def ill(self, mood: str) -> Iterator[None]:
        self.box.mood = mood
        if mood == "down":
            self.box.stop()
        try:
            yield
        finally:
            self.box.mood = "well"
            if mood == "down":
                self.box.start()


@pytest.fixture(scope="module")
def inn(
    migrated_mariadb: object, mariadb_server: servers.MariaDB, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Inn]:
    assert migrated_mariadb
    box, folder = Moody(), tmp_path_factory.mktemp("inn")
    box.start()
    extra = {"MAIL_URL": f"smtp://127.0.0.1:{box.port}"}
    with hall(mariadb_server.url("slotkeeper"), folder, 1, extra_env=extra) as found:
        yield Inn(found, box)
        found.nobody_died()
    box.stop()


@pytest.mark.parametrize("mood", ["down", "mail", "rcpt", "data", "closes", "hangs", "greylists"])
def test_a_mail_that_a_server_does_not_take_now_comes_once_when_it_is_well(inn: Inn, mood: str) -> None:
    guest, other = f"{mood}@example.org", f"after-{mood}@example.org"
    inn.box.known.add(other)
    with inn.ill(mood):
        ref = inn.book(guest)
        servers.until(lambda: inn.mail(ref)[1] == 1)
        assert inn.hall.get("/api/v1/services", PATIENCE_SECONDS).status == 200
        servers.until(lambda: inn.mail(ref)[:3] == ("queued", 1, False))
        assert inn.mail(ref)[3]
        assert inn.box.count(guest) == 0
    inn.pass_time()
    inn.book(other)  # who answers this request sends both
    servers.until(lambda: inn.mail(ref)[:2] == ("sent", 2))
    servers.until(lambda: inn.box.count(other) == 1)
    assert inn.box.count(guest) == 1


def test_a_mail_that_is_refused_for_good_is_given_up_and_the_booking_stands(inn: Inn) -> None:
    with inn.ill("refuses"):
        ref = inn.book("nobody@example.org")
        servers.until(lambda: inn.mail(ref)[0] == "dead")
    assert "550" in inn.mail(ref)[3]
    inn.pass_time()
    inn.book("somebody@example.org")
    servers.until(lambda: inn.box.count("somebody@example.org") == 1)
    assert inn.box.count("nobody@example.org") == 0
