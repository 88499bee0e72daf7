"""A mail as it goes out: checked, encoded, and without a way to smuggle in a header."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Any, TypeVar

from app.domain.text import clean_email, clean_line
from app.gateways.errors import DeliveryFailed
from app.runtime import mail_checks

MAX_SUBJECT = 200
T = TypeVar("T")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9._+-]{1,120}@[A-Za-z0-9.-]{1,120}")
_SEVEN_BITS = SMTP.clone(cte_type="7bit")  # every server takes it


@dataclass(frozen=True, slots=True)
class Invitation:
    """A calendar with one event, and what a mail program does with it: ``method`` is REQUEST or CANCEL (RFC 5546)."""

    calendar: bytes
    method: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to one address; ``message_id`` is the same at every attempt, such as ``booking-1@book.example.org``.

    ``html`` says the same as ``text``. Answers go to ``reply_to``, or to the sender where that is empty.
    """

    to: str
    subject: str
    text: str
    message_id: str
    html: str = ""
    reply_to: str = ""
    invitation: Invitation | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail with its envelope; where ``needs_utf8``, only a server with SMTPUTF8 (RFC 6531) can take it."""

    sender: str
    to: str
    content: bytes
    needs_utf8: bool


class _Plain(EmailPolicy):
    """Takes headers as they are, where the library would read each anew whenever it looks at it.

    Those of a message have been read when they were set, and those of its parts are ours to the letter.
    """

    def header_max_count(self, name: str) -> int | None:  # noqa: ARG002 - its signature
        return None

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:
        return name, value

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 - its signature
        return value


_PLAIN = _Plain(linesep="\r\n", cte_type="7bit")


def compose(mail: Mail, sender: str) -> Letter:
    """Return the mail as it goes out, dated now.

    Raises:
        DeliveryFailed: permanent, an address or a header cannot be written.
    """
    author = mail_checks.sender(sender)
    to = _checked("the address is no e-mail address", _in_ascii, mail.to)
    needs_utf8 = not to.isascii()
    message = EmailMessage(policy=_SEVEN_BITS.clone(utf8=needs_utf8))
    message["From"] = Address(author.name, addr_spec=author.address)
    message["To"] = _address(to)
    if answers_to := _answers_to(mail.reply_to):
        message["Reply-To"] = _address(answers_to)
    message["Subject"] = _checked("the subject is no clean line", _subject, mail.subject)
    message["Date"] = format_datetime(datetime.now(timezone.utc))
    message["Message-ID"] = f"<{_checked('the message id is malformed', _message_id, mail.message_id)}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies, please
    _checked("the text cannot be encoded", lambda text: _fill(message, mail, text), mail.text)
    return Letter(author.address, to, message.as_bytes(policy=_PLAIN.clone(utf8=needs_utf8)), needs_utf8)


def _fill(message: EmailMessage, mail: Mail, text: str) -> None:
    """Write text, page and calendar as alternatives, the richest last; the calendar once more as a file.

    Gmail and Outlook offer the alternative to the calendar, and so does Thunderbird; others show the file, which opens in one.
    """
    if not mail.html and mail.invitation is None:
        message.set_content(text)
        return
    ways = [_part(text)]
    if mail.html:
        ways.append(_part(mail.html, subtype="html"))
    if mail.invitation is None:
        _hold(message, "alternative", ways)
        return
    calendar, method = mail.invitation.calendar, mail.invitation.method
    ways.append(_part(calendar.decode(), subtype="calendar", params={"method": method}))
    file = _part(calendar, maintype="application", subtype="ics", disposition="attachment", filename="booking.ics")
    _hold(message, "mixed", [_hold(MIMEPart(_PLAIN), "alternative", ways), file])


def _part(content: str | bytes, **options: Any) -> MIMEPart:  # noqa: ANN401 - the library's own
    part = MIMEPart(_PLAIN)
    part.set_content(content, **options)
    return part


def _hold(whole: MIMEPart, kind: str, parts: Iterable[MIMEPart]) -> MIMEPart:
    """Return a message, or part of one, that is made up of others."""
    boundary = secrets.token_hex(12)  # nobody can guess it, so that no text need be searched for it
    whole["Content-Type"] = f'multipart/{kind}; boundary="{boundary}"'
    for part in parts:
        whole.attach(part)
    return whole


def _answers_to(text: str) -> str:
    """Return an address for answers that every server takes, or none: no mail is lost because of another's address."""
    with suppress(ValueError):
        address = _in_ascii(text)
        return address if address.isascii() else ""
    return ""


def _address(text: str) -> Address:
    return Address(username=text.rpartition("@")[0], domain=text.rpartition("@")[2])


def _checked(reason: str, check: Callable[[str], T], text: str) -> T:
    try:
        return check(text)
    except ValueError:
        raise DeliveryFailed(reason, permanent=True) from None


def _in_ascii(text: str) -> str:
    """Return the address with its domain as DNS writes it."""
    local, _, domain = clean_email(text).rpartition("@")
    return f"{local}@{domain.encode('idna').decode('ascii')}"


def _subject(text: str) -> str:
    return clean_line(text, MAX_SUBJECT)


def _message_id(text: str) -> str:
    if not _MESSAGE_ID.fullmatch(text):
        raise ValueError("no message id")
    return text
