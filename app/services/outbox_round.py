"""One round of sending: what it sends with, what it has found to fail and leaves alone, and what becomes of each message."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.errors import Busy, StorageFull
from app.gateways.errors import DeliveryFailed
from app.gateways.sealing import SealBroken
from app.persistence import outbox_queue as queue
from app.persistence.deliveries import Delivery
from app.persistence.outbox import OwedMessage
from app.persistence.outbox_queue import URGENT, Due, Lanes
from app.persistence.session import reading
from app.runtime import logs
from app.runtime.settings import Settings, SettingsError
from app.services import outbox_marks as marks
from app.services.notices import expand
from app.services.outbox_budgets import BudgetSpent
from app.services.outbox_gateways import Gateways
from app.services.outbox_marks import Claimed

REST_SECONDS = 60  # for which what would go over a gateway that fails is not tried, whoever sends
MOST_FAILURES = 3  # of single messages, one after the other, before the gateway itself is taken to fail
_BATCH = 500
_FORESEEN = (DeliveryFailed, SealBroken, SettingsError, OSError)
_DATABASE = (DBAPIError, PoolTimeout, Busy, StorageFull)  # no message's fault: the round ends, and its claims run out


class Round:
    """What one sender does in one go. A gateway that fails is left alone: one that stalls would take its time for each."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime], deadline: float) -> None:
        self._settings, self._clock, self._deadline = settings, clock, deadline
        self._claimant = secrets.token_hex(16)
        self._lanes = Lanes()
        self._failures: Counter[str] = Counter()
        self._gateways = Gateways(settings)

    def close(self) -> None:
        """Let go of the gateways."""
        self._gateways.close()

    def list_due(self, limit: int) -> list[Due]:
        """Return what may be sent now, the most urgent first."""
        return queue.list_due(reading(), self._lanes, now_seconds=self._seconds(), limit=limit)

    def take(self, due: Due) -> bool:
        """Tell whether a message was sent, by this round."""
        if self._lanes.has_closed(due):
            return False
        try:
            claimed = marks.claim(self._settings, due.id, self._claimant, now=self._clock())
        except BudgetSpent as error:
            self._save(due, error)
            return False
        if claimed is None:
            return False
        if due.channel == "event":
            return self._expand(claimed)
        if marks.is_over(claimed.message, self._clock()):
            marks.expire(claimed, self._claimant)
            return False
        return self._send(claimed)

    def _expand(self, claimed: Claimed) -> bool:
        """Turn what happened into messages for whoever is to hear of it; none of them has left by that."""
        message, now = claimed.message, self._clock()
        try:
            expand(self._settings, message, self._claimant, now=now)
        except _DATABASE:
            raise
        except Exception as error:  # noqa: BLE001 - one that cannot be told must not stop those behind it
            self._note(claimed, _failed(error, now, 0), error)
        return False

    def _send(self, claimed: Claimed) -> bool:
        message, now, began = claimed.message, self._clock(), time.monotonic()
        try:
            self._gateways.hand_over(message, now=now)
        except _DATABASE:
            raise
        except Exception as error:  # noqa: BLE001 - as above; the log has it, and so has the row
            self._note(claimed, _failed(error, now, _since(began)), error)
            return False
        marks.end(message, self._claimant, Delivery(now, "sent", "", _since(began)), now=self._clock())
        self._failures[message.channel] = 0
        logs.info("message_sent", topic=message.topic, channel=message.channel, message_id=message.message_id)
        return True

    def _note(self, claimed: Claimed, delivery: Delivery, error: Exception) -> None:
        """Write down that a try has failed, and leave the gateway alone if it is to blame."""
        failed = error if isinstance(error, DeliveryFailed) else None
        marks.give_up_or_try_again(claimed, self._claimant, delivery, failed, now=self._clock())
        if _is_the_gateways(error) or self._fails_again(claimed.message.channel, error):
            self._leave_alone(claimed.message)

    def _fails_again(self, channel: str, error: Exception) -> bool:
        self._failures[channel] += isinstance(error, DeliveryFailed) and not error.permanent
        return self._failures[channel] >= MOST_FAILURES

    def _leave_alone(self, message: OwedMessage) -> None:
        """Let nobody ask a gateway that fails for a minute, but for codes and for what comes meanwhile."""
        until, now = self._seconds() + REST_SECONDS, self._seconds()
        if message.webhook_id is not None:
            self._lanes.webhooks.add(message.webhook_id)
            self._push_back(lambda: marks.rest_webhook(message.webhook_id or 0, until, now, _BATCH))
            return
        self._lanes.channels.add(message.channel)
        self._push_back(lambda: marks.rest_channel(message.channel, URGENT + 1, until, now, _BATCH))

    def _save(self, due: Due, spent: BudgetSpent) -> None:
        """Let what is over a budget wait until that counts anew."""
        (self._lanes.channels if spent.codes_too else self._lanes.notices).add(due.channel)
        logs.warning("messages_wait", channel=due.channel, until=spent.until, codes_too=spent.codes_too)
        least, now = URGENT if spent.codes_too else URGENT + 1, self._seconds()
        self._push_back(lambda: marks.rest_channel(due.channel, least, spent.until, now, _BATCH))

    def _push_back(self, batch: Callable[[], int]) -> None:
        """Push back batch by batch, while there is time: what is left is found in the next round."""
        while batch() == _BATCH and time.monotonic() < self._deadline:
            pass

    def _seconds(self) -> int:
        return int(self._clock().timestamp())


def _since(began: float) -> int:
    """Return the milliseconds since then."""
    return int((time.monotonic() - began) * 1000)


def _is_the_gateways(error: Exception) -> bool:
    """Tell whether what went wrong would go wrong for the next message, too."""
    return isinstance(error, SettingsError | OSError) or (isinstance(error, DeliveryFailed) and not error.alone)


def _failed(error: Exception, at: datetime, milliseconds: int) -> Delivery:
    is_permanent = isinstance(error, DeliveryFailed) and error.permanent
    return Delivery(at, "refused" if is_permanent else "failed", _reason(error), milliseconds)


def _reason(error: Exception) -> str:
    """Return what is told and kept of a failure: of one that nobody has foreseen its kind alone, as its text may say anything."""
    if isinstance(error, KeyError):
        return f"this version of the program has no words for {error}"
    if isinstance(error, _FORESEEN):
        return str(error)
    logs.error("message_not_written", trace=error)
    return f"it could not be written: {type(error).__name__}"
