"""Browsers with a cookie jar and a CSRF token of their own, the mail that reaches people, and a clock that a test moves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from pyotp import TOTP
from sqlalchemy import Row, select
from werkzeug.test import TestResponse

from app.domain.actors import Actor, Scope
from app.persistence import session
from app.persistence.tables import metadata
from app.services import users
from app.services.users import Enrolment, NewUser
from app.web import afterwards, context

API = "/api/v1"
GOOD, OTHER = "a fox on the roof", "an owl in the barn"
ADA, BOB = "ada@example.org", "bob@example.org"
OPERATOR = Actor("operator", "ada")
PROBLEM = {"type", "title", "status", "detail", "code", "request_id"}


class Clock:
    """Stands in for ``datetime`` where the program asks for the time."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self, zone: tzinfo | None = None) -> datetime:
        return datetime.now(zone) + self.offset

    def move(self, **span: float) -> None:
        self.offset += timedelta(**span)


def take_the_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that every request of the test looks at."""
    clock = Clock()
    monkeypatch.setattr(context, "datetime", clock)
    monkeypatch.setattr(afterwards, "datetime", clock)
    return clock


@dataclass
class Browser:
    """One person's browser; it sends the CSRF token that it was told last, as a page would."""

    app: Flask
    headers: dict[str, str] = field(default_factory=dict)
    csrf: str | None = None

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> TestResponse:
        """Return the answer, read to its end, so that what follows it has happened."""
        csrf = {"X-CSRF-Token": self.csrf} if self.csrf and method != "GET" else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.open(
            API + path, method=method, json=body, headers={**self.headers, **csrf, **named}, buffered=True
        )
        if answer.is_json and "csrf_token" in (answer.json or {}):
            self.csrf = answer.json["csrf_token"]
        return answer

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, **headers)

    def post(self, path: str, **body: Any) -> TestResponse:
        return self.ask("POST", path, body or None)

    def patch(self, **body: Any) -> TestResponse:
        return self.ask("PATCH", "/me", body)

    def delete(self, path: str) -> TestResponse:
        return self.ask("DELETE", path)

    def log_in(self, email: str = ADA, password: str = GOOD) -> TestResponse:
        return self.post("/auth/login", email=email, password=password)

    def whoami(self) -> str | None:
        """Return the e-mail address of whoever is signed in."""
        user = self.get("/auth/session").json["user"]
        return user and user["email"]

    @property
    def cookie(self) -> str:
        found = self.client.get_cookie("slotkeeper")
        return found.value if found else ""


class Town:
    """The program, the people in front of it, and where their mail arrives."""

    def __init__(self, app: Flask) -> None:
        self.app, self.settings = app, app.extensions["settings"]

    def browser(self, **headers: str) -> Browser:
        return Browser(self.app, {name.replace("_", "-"): value for name, value in headers.items()})

    def mails(self, to: str = "") -> list[EmailMessage]:
        """Return what has arrived, oldest first."""
        folder = Path(self.settings.mail_url.removeprefix("file:"))
        read = [message_from_bytes(path.read_bytes(), policy=default) for path in sorted(folder.glob("*.eml"))]
        return [mail for mail in read if isinstance(mail, EmailMessage) and to in {"", mail["To"]}]

    def subjects(self, to: str = "") -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails(to)]

    def code(self, to: str = ADA) -> str:
        """Return the code that has come last."""
        return code_in(subject for subject in self.subjects(to) if " code " in subject)

    def texted_code(self) -> str:
        folder = Path(self.settings.sms_url.removeprefix("file:"))
        return code_in(path.read_text() for path in sorted(folder.iterdir()))

    def member(self, email: str = ADA, password: str | None = GOOD) -> Browser:
        """Return the browser of somebody who has just registered."""
        browser = self.browser()
        given = {} if password is None else {"password": password}
        assert browser.post("/auth/register", name="Ada", email=email, **given).status_code == 202
        assert browser.post("/auth/otp/verify", email=email, code=self.code(email)).status_code == 200
        return browser

    def make(self, role: str = "customer", email: str = ADA, **values: Any) -> Enrolment:
        """Return an account made by the operator, whose password is GOOD."""
        scopes: tuple[Scope, ...] = values.pop("scopes", ())
        new = NewUser(role, "Ada", email, values.get("phone"), values.get("password", GOOD), scopes)
        return users.create(self.settings, new, by=OPERATOR, now=context.now())

    def admin(self, email: str = "root@example.org") -> Browser:
        """Return the browser of an admin who has signed in."""
        made, browser = self.make("admin", email), self.browser()
        assert browser.log_in(email).json["next"] == "totp"
        assert browser.post("/auth/totp", code=code_of(made.otpauth_uri or "")).status_code == 200
        return browser

    def rows(self, table: str) -> list[Row[Any]]:
        found = metadata.tables[table]
        with session.engine().connect() as connection:
            return list(connection.execute(select(found).order_by(*([found.c.id] if "id" in found.c else []))))

    def everything(self) -> str:
        """Return all that stands in the tables, as one text."""
        return "\n".join(str(row) for name in metadata.tables for row in self.rows(name))


def code_in(texts: Iterable[str]) -> str:
    found = re.search(r"\b[0-9]{6}\b", list(texts)[-1])
    assert found
    return found[0]


def secret_of(uri: str) -> str:
    return parse_qs(urlsplit(uri).query)["secret"][0]


def code_of(uri: str, steps: int = 0) -> str:
    """Return the code of an authenticator app, by the clock of the program."""
    return TOTP(secret_of(uri)).at(context.now(), counter_offset=steps)


def other_than(code: str) -> str:
    """Return a code that is not this one."""
    return f"{(int(code) + 1) % 10**6:06d}"


def refusal(answer: TestResponse) -> tuple[int, str]:
    """Return the status and the code of a problem."""
    assert answer.mimetype == "application/problem+json", answer.get_data(as_text=True)
    return answer.status_code, answer.json["code"]
