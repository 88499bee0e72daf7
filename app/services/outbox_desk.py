"""What staff and admins do with messages: see what became of them, mend an address, send again, call off."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import msgspec

from app.domain.actors import Actor
from app.domain.errors import Conflict, Forbidden, Invalid
from app.domain.masks import mask_address
from app.domain.text import clean_email, clean_phone
from app.gateways.sealing import SealBroken, load_sealer
from app.persistence import outbox_desk as stored
from app.persistence.audit import add_audit
from app.persistence.deliveries import Delivery, list_deliveries
from app.persistence.outbox_desk import OutboxEntry, Wanted
from app.persistence.session import reading, transaction, use_case
from app.runtime.settings import Settings
from app.services.messages import open_owed

MOST_DELIVERIES = 100
# Their messages may go elsewhere. A code that did would open the account of whom it was meant for.
_OF_BOOKINGS = ("booking.", "staff.")
_BUSY = (
    "Only a message that waits or was given up can be changed; this one was sent, is over, or is being sent just now."
)


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message as it is shown: ``to`` is masked, and empty where it is not known any more."""

    entry: OutboxEntry
    to: str


def list_messages(settings: Settings, wanted: Wanted, *, by: Actor, cursor: int = 0, limit: int) -> list[ShownMessage]:
    """Return at most *limit* messages that somebody may see, the newest first, from before the key *cursor*."""
    found = stored.list_messages(reading(), wanted, scopes=by.scopes, cursor=cursor, limit=limit)
    return [_shown(settings, entry) for entry in found]


def get_message(settings: Settings, row_id: int, *, by: Actor) -> tuple[ShownMessage, Sequence[Delivery]]:
    """Return a message with the tries to send it, the last one first.

    Raises:
        NotFound: there is none, or it is none of theirs.
    """
    entry = stored.get_message(reading(), row_id, scopes=by.scopes)
    return _shown(settings, entry), list_deliveries(reading(), row_id, limit=MOST_DELIVERIES)


@use_case
def retry(settings: Settings, row_id: int, *, to: str | None = None, by: Actor, now: datetime) -> ShownMessage:
    """Send a message that waits or was given up as soon as can be, to another address if one is given.

    Raises:
        NotFound: there is none, or it is none of theirs.
        Invalid: no message can go to that address.
        Forbidden: it is about somebody's account, and goes to its holder alone.
        Conflict: it was sent, is over, or is being sent.
    """
    with transaction() as session:
        entry = stored.get_message(session, row_id, scopes=by.scopes)
        sealed = entry.sealed if to is None else _readdressed(settings, entry, to)
        if not stored.requeue(session, row_id, sealed=sealed, now_seconds=int(now.timestamp())):
            raise Conflict(_BUSY)
        what = {"topic": entry.topic, "about": entry.about, "readdressed": to is not None}
        add_audit(session, "outbox.retried", f"outbox:{row_id}", by=by, now=now, **what)
        session.info["owes_messages"] = True
        return _shown(settings, stored.get_message(session, row_id, scopes=by.scopes))


@use_case
def cancel(settings: Settings, row_id: int, *, by: Actor, now: datetime) -> ShownMessage:
    """Never send a message that waits or was given up; its content is wiped.

    Raises:
        NotFound: there is none, or it is none of theirs.
        Conflict: it was sent, is over, or is being sent.
    """
    with transaction() as session:
        entry = stored.get_message(session, row_id, scopes=by.scopes)
        if not stored.cancel(session, row_id, now_seconds=int(now.timestamp())):
            raise Conflict(_BUSY)
        what = {"topic": entry.topic, "about": entry.about}
        add_audit(session, "outbox.cancelled", f"outbox:{row_id}", by=by, now=now, **what)
        return _shown(settings, stored.get_message(session, row_id, scopes=by.scopes))


def _shown(settings: Settings, entry: OutboxEntry) -> ShownMessage:
    to = ""
    with suppress(SealBroken, msgspec.MsgspecError):  # of another key or version: it is shown all the same
        to = mask_address(open_owed(settings, entry.sealed, entry.message_id).to) if entry.sealed else ""
    return ShownMessage(entry.shown(), to)


def _readdressed(settings: Settings, entry: OutboxEntry, to: str) -> str:
    """Return what is sealed in a message with another address in it."""
    if not entry.topic.startswith(_OF_BOOKINGS):
        raise Forbidden("A message about an account goes to its holder alone; it cannot have another address.")
    address = _address(entry.channel, to)
    if not entry.sealed:
        raise Conflict(_BUSY)
    try:
        owed = open_owed(settings, entry.sealed, entry.message_id)
    except (SealBroken, msgspec.MsgspecError):
        raise Conflict("What this message says cannot be opened any more; it can only be called off.") from None
    plain = msgspec.json.encode(msgspec.structs.replace(owed, to=address))
    return load_sealer(settings.sealing_key_file).seal(plain, bound_to=entry.message_id)


def _address(channel: str, to: str) -> str:
    clean = {"email": clean_email, "sms": clean_phone, "whatsapp": clean_phone}.get(channel)
    if clean is None:
        raise Invalid.field("to", "invalid", "Only a message to a person has an address.")
    try:
        return clean(to)
    except ValueError:
        what = "an e-mail address" if channel == "email" else "a telephone number with its country: +49 30 123456"
        raise Invalid.field("to", "invalid", f"This must be {what}.") from None
