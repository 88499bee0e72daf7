"""Send what is owed: claimed row by row, so that any number of senders may work at once; at least once, and no dead code."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from msgspec import MsgspecError

from app.gateways.errors import DeliveryFailed
from app.gateways.mail import Mail, make_mailer
from app.gateways.sealing import SealBroken, SealingKeyError
from app.gateways.sms import Sms, make_texter
from app.persistence import outbox
from app.persistence.outbox import OwedMessage
from app.persistence.session import reading, transaction, use_case
from app.runtime import logs
from app.runtime.settings import Settings, SettingsError
from app.services.messages import Letter, open_letter

BATCH = 20
CHANNELS = ("email", "sms")
MAX_ATTEMPTS = 10  # the last about a day and a half after the first
# The last two are of a message that another version of the program has written: it must not stop those behind it.
_NOT_SENT = (DeliveryFailed, SealBroken, SealingKeyError, SettingsError, OSError, KeyError, MsgspecError)
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 60, 6 * 3600


def drain(settings: Settings, *, clock: Callable[[], datetime], budget_seconds: float) -> int:
    """Send what is due, the most urgent first, until nothing is or the time is up; return how many left.

    A gateway that fails is left alone for the rest of this call: one that stalls would take its time for each message.
    """
    claimant, sent = secrets.token_hex(16), 0
    deadline = time.monotonic() + budget_seconds
    failing: set[str] = set()
    while time.monotonic() < deadline and (due := _list_due(failing, clock)):
        for row_id, channel in due:
            if time.monotonic() >= deadline:
                break
            message = None if channel in failing else _claim(row_id, claimant, now=clock())
            if message is not None:
                sent += _send(settings, message, claimant, clock, failing)
    return sent


def _list_due(failing: set[str], clock: Callable[[], datetime]) -> list[tuple[int, str]]:
    channels = [channel for channel in CHANNELS if channel not in failing]
    return outbox.list_due(reading(), channels, now_seconds=int(clock().timestamp()), limit=BATCH)


def _send(
    settings: Settings, message: OwedMessage, claimant: str, clock: Callable[[], datetime], failing: set[str]
) -> bool:
    """Tell whether the message was sent; a gateway that could not be reached joins those that fail."""
    if message.expires is not None and message.expires <= clock().timestamp():
        _end(message, claimant, "expired", now=None)
        return False
    try:
        letter = open_letter(settings, message.topic, message.sealed, message.message_id)
        _hand_over(settings, message, letter)
    except _NOT_SENT as error:
        if isinstance(error, DeliveryFailed) and not error.permanent:
            failing.add(message.channel)
        _put_off(message, claimant, error, now=clock())
        return False
    _end(message, claimant, "sent", now=clock())
    logs.info("message_sent", topic=message.topic, channel=message.channel, message_id=message.message_id)
    return True


def _hand_over(settings: Settings, message: OwedMessage, letter: Letter) -> None:
    if message.channel == "email":
        mailer = make_mailer(settings.mail_url, settings.mail_from)
        domain = urlsplit(settings.base_url).hostname or "localhost"
        mailer.send(Mail(letter.to, letter.subject, letter.body, f"{message.message_id}@{domain}"))
    else:
        texter = make_texter(settings.sms_url, settings.sms_headers, settings.sms_body)
        texter.send(Sms(letter.to, letter.short, message.message_id))


@use_case
def _claim(row_id: int, claimant: str, *, now: datetime) -> OwedMessage | None:
    with transaction() as session:
        return outbox.claim(session, row_id, claimant, now_seconds=int(now.timestamp()))


@use_case
def _end(message: OwedMessage, claimant: str, status: str, *, now: datetime | None) -> None:
    with transaction() as session:
        outbox.end_message(session, message.id, claimant, status=status, at=now)


@use_case
def _bury(message: OwedMessage, claimant: str, *, error: str) -> None:
    with transaction() as session:
        outbox.bury(session, message.id, claimant, error=error)


def _put_off(message: OwedMessage, claimant: str, error: Exception, *, now: datetime) -> None:
    """Try again later, or give up: what cannot ever be sent, and what has been tried for too long."""
    is_permanent = isinstance(error, DeliveryFailed) and error.permanent
    logs.warning(
        "message_not_sent",
        topic=message.topic,
        message_id=message.message_id,
        attempts=message.attempts,
        reason=_reason(error),
    )
    if is_permanent or message.attempts >= MAX_ATTEMPTS:
        _bury(message, claimant, error=_reason(error))
        return
    pause = min(_FIRST_PAUSE_SECONDS * 2 ** (message.attempts - 1), _LONGEST_PAUSE_SECONDS)
    if message.expires is not None:
        pause = min(pause, 10)  # a code lives for minutes
    jittered = pause * random.uniform(0.8, 1.2)  # noqa: S311 - spreads tries, guards nothing
    _retry(message, claimant, due=int(now.timestamp() + jittered), error=_reason(error))


@use_case
def _retry(message: OwedMessage, claimant: str, *, due: int, error: str) -> None:
    with transaction() as session:
        outbox.put_off(session, message.id, claimant, due=due, error=error)


def _reason(error: Exception) -> str:
    return f"this version of the program has no words for {error}" if isinstance(error, KeyError) else str(error)
