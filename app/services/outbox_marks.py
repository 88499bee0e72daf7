"""What becomes of a message: claimed, sent, tried again, given up. Each in one short transaction, with the try that led to it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime

from app.gateways.errors import DeliveryFailed
from app.persistence import outbox
from app.persistence import outbox_queue as queue
from app.persistence.deliveries import Delivery, add_delivery
from app.persistence.outbox import OwedMessage
from app.persistence.session import transaction, use_case
from app.runtime import logs
from app.runtime.settings import Settings
from app.services.outbox_budgets import Spent, give_back, spend

MAX_ATTEMPTS = 15  # the last about a day and a half after the first
MAX_WEBHOOK_ATTEMPTS = 20  # the last about three days after the first
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 60, 6 * 3600
CODE_PAUSE_SECONDS = 10  # a code lives for minutes


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is this sender's for two minutes, and what it was counted against."""

    message: OwedMessage
    spent: Spent | None


def is_over(message: OwedMessage, now: datetime) -> bool:
    """Tell whether it is too late to send a message."""
    return message.expires is not None and message.expires <= now.timestamp()


@use_case
def claim(settings: Settings, row_id: int, claimant: str, *, now: datetime) -> Claimed | None:
    """Claim a message; None if somebody else has it. One that is over is counted against no budget.

    Raises:
        BudgetSpent: no more may leave just now; the message is as it was.
    """
    with transaction() as session:
        message = outbox.claim(session, row_id, claimant, now_seconds=int(now.timestamp()))
        if message is None:
            return None
        return Claimed(message, None if is_over(message, now) else spend(session, settings, message, now=now))


@use_case
def end(message: OwedMessage, claimant: str, delivery: Delivery, *, now: datetime) -> None:
    """Take a message that was sent off the queue."""
    with transaction() as session:
        outbox.end_message(session, message.id, claimant, status="sent", at=now)
        add_delivery(session, message.id, delivery)


@use_case
def expire(claimed: Claimed, claimant: str) -> None:
    """Take a message that it is too late for off the queue."""
    with transaction() as session:
        outbox.end_message(session, claimed.message.id, claimant, status="expired", at=None)
        if claimed.spent is not None:
            give_back(session, claimed.spent)


def give_up_or_try_again(
    claimed: Claimed, claimant: str, delivery: Delivery, failed: DeliveryFailed | None, *, now: datetime
) -> None:
    """Try again later, or give up: what cannot ever be sent, and what has been tried for too long.

    *failed* is what a gateway said. What surely has not left is counted against no budget.
    """
    message = claimed.message
    what = {"topic": message.topic, "channel": message.channel, "message_id": message.message_id}
    logs.warning("message_not_sent", **what, attempts=message.attempts, reason=delivery.detail)
    most = MAX_WEBHOOK_ATTEMPTS if message.channel == "webhook" else MAX_ATTEMPTS
    due = None if delivery.outcome == "refused" or message.attempts >= most else _next_due(message, failed, now)
    spent = None if failed is not None and failed.maybe_taken else claimed.spent
    _mark_failed(message, claimant, delivery, due=due, spent=spent)
    if due is None:
        logs.warning("message_given_up", **what, attempts=message.attempts, reason=delivery.detail)


@use_case
def _mark_failed(
    message: OwedMessage, claimant: str, delivery: Delivery, *, due: int | None, spent: Spent | None
) -> None:
    with transaction() as session:
        if due is None:
            outbox.bury(session, message.id, claimant, error=delivery.detail)
        else:
            outbox.put_off(session, message.id, claimant, due=due, error=delivery.detail)
        add_delivery(session, message.id, delivery)
        if spent is not None:
            give_back(session, spent)


def _next_due(message: OwedMessage, failed: DeliveryFailed | None, now: datetime) -> int:
    asked = 0 if failed is None else failed.retry_after_seconds
    pause = min(max(FIRST_PAUSE_SECONDS * 2 ** (message.attempts - 1), asked), LONGEST_PAUSE_SECONDS)
    if message.expires is not None:
        pause = min(pause, CODE_PAUSE_SECONDS)
    jittered = pause * random.uniform(0.8, 1.2)  # noqa: S311 - spreads tries, guards nothing
    return int(now.timestamp() + jittered)


@use_case
def bring_back(now_seconds: int, most: int) -> int:
    """Let messages that a clock ahead of its time has put off be due now, and return how many; at most so many at once."""
    with transaction() as session:
        return queue.bring_back(session, now_seconds=now_seconds, limit=most)


@use_case
def rest_channel(channel: str, least_priority: int, until: int, now_seconds: int, most: int) -> int:
    """Let messages of a channel wait until then, and return how many do; at most so many at once."""
    with transaction() as session:
        ids = queue.list_due_of(session, channel, least_priority=least_priority, now_seconds=now_seconds, limit=most)
        return queue.push_back(session, ids, until=until, now_seconds=now_seconds) if ids else 0


@use_case
def rest_webhook(webhook_id: int, until: int, now_seconds: int, most: int) -> int:
    """Let messages to a webhook wait until then, and return how many do; at most so many at once."""
    with transaction() as session:
        ids = queue.list_due_for(session, webhook_id, now_seconds=now_seconds, limit=most)
        return queue.push_back(session, ids, until=until, now_seconds=now_seconds) if ids else 0
