"""Codes are used once and guessed five times, by requests that arrive together; and no answer waits for the mail."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.actors import Actor
from app.persistence.tables import outbox
from app.runtime.settings import Settings, load
from app.services import users
from app.services.users import NewUser
from tests.gateways.loopback import free_port
from tests.services.door import app_of, other_than
from tests.system import servers
from tests.system.halls import Hall, hall, tally
from tests.system.places import KINDS, database_of
from tests.system.racing import Answer, Shot, race

CROWD, ROUNDS, WORKERS = 8, 3, 4
GOOD = "a fox on the roof"
_numbers = count(1)


class Town:
    """A hall with people: their mail, and accounts made behind the server's back."""

    def __init__(self, found: Hall, url: str, folder: Path) -> None:
        self.hall, self.mail = found, folder / "mail"
        environ = {"DATABASE_URL": url, "INSTANCE_DIR": str(folder / "instance"), **environment(folder)}
        self.settings: Settings = load({"ENVIRONMENT": "test", **environ})

    def asked(self) -> tuple[str, str, str]:
        """Return an address, the code that was sent there, and the cookie of the browser that asked."""
        email = f"person{next(_numbers)}@example.org"
        answer = self.hall.post(Shot("/api/v1/auth/register", {"name": "Ada", "email": email}))
        assert answer.status == 202, answer.document
        servers.until(lambda: bool(self.letters(email)))
        found = re.search(r"\b[0-9]{6}\b", self.letters(email)[-1])
        assert found
        return email, found[0], cookie_of(answer)

    def letters(self, to: str) -> list[str]:
        texts = [path.read_text() for path in sorted(self.mail.glob("*.eml"))]
        return [text for text in texts if f"To: {to}" in text]

    def admin(self) -> tuple[str, Any]:
        """Return the address of a new admin, and their authenticator app."""
        email = f"admin{next(_numbers)}@example.org"
        new = NewUser("admin", "Ada", email, None, GOOD)
        now = datetime.now(timezone.utc)
        made = users.create(self.settings, new, by=Actor("operator"), now=now)
        return email, app_of(made.otpauth_uri or "")

    def half_way(self, email: str) -> str:
        """Return the cookie of a browser that has given the password."""
        answer = self.hall.post(Shot("/api/v1/auth/login", {"email": email, "password": GOOD}))
        assert answer.document["next"] == "totp", answer.document
        return cookie_of(answer)

    def race(self, shots: list[Shot]) -> dict[int, int]:
        answers = race(self.hall.server.url, shots)
        assert not [answer for answer in answers if answer.status >= 500], tally(answers)
        return tally(answers)


def environment(folder: Path) -> dict[str, str]:
    return {"HASH_PROFILE": "cheapest", "MAIL_URL": f"file:{folder / 'mail'}"}


def cookie_of(answer: Answer) -> str:
    return answer.headers["Set-Cookie"].partition(";")[0]


def verify(email: str, code: str, cookie: str) -> Shot:
    return Shot("/api/v1/auth/otp/verify", {"email": email, "code": code}, (("Cookie", cookie),))


def totp(code: str, cookie: str) -> Shot:
    return Shot("/api/v1/auth/totp", {"code": code}, (("Cookie", cookie),))


@contextmanager
def town_of(url: str, folder: Path, *options: str, workers: int = WORKERS) -> Iterator[Town]:
    with hall(url, folder, workers, options, environment(folder)) as found:
        yield Town(found, url, folder)
        found.nobody_died()


@pytest.fixture(scope="module", params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of each kind."""
    return database_of(request, tmp_path_factory)


@pytest.fixture(scope="module")
def town(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town_of(url, tmp_path_factory.mktemp("town")) as found:
        yield found


@pytest.fixture(scope="module")
def unguarded(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The same with its guards off."""
    folder = tmp_path_factory.mktemp("unguarded")
    with town_of(url, folder, "tests.system.unguarded_accounts:application", workers=2) as found:
        yield found


def test_the_same_code_eight_times_at_once_is_accepted_once(town: Town) -> None:
    for _ in range(ROUNDS):
        assert town.race([verify(*town.asked())] * CROWD) == {200: 1, 401: 4, 429: 3}


def test_of_eight_guesses_at_once_five_are_looked_at(town: Town) -> None:
    for _ in range(ROUNDS):
        email, code, cookie = town.asked()
        assert town.race([verify(email, other_than(code), cookie)] * CROWD) == {401: 5, 429: 3}
        assert town.race([verify(email, code, cookie)]) == {429: 1}


def test_the_same_code_of_an_app_eight_times_at_once_opens_once(town: Town) -> None:
    for _ in range(ROUNDS):
        email, app = town.admin()
        halves = [town.half_way(email) for _ in range(CROWD)]
        code = app.now()
        assert town.race([totp(code, half) for half in halves]) == {200: 1, 401: 7}


def test_one_half_way_sign_in_is_finished_once(town: Town) -> None:
    email, app = town.admin()
    half = town.half_way(email)
    step = app.timecode(datetime.now(timezone.utc))
    shots = [totp(app.generate_otp(step + beside), half) for beside in (-1, 0, 1)]
    assert town.race(shots)[200] == 1


def test_eight_registrations_of_one_address_at_once_send_one_code(town: Town) -> None:
    email = f"person{next(_numbers)}@example.org"
    assert town.race([Shot("/api/v1/auth/register", {"name": "Ada", "email": email})] * CROWD) == {202: CROWD}
    servers.until(lambda: bool(town.letters(email)))
    with town.hall.engine.connect() as connection:
        statuses = list(connection.execute(select(outbox.c.status)).scalars())
    assert "queued" not in statuses
    assert len(town.letters(email)) == 1


def test_without_their_guards_the_same_races_let_more_through(unguarded: Town) -> None:
    assert unguarded.race([verify(*unguarded.asked())] * CROWD)[200] > 1
    email, code, cookie = unguarded.asked()
    assert unguarded.race([verify(email, other_than(code), cookie)] * CROWD)[401] > 5
    email, app = unguarded.admin()
    halves = [unguarded.half_way(email) for _ in range(CROWD)]
    code = app.now()
    assert unguarded.race([totp(code, half) for half in halves])[200] > 1


class Mute:
    """A mail server that takes a connection and says nothing until it is told to."""

    def __init__(self) -> None:
        self.called, self.told = threading.Event(), threading.Event()
        self.port = free_port()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        connection, _ = self._listener.accept()
        self.called.set()
        self.told.wait(60)
        connection.close()

    def end(self) -> None:
        self.told.set()
        self._listener.close()
        self._thread.join(60)


def test_the_answer_is_there_while_the_mail_server_says_nothing(url: str, tmp_path: Path) -> None:
    mute = Mute()
    extra = {**environment(tmp_path), "MAIL_URL": f"smtp://127.0.0.1:{mute.port}"}
    try:
        with hall(url, tmp_path, 1, (), extra) as found:
            email = f"person{next(_numbers)}@example.org"
            answer = found.post(Shot("/api/v1/auth/register", {"name": "Ada", "email": email}), patience=5)
            assert answer.status == 202
            assert mute.called.wait(30)
            assert found.get("/healthz").status == 200  # the worker serves others meanwhile
            assert found.get("/api/v1/venues").status == 200
            with found.engine.connect() as connection:
                row = connection.execute(select(outbox).order_by(outbox.c.id.desc()).limit(1)).one()
            assert (row.status, row.attempts, row.claim is None) == ("queued", 1, False)
            mute.end()
            servers.until(lambda: attempts_of(found, row.id) == ("queued", None))
    finally:
        mute.end()


def attempts_of(found: Hall, row_id: int) -> tuple[str, str | None]:
    """Return a message's status, and whose it is just now."""
    with found.engine.connect() as connection:
        row = connection.execute(select(outbox).where(outbox.c.id == row_id)).one()
    return row.status, row.claim
