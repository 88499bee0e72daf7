"""What is owed to people: a row in the outbox, in the transaction of what it tells of. Its words are found when it is sent."""

from __future__ import annotations

import secrets
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from app.domain.accounts import Target
from app.gateways.sealing import load_sealer
from app.persistence import outbox
from app.persistence.session import Session
from app.runtime.settings import Settings

# The smallest goes first: a code is no use to anybody who waits for it, and a reminder has time.
CODES, SECURITY, BOOKINGS, REMINDERS = 0, 3, 5, 7
_PRIORITIES = {"code": CODES, "account": SECURITY}


class Owed(msgspec.Struct, omit_defaults=True):
    """What a row of the outbox keeps sealed; ``attach`` is "calendar" where the booking's event goes along."""

    to: str
    fields: dict[str, str]
    language: str = "en"
    attach: str = ""


_OWED = msgspec.json.Decoder(Owed)


def owe(  # noqa: PLR0913 - the columns of one row, each by name
    session: Session,
    settings: Settings,
    topic: str,
    target: Target,
    *,
    now: datetime,
    expires: int | None = None,
    void: bool = False,
    language: str = "en",
    venue_id: int | None = None,
    about: str = "",
    dedupe: str | None = None,
    due: int | None = None,
    priority: int | None = None,
    attach: str = "",
    **fields: str,
) -> None:
    """Add a message to the outbox; *due* and *expires* (UTC seconds) bound when it may be sent.

    A *void* one is written and never sent: whoever asks for a code to an address without account costs the same work.
    *about* is what it tells of, such as ``booking:2345678CFG``; of a second message with the same *dedupe* nothing is written.
    """
    message_id = secrets.token_hex(16)
    owed = Owed(target.address, {"host": _host(settings), **fields}, language or "en", attach)
    sealed = load_sealer(settings.sealing_key_file).seal(msgspec.json.encode(owed), bound_to=message_id)
    outbox.add_message(
        session,
        {
            "topic": topic,
            "channel": target.channel,
            "venue_id": venue_id,
            "object": about,
            "dedupe": dedupe,
            "sealed": "" if void else sealed,
            "message_id": message_id,
            "status": "void" if void else "queued",
            "priority": _priority(topic) if priority is None else priority,
            "due": int(now.timestamp()) if due is None else due,
            "expires": expires,
            "created_at": now,
        },
    )


def open_owed(settings: Settings, sealed: str, message_id: str) -> Owed:
    """Return what a row keeps sealed.

    Raises:
        SealBroken: it cannot be opened with this installation's key.
    """
    return _OWED.decode(load_sealer(settings.sealing_key_file).open(sealed, bound_to=message_id))


def _priority(topic: str) -> int:
    if topic == "booking.reminder":
        return REMINDERS
    return _PRIORITIES.get(topic.partition(".")[0], BOOKINGS)


def _host(settings: Settings) -> str:
    return urlsplit(settings.base_url).netloc
