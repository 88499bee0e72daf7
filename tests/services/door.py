"""A front door for tests: browsers that knock, the letters that are owed to them, and a clock that a test moves."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pyotp import TOTP
from sqlalchemy import Engine, Row, select

from app.domain.accounts import Target, User
from app.domain.actors import Actor, Scope
from app.domain.tokens import hash_token
from app.persistence import session, tables
from app.persistence.sessions import LiveSession
from app.runtime.settings import Settings
from app.services import accounts, codes, letters, sessions, sign_in, users
from app.services.letters import Letter
from app.services.sessions import SignedIn, Visitor
from app.services.users import Enrolment, NewUser

NOW = datetime(2027, 6, 1, 8, 0, tzinfo=timezone.utc)
GOOD, OTHER = "a fox on the roof", "an owl in the barn"
# For what no database decides: the other one would only take time.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OPERATOR = Actor("operator", "ada")
ADA = Target("email", "ada@example.org")


class Door:
    """Whoever stands there has the time ``now``; a browser is known by its name until it is given a cookie."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine, self.settings, self.now = engine, settings, NOW
        self._cookies: dict[str, str] = {}

    def visitor(self, browser: str = "ada's", *, address: str = "192.0.2.1", user: User | None = None) -> Visitor:
        by = Actor(user.role if user else "guest", address=address, request_id=f"by {browser}")
        if user is not None:
            by = Actor(user.role, address=address, request_id=f"by {browser}", user_id=user.id)
        return Visitor(by, hash_token(self._cookies.get(browser, browser)), "a test")

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)

    def ask(
        self, purpose: str = "sign_in", target: Target = ADA, browser: str = "ada's", **visitor: Any
    ) -> codes.Asked:
        return codes.ask(self.settings, purpose, target, self.visitor(browser, **visitor), now=self.now)

    def register(
        self, target: Target = ADA, *, password: str | None = None, name: str = "Ada", browser: str = "ada's"
    ) -> codes.Asked:
        who = {"name": name, "contact_phone": "", "password": password}
        return accounts.register(self.settings, target, self.visitor(browser), now=self.now, **who)  # type: ignore[arg-type]

    def enter_code(
        self, code: str, target: Target = ADA, browser: str = "ada's", live: LiveSession | None = None
    ) -> SignedIn:
        signed_in = sign_in.by_code(self.settings, code, target, self.visitor(browser), live=live, now=self.now)
        return self.keep(signed_in, browser)

    def enter_password(self, password: str = GOOD, target: Target = ADA, browser: str = "ada's") -> SignedIn:
        signed_in, _ = sign_in.by_password(self.settings, target, password, self.visitor(browser), now=self.now)
        return self.keep(signed_in, browser)

    def keep(self, signed_in: SignedIn, browser: str = "ada's") -> SignedIn:
        """Give the browser the cookie of a sign-in, if it is a new one."""
        if signed_in.token:
            self._cookies[browser] = signed_in.token
        return signed_in

    def member(self, target: Target = ADA, *, password: str | None = GOOD, browser: str = "ada's") -> SignedIn:
        """Return the session of somebody who has just registered."""
        self.register(target, password=password, browser=browser)
        return self.enter_code(self.code(), target, browser)

    def make(self, role: str = "customer", email: str = "ada@example.org", **values: Any) -> Enrolment:
        """Return an account made by the operator, whose password is GOOD."""
        scopes: tuple[Scope, ...] = values.pop("scopes", ())
        new = NewUser(role, "Ada", email, values.get("phone"), values.get("password", GOOD), scopes)
        return users.create(self.settings, new, by=OPERATOR, now=self.now)

    def find(self, signed_in: SignedIn) -> LiveSession | None:
        return sessions.find(signed_in.token, now=self.now)

    def letters(self, *, to: str = "") -> list[tuple[str, Letter]]:
        """Return what is owed, oldest first: topic and letter."""
        rows = self.rows("outbox")
        found = [
            (row.topic, letters.open_letter(self.settings, row.topic, row.sealed, row.message_id))
            for row in rows
            if row.sealed
        ]
        return [(topic, letter) for topic, letter in found if to in {"", letter.to}]

    def topics(self, *, to: str = "") -> list[str]:
        return [topic for topic, _ in self.letters(to=to)]

    def code(self, *, to: str = "") -> str:
        """Return the code that was sent last."""
        bodies = [letter.body for topic, letter in self.letters(to=to) if topic.startswith("code.")]
        found = re.search(r"\b[0-9]{6}\b", bodies[-1])
        assert found, bodies[-1]
        return found[0]

    def rows(self, table: str) -> list[Row[Any]]:
        with self.engine.connect() as connection:
            found = tables.metadata.tables[table]
            order = [found.c.id] if "id" in found.c else []
            return list(connection.execute(select(found).order_by(*order)))

    def run(self, statement: Any, values: dict[str, Any] | None = None) -> None:
        with self.engine.connect() as connection:  # in autocommit
            connection.execute(statement, values or {})

    def actions(self) -> list[str]:
        return [row.action for row in self.rows("audit_log")]


def other_than(code: str) -> str:
    """Return a code that is not this one."""
    return f"{(int(code) + 1) % 10**6:06d}"


def app_of(uri: str) -> TOTP:
    """Return the authenticator app that has scanned an ``otpauth:`` address."""
    return TOTP(parse_qs(urlsplit(uri).query)["secret"][0])


def at_once(number: int, act: Callable[[], Any]) -> list[Any]:
    """Return what *number* threads got that did the same at once: a value each, or what was raised."""
    ready, results = threading.Barrier(number), []

    def run() -> None:
        ready.wait(30)
        try:
            results.append(act())
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results.append(error)
        finally:
            session.remove()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == number
    return results


@contextmanager
def nothing_written(door: Door, *but: str) -> Iterator[None]:
    """Fail if the block changes a row of any table but those named."""
    names = [name for name in tables.metadata.tables if name not in but]
    before = {name: door.rows(name) for name in names}
    yield
    assert {name: door.rows(name) for name in names} == before
