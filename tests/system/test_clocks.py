"""A clock that jumps under a running server: nothing opens that was over, nothing is lost or twice, nothing waits for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.persistence.tables import bookings, occupancies, outbox
from tests.system import servers
from tests.system.clocks import Clock
from tests.system.halls import Hall, booking, hall, hold
from tests.system.places import KINDS, database_of
from tests.system.racing import Answer, Shot
from tests.system.test_account_races import Town, cookie_of, environment, verify

pytestmark = pytest.mark.long

CRON_SECRET = "w8Jm2Xc5Tb9Vr4Ks7Nq3Zd6Hf1Lp0GyA"
_slots = count()


class Village(Town):
    """A town with a clock, and a room that is let for half an hour at a time."""

    def __init__(self, found: Hall, url: str, folder: Path, clock: Clock) -> None:
        super().__init__(found, url, folder)
        self.clock = clock
        self.service = found.service([found.room()], minutes=30)
        self.first = found.day() + timedelta(days=200)  # still to come for a clock that is months ahead

    def slot(self) -> Shot:
        """Return a booking of a time that nobody has asked for."""
        return booking(self.service, self.first + timedelta(minutes=30) * next(_slots))

    def cron(self) -> None:
        answer = self.hall.post(Shot("/cron", {}, (("X-Cron-Secret", CRON_SECRET),)))
        assert answer.status == 200, answer.document
        assert [duty for duty in answer.document["duties"] if duty["state"] != "done"] == []

    def who(self, cookie: str) -> object:
        """Return who is signed in by a cookie."""
        answer = self.hall._ask("GET", "/api/v1/auth/session", 30, None, {"Cookie": cookie})
        return answer.document["user"]

    def member(self) -> str:
        """Return the cookie of somebody who has just signed in."""
        answer = self.hall.post(verify(*self.asked()))
        assert answer.status == 200, answer.document
        return cookie_of(answer)


@pytest.fixture(scope="module", params=KINDS)
def village(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    folder, url = tmp_path_factory.mktemp("village"), database_of(request, tmp_path_factory)
    clock = Clock(folder)
    extra = {**environment(folder), **clock.environment, "CRON_SECRET": CRON_SECRET}
    with hall(url, folder, 2, (), extra) as found:
        yield Village(found, url, folder, clock)
        found.nobody_died()


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.document["code"]


def with_key(shot: Shot, key: str) -> Shot:
    return Shot(shot.path, shot.body, (("Idempotency-Key", key),))


def test_a_code_that_was_over_stays_so_when_the_clock_goes_back(village: Village) -> None:
    asked = village.asked()
    with village.clock.moved(minutes=6):
        assert refused(village.hall.post(verify(*asked))) == (401, "invalid_credentials")
    assert refused(village.hall.post(verify(*asked))) == (401, "invalid_credentials")


def test_a_code_of_a_clock_that_was_ahead_opens_nothing(village: Village) -> None:
    with village.clock.moved(days=1):
        asked = village.asked()
    assert refused(village.hall.post(verify(*asked))) == (401, "invalid_credentials")


def test_sessions_are_closed_while_the_clock_is_wrong(village: Village) -> None:
    cookie = village.member()
    assert village.who(cookie)
    for wrong in ({"hours": 13}, {"days": 31}, {"hours": -1}):
        with village.clock.moved(**wrong):
            assert village.who(cookie) is None, wrong
    assert village.who(cookie)  # it is not over by the true time; what is over by it is deleted by cron
    with village.clock.moved(days=31):
        village.cron()
    assert village.who(cookie) is None


def test_a_session_of_a_clock_that_was_ahead_is_closed(village: Village) -> None:
    with village.clock.moved(hours=2):
        cookie = village.member()
        assert village.who(cookie)
    assert village.who(cookie) is None


def test_a_hold_that_was_over_is_not_made_good_beside_the_booking_that_took_its_time(village: Village) -> None:
    shot = village.slot()
    held = village.hall.post(hold(village.service, village.first + timedelta(minutes=30) * (next(_slots) - 1)))
    assert held.status == 201, held.document
    makes_good = Shot(shot.path, {**shot.body, "hold_token": held.document["token"]})
    with village.clock.moved(minutes=11):
        assert refused(village.hall.post(makes_good)) == (409, "hold_expired")
        assert village.hall.post(shot).status == 201
    assert refused(village.hall.post(makes_good)) == (409, "slot_taken")
    assert stored(village, shot) == 1


def test_a_hold_of_a_clock_that_was_ahead_gives_its_time_back(village: Village) -> None:
    shot = village.slot()
    with village.clock.moved(days=100):
        held = village.hall.post(Shot("/api/v1/holds", {key: shot.body[key] for key in ("service_id", "starts_at")}))
        assert held.status == 201, held.document
        village.cron()
    assert refused(village.hall.post(shot)) == (409, "slot_taken")
    village.cron()
    assert village.hall.post(shot).status == 201


@pytest.mark.parametrize("hours", [20, -20, 2400])
def test_a_booking_is_neither_lost_nor_made_twice(village: Village, hours: int) -> None:
    shot = with_key(village.slot(), f"jump{hours}")
    first = village.hall.post(shot)
    assert first.status == 201
    with village.clock.moved(hours=hours):
        again = village.hall.post(shot)
        assert (again.status, again.document["code"] if again.status == 409 else again.document["ref"]) in {
            (201, first.document["ref"]),
            (409, "slot_taken"),  # an answer is kept for a day
        }
        assert village.hall.post(Shot(shot.path, shot.body)).status == 409
    assert village.hall.post(shot).document["ref"] == first.document["ref"]
    assert stored(village, shot) == 1


def stored(village: Village, shot: Shot) -> int:
    """Count the bookings of a time, which are as many as have taken it."""
    starts_at = bookings.c.starts_at == datetime.fromisoformat(shot.body["starts_at"])
    with village.hall.engine.connect() as connection:
        made = connection.execute(select(func.count()).select_from(bookings).where(starts_at)).scalar_one()
        taken = select(func.count()).select_from(occupancies).join(bookings, bookings.c.id == occupancies.c.booking_id)
        assert connection.execute(taken.where(starts_at)).scalar_one() == made
    return int(made)


def test_nobody_is_locked_out_by_what_a_clock_that_was_ahead_has_counted(village: Village) -> None:
    with village.clock.moved(days=400):
        email, _, cookie = village.asked()
        village.cron()
    again = Shot("/api/v1/auth/register", {"name": "Ada", "email": email}, (("Cookie", cookie),))
    assert village.hall.post(again).status == 202
    assert len(village.letters(email)) == 1  # by what was counted, a minute has not passed since
    village.cron()
    assert village.hall.post(again).status == 202
    servers.until(lambda: len(village.letters(email)) == 2)


def test_a_message_that_was_put_off_by_a_clock_that_was_ahead_is_sent_once(village: Village) -> None:
    shot = village.slot()
    shot = Shot(shot.path, {**shot.body, "customer": {"name": "Ada", "email": "waits@example.org"}})
    mail, away = village.mail, village.mail.with_name("away")
    mail.mkdir(exist_ok=True)  # the first letter makes it
    mail.rename(away)
    mail.write_text("no folder")  # so that no letter can be written
    with village.clock.moved(days=100):
        assert village.hall.post(shot).status == 201
        village.cron()  # a busy worker may have left it for later
        servers.until(lambda: tries(village) == Counter({1: 1}))
    mail.unlink()
    away.rename(mail)
    for wrong in (0, 0, 30, -30, 0):
        with village.clock.moved(days=wrong):
            village.cron()
    assert len(village.letters("waits@example.org")) == 1
    assert tries(village) == Counter()


def tries(village: Village) -> Counter[int]:
    """Count the messages to customers that wait, by how often they were tried."""
    waits = (outbox.c.status == "queued", outbox.c.channel == "email", outbox.c.attempts > 0, outbox.c.claim.is_(None))
    with village.hall.engine.connect() as connection:
        return Counter(connection.execute(select(outbox.c.attempts).where(*waits)).scalars())
