"""Hands letters to a mail server, over one connection as long as the server keeps it.

What concerns the connection, the login or our own address is temporary, whatever the server says: it is put right in the
settings, and no mail should be lost until then. What concerns the addressee or the letter is as the server says.
"""

from __future__ import annotations

import smtplib
from contextlib import suppress

from app.gateways import smtp_client
from app.gateways.errors import DeliveryFailed
from app.gateways.letters import Letter
from app.gateways.smtp_answers import CLOSING, LOST, AddresseeRefused, failure_of
from app.gateways.timed import Deadline
from app.runtime.mail_checks import MailServer

LETTER_SECONDS = 40  # for a letter in all, with connection and login; a third of the time that a claim holds
QUIT_SECONDS = 5
MOST_LETTERS = 50  # a connection: servers end one after 20 to 100, and some hold it against whoever sends
_OK = {250, 251}  # RFC 5321: taken, taken and passed on


class SmtpLine:
    """A connection to a mail server: made by the first letter, and made anew where the server has closed it."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._client: smtp_client.Client | None = None
        self._letters = 0

    def hand_over(self, letter: Letter) -> None:
        """Return once the server answers for the letter.

        Raises:
            DeliveryFailed: it does not, or the connection was lost before it said so.
        """
        deadline = Deadline(LETTER_SECONDS)
        try:
            client = self._kept(letter, deadline) or self._opened(letter, deadline)
            _give(client, letter)
        except DeliveryFailed:
            self._drop()
            raise
        except LOST as error:
            failure = failure_of(error)
            if not failure.alone:
                self._drop()
            raise failure from None

    def close(self) -> None:
        """Take leave of the server, if there is a connection."""
        client, self._client = self._client, None
        if client is not None:
            client.deadline = Deadline(QUIT_SECONDS)
            with suppress(*LOST):  # it has the letters: sent again, they would come twice
                client.quit()
            client.close()

    def _kept(self, letter: Letter, deadline: Deadline) -> smtp_client.Client | None:
        """Return the connection of the last letter, with this one addressed; None where the server has closed it."""
        if self._letters >= MOST_LETTERS:
            self.close()
        client = self._client
        if client is None:
            return None
        client.deadline = deadline
        try:
            client.rset()
            self._address(client, letter)
        except AddresseeRefused as error:
            if error.smtp_code not in CLOSING:
                raise
            self._drop()
            return None
        except LOST:  # nothing was sent yet, so that it can be tried over another
            self._drop()
            return None
        return client

    def _opened(self, letter: Letter, deadline: Deadline) -> smtp_client.Client:
        """Return a new connection, with the letter addressed."""
        self._client = smtp_client.connect(self._server, letter.sender.rpartition("@")[2], deadline)
        self._letters = 0
        self._address(self._client, letter)
        return self._client

    def _address(self, client: smtp_client.Client, letter: Letter) -> None:
        self._letters += 1
        options = [f"size={len(letter.content)}"] if client.has_extn("size") else []
        code, text = client.mail(letter.sender, [*options, "SMTPUTF8"] if letter.needs_utf8 else options)
        if code not in _OK:
            raise smtplib.SMTPSenderRefused(code, text, letter.sender)
        code, text = client.rcpt(letter.to)
        if code not in _OK:
            raise AddresseeRefused(code, text)

    def _drop(self) -> None:
        """Close the connection without a word."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _give(client: smtp_client.Client, letter: Letter) -> None:
    """Send the letter itself.

    Raises:
        DeliveryFailed: the connection was lost meanwhile; the letter may have been taken.
    """
    try:
        code, text = client.data(letter.content)
    except smtplib.SMTPResponseException:
        raise
    except LOST as error:
        raise failure_of(error, maybe_taken=True) from None
    if code not in _OK:
        raise smtplib.SMTPDataError(code, text)
