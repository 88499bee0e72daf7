"""One connection for many mails: kept as long as the server keeps it, made anew where that is safe, and never left open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from app.gateways import smtp, smtp_client
from app.gateways.errors import DeliveryFailed
from app.gateways.mail import Mail, SmtpMailer
from app.runtime.mail_checks import MailServer
from tests.gateways.loopback import Postbox, mail_server, raw_server

UNENCRYPTED = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")


class Counter(Postbox):
    """A postbox that knows over which connections mail came, and may drop one at the mail of a given number."""

    def __init__(self, *, drop_at: str = "", every: int = 0, refuse: tuple[int, str] = (0, ""), **answers: str) -> None:
        super().__init__(**answers)
        self.sessions: list[Session] = []
        self.resets = self.farewells = self.mails = 0
        self._drop_at, self._every, self._refuse = drop_at, every, refuse

    @property
    def connections(self) -> int:
        return len({id(session) for session in self.sessions})

    async def handle_MAIL(self, server: SMTP, session: Session, *call: Any) -> str:  # noqa: N802
        self.sessions.append(session)
        self.mails += 1
        if self._is_due("MAIL"):
            server.transport.abort()
        return await super().handle_MAIL(server, session, *call)

    async def handle_RCPT(self, *call: Any) -> str:  # noqa: N802
        answer = await super().handle_RCPT(*call)
        number, refusal = self._refuse
        return refusal if self.mails == number else answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        if self._is_due("DATA"):
            server.transport.abort()
        return answer

    async def handle_RSET(self, *_: Any) -> str:  # noqa: N802
        self.resets += 1
        return "250 OK"

    async def handle_QUIT(self, *call: Any) -> str:  # noqa: N802
        self.farewells += 1
        return await super().handle_QUIT(*call)

    def _is_due(self, command: str) -> bool:
        return self._drop_at == command and self.mails % self._every == 0

    def ids(self) -> list[str]:
        """Return which mails it has, in order."""
        lines = [line for box in self.envelopes for line in (box.original_content or b"").splitlines()]
        return [line.decode()[13:-1].partition("@")[0] for line in lines if line.startswith(b"Message-ID: <")]


def mail(number: int) -> Mail:
    return Mail("ada@example.org", "Booked", "Dear guest", f"m{number}@book.example.org")


@contextmanager
def line(box: Postbox, user: str = "", **options: Any) -> Iterator[SmtpMailer]:
    with mail_server(box, **options) as port:
        server = MailServer("127.0.0.1", port, "plain", user, "word" if user else "")
        with SmtpMailer(server, "no-reply@book.example.org") as mailer:
            yield mailer


def send(mailer: SmtpMailer, *numbers: int) -> list[str]:
    """Return what was refused."""
    refused = []
    for number in numbers:
        try:
            mailer.send(mail(number))
        except DeliveryFailed as error:
            refused.append(str(error))
    return refused


def names(*numbers: int) -> list[str]:
    return [f"m{number}" for number in numbers]


def test_many_mails_go_over_one_connection_which_is_reset_between_them_and_closed_at_the_end() -> None:
    box = Counter()
    with line(box) as mailer:
        assert send(mailer, 1, 2, 3) == []
        assert (box.connections, box.resets, box.farewells) == (1, 2, 0)
    assert (box.ids(), box.farewells) == (names(1, 2, 3), 1)


def test_outside_a_with_nothing_is_kept_from_one_mail_to_the_next() -> None:
    box = Counter()
    with mail_server(box) as port:
        assert send(SmtpMailer(MailServer("127.0.0.1", port, "plain"), "no-reply@book.example.org"), 1, 2) == []
    assert (box.connections, box.farewells) == (2, 2)


def test_the_connection_is_closed_when_what_uses_it_fails() -> None:
    class GaveUpError(Exception):
        """What ends the work."""

    box = Counter()
    with mail_server(box) as port:
        mailer = SmtpMailer(MailServer("127.0.0.1", port, "plain"), "no-reply@book.example.org")
        with pytest.raises(GaveUpError), mailer:
            send(mailer, 1)
            raise GaveUpError
    assert box.farewells == 1


@UNENCRYPTED
def test_there_is_one_login_for_all_of_them() -> None:
    logins = []

    def knows_once(*_: Any) -> AuthResult:
        logins.append(1)
        return AuthResult(success=len(logins) == 1, handled=False)

    options = {"auth_required": True, "auth_require_tls": False, "authenticator": knows_once}
    with line(Counter(), "clerk", **options) as mailer:
        assert send(mailer, 1, 2, 3) == []
    assert len(logins) == 1


def test_after_so_many_mails_another_connection_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "MOST_LETTERS", 2)
    box = Counter()
    with line(box) as mailer:
        assert send(mailer, *range(5)) == []
    assert (box.connections, box.farewells) == (3, 3)


def test_a_server_that_ends_the_connection_at_every_third_mail_gets_each_once() -> None:
    box = Counter(drop_at="MAIL", every=3)
    with line(box) as mailer:
        assert send(mailer, 1, 2, 3, 4, 5) == []
    assert box.ids() == names(1, 2, 3, 4, 5)
    assert box.connections == 3


def test_a_new_connection_that_is_dropped_too_is_given_up() -> None:
    box = Counter(drop_at="MAIL", every=1)
    with line(box) as mailer:
        assert len(send(mailer, 1)) == 1
    assert box.connections == 1


def test_a_connection_that_is_lost_after_the_text_may_have_delivered_and_is_not_tried_again_here() -> None:
    box = Counter(drop_at="DATA", every=2)
    with line(box) as mailer:
        mailer.send(mail(1))
        with pytest.raises(DeliveryFailed) as caught:
            mailer.send(mail(2))
        assert (caught.value.permanent, caught.value.maybe_taken) == (False, True)
        assert send(mailer, 3) == []
    assert (box.ids(), box.connections) == (names(1, 2, 3), 2)


@pytest.mark.parametrize("refusal", ["550 5.1.1 nobody", "450 4.2.0 greylisted"])
def test_an_addressee_who_is_refused_costs_neither_the_connection_nor_those_behind(refusal: str) -> None:
    box = Counter(refuse=(2, refusal))
    with line(box) as mailer:
        (said,) = send(mailer, 1, 2, 3)
    assert said.startswith("the mail server refused the addressee")
    assert (box.ids(), box.connections) == (names(1, 3), 1)


@pytest.mark.parametrize(
    ("answers", "alone", "maybe_taken"),
    [
        ({"rcpt": "450 4.2.0 later"}, True, False),
        ({"rcpt": "421 too busy"}, False, False),
        ({"mail": "451 later"}, False, False),
        ({"data": "451 later"}, False, False),
        ({"data": "554 spam"}, True, False),
        ({"data": "drop"}, False, True),
    ],
)
def test_a_failure_says_whether_it_is_about_the_server_and_whether_the_mail_may_have_left(
    answers: dict[str, str],
    alone: bool,  # noqa: FBT001 - a column of the table
    maybe_taken: bool,  # noqa: FBT001
) -> None:
    with line(Counter(**answers)) as mailer, pytest.raises(DeliveryFailed) as caught:
        mailer.send(mail(1))
    assert (caught.value.alone, caught.value.maybe_taken) == (alone, maybe_taken)


def test_a_server_that_answers_a_letter_at_a_time_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes within the limit of the socket; the answer never ends."""
    monkeypatch.setattr(smtp, "LETTER_SECONDS", 0.3)
    monkeypatch.setattr(smtp_client, "TIMEOUT_SECONDS", 30)
    sent = []

    def trickle(connection: socket) -> None:
        connection.settimeout(30)
        try:
            while len(sent) < 10_000:
                sent.append(connection.send(b"2"))
                connection.settimeout(0.02)
                try:
                    if not connection.recv(1):
                        return
                except TimeoutError:
                    pass
        except OSError:
            return

    with raw_server(trickle) as port:
        mailer = SmtpMailer(MailServer("127.0.0.1", port, "plain"), "no-reply@book.example.org")
        with pytest.raises(DeliveryFailed) as caught:
            mailer.send(mail(1))
    assert not caught.value.permanent
    assert 1 < len(sent) < 10_000
