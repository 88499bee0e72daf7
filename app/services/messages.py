"""What is said to people: each topic's words, and the row in the outbox that owes them to somebody."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import msgspec
from sqlalchemy.orm import Session

from app.domain.accounts import Target
from app.gateways.sealing import load_sealer
from app.persistence import outbox
from app.runtime.settings import Settings

CODES_FIRST, NOTICES = 0, 5  # priorities: a code is no use to anybody who waits for it


@dataclass(frozen=True, slots=True)
class Text:
    """A message's words before its fields are filled in; ``short`` is what fits a short message."""

    subject: str
    body: str
    short: str


_CODE = "{code} is your code for {host}. It is good for 5 minutes. Never tell it to anybody."
_NOT_YOU = "\n\nIf that was not you, sign in and change your password, and tell us."
TEXTS: Mapping[str, Text] = {
    "code.register": Text(
        "{code} is your code to register",
        "Welcome.\n\nYour code is {code}. Enter it where you have just registered at {host}; it is good for 5 minutes.\n\n"
        "If you have not asked for it, ignore this message: nothing happens without the code.",
        _CODE,
    ),
    "code.sign_in": Text(
        "{code} is your code to sign in",
        "Your code is {code}. Enter it where you are signing in at {host}; it is good for 5 minutes.\n\n"
        "Never tell it to anybody. If you have not asked for it, ignore this message: nothing happens without the code.",
        _CODE,
    ),
    "code.reset": Text(
        "{code} is your code for a new password",
        "Your code is {code}. Enter it at {host} to choose a new password; it is good for 5 minutes.\n\n"
        "If you have not asked for it, ignore this message: your password stays as it is.",
        _CODE,
    ),
    "code.change_email": Text(
        "{code} is your code to confirm this address",
        "Your code is {code}. Enter it at {host} to make this the address of your account; it is good for 5 minutes.",
        _CODE,
    ),
    "code.change_phone": Text("{code} is your code to confirm this number", _CODE, _CODE),
    "account.exists": Text(
        "You have an account already",
        "Somebody, probably you, has just tried to register with this address at {host}. It has an account already: "
        "sign in with a code instead.\n\nIf that was not you, there is nothing to do.",
        "This number has an account at {host} already: sign in with a code instead.",
    ),
    "account.email_changed": Text(
        "The e-mail address of your account was changed",
        "The e-mail address of your account at {host} is another one from now on." + _NOT_YOU,
        "The e-mail address of your account at {host} was changed. If that was not you, tell us.",
    ),
    "account.phone_changed": Text(
        "The telephone number of your account was changed",
        "The telephone number of your account at {host} is another one from now on." + _NOT_YOU,
        "The telephone number of your account at {host} was changed. If that was not you, tell us.",
    ),
    "account.password_changed": Text(
        "Your password was changed",
        "The password of your account at {host} was changed, and every other session was ended." + _NOT_YOU,
        "The password of your account at {host} was changed. If that was not you, tell us.",
    ),
    "account.totp_changed": Text(
        "The second factor of your account was changed",
        "The second factor of your account at {host} was changed: {what}." + _NOT_YOU,
        "The second factor of your account at {host} was changed. If that was not you, tell us.",
    ),
    "account.recovery_code_used": Text(
        "A recovery code was used",
        "Somebody has signed in to your account at {host} with a recovery code." + _NOT_YOU,
        "A recovery code was used for your account at {host}. If that was not you, tell us.",
    ),
    "account.erased": Text(
        "Your account was deleted",
        "Your account at {host} was deleted, with your name and addresses. This is the last message about it.",
        "Your account at {host} was deleted.",
    ),
}


class Owed(msgspec.Struct):
    """What a row of the outbox keeps sealed."""

    to: str
    fields: dict[str, str]


_OWED = msgspec.json.Decoder(Owed)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to be sent."""

    to: str
    subject: str
    body: str
    short: str


def owe(  # noqa: PLR0913 - the columns of one row, each by name
    session: Session,
    settings: Settings,
    topic: str,
    target: Target,
    *,
    now: datetime,
    expires: int | None = None,
    void: bool = False,
    **fields: str,
) -> None:
    """Add a message to the outbox; *expires* (UTC seconds) bounds when it may be sent.

    A *void* one is written and never sent: whoever asks for a code to an address without account costs the same work.
    """
    message_id = secrets.token_hex(16)
    plain = msgspec.json.encode(Owed(target.address, {"host": _host(settings), **fields}))
    sealed = load_sealer(settings.sealing_key_file).seal(plain, bound_to=message_id)
    outbox.add_message(
        session,
        {
            "topic": topic,
            "channel": target.channel,
            "sealed": "" if void else sealed,
            "message_id": message_id,
            "status": "void" if void else "queued",
            "priority": CODES_FIRST if topic.startswith("code.") else NOTICES,
            "due": int(now.timestamp()),
            "expires": expires,
            "created_at": now,
        },
    )


def open_letter(settings: Settings, topic: str, sealed: str, message_id: str) -> Letter:
    """Return the words of an owed message.

    Raises:
        SealBroken: it cannot be opened with this installation's key.
    """
    plain = load_sealer(settings.sealing_key_file).open(sealed, bound_to=message_id)
    owed, text = _OWED.decode(plain), TEXTS[topic]
    filled = (part.format_map(owed.fields) for part in (text.subject, text.body, text.short))
    return Letter(owed.to, *filled)


def _host(settings: Settings) -> str:
    return urlsplit(settings.base_url).netloc
