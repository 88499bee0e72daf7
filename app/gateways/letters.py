"""A mail as it goes out: checked, encoded, and without a way to smuggle in a header."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TypeVar

from app.domain.text import clean_email, clean_line
from app.gateways.errors import DeliveryFailed
from app.runtime import mail_checks

MAX_SUBJECT = 200
T = TypeVar("T")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9._+-]{1,120}@[A-Za-z0-9.-]{1,120}")
_SEVEN_BITS = SMTP.clone(cte_type="7bit")  # every server takes it


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to one address; ``message_id`` is the same at every attempt, such as ``booking-1@book.example.org``."""

    to: str
    subject: str
    text: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail with its envelope; where ``needs_utf8``, only a server with SMTPUTF8 (RFC 6531) can take it."""

    sender: str
    to: str
    content: bytes
    needs_utf8: bool


def compose(mail: Mail, sender: str) -> Letter:
    """Return the mail as it goes out, dated now.

    Raises:
        DeliveryFailed: permanent, an address or a header cannot be written.
    """
    author = mail_checks.sender(sender)
    to = _checked("the address is no e-mail address", _in_ascii, mail.to)
    message = EmailMessage(policy=_SEVEN_BITS.clone(utf8=not to.isascii()))
    message["From"] = Address(author.name, addr_spec=author.address)
    message["To"] = Address(username=to.rpartition("@")[0], domain=to.rpartition("@")[2])
    message["Subject"] = _checked("the subject is no clean line", _subject, mail.subject)
    message["Date"] = format_datetime(datetime.now(timezone.utc))
    message["Message-ID"] = f"<{_checked('the message id is malformed', _message_id, mail.message_id)}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies, please
    _checked("the text cannot be encoded", message.set_content, mail.text)
    return Letter(author.address, to, message.as_bytes(), needs_utf8=not to.isascii())


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
