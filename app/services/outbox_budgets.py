"""How many messages may leave in an hour or a day: counted in the database, in the transaction that claims each.

A host that lets out a hundred mails an hour keeps or drops the rest, and whoever has asked for a code waits in vain. So
the last fifth is for codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.throttles import HOUR, Limit, key_of, sms_budget
from app.persistence import throttles
from app.persistence.outbox import OwedMessage
from app.persistence.outbox_queue import URGENT
from app.persistence.session import Session
from app.runtime.settings import Settings

NOTICES_PERCENT = 80
_ALL = "all"


class BudgetSpent(Exception):
    """No more of these may leave until ``until``, in UTC seconds; the transaction is to end with it.

    ``codes_too`` says that nothing is left for codes either.
    """

    def __init__(self, until: int, *, codes_too: bool) -> None:
        super().__init__(until)
        self.until = until
        self.codes_too = codes_too


@dataclass(frozen=True, slots=True)
class Spent:
    """That a message was counted, and until when (UTC seconds) that counts."""

    key: str
    ends: int


def spend(session: Session, settings: Settings, message: OwedMessage, *, now: datetime) -> Spent | None:
    """Count a message against its channel's budget; None where there is none.

    Raises:
        BudgetSpent: it must wait; nothing is to be counted.
    """
    limit = _limit(settings, message)
    if limit is None:
        return None
    key = key_of(settings.secret_key, limit, _ALL)
    count, ends = throttles.count(session, {key: limit.seconds}, now_seconds=int(now.timestamp()))[key]
    most = limit.most if message.priority == URGENT else max(1, limit.most * NOTICES_PERCENT // 100)
    if count > most:
        raise BudgetSpent(ends, codes_too=message.channel == "email" and count > limit.most)
    return Spent(key, ends)


def give_back(session: Session, spent: Spent) -> None:
    """Count a message no more: it did not leave."""
    throttles.uncount(session, spent.key, ends=spent.ends)


def _limit(settings: Settings, message: OwedMessage) -> Limit | None:
    """Return what a message counts against. A code by SMS was counted when it was asked for."""
    if message.channel == "email" and settings.mail_hourly_budget:
        return Limit("mail_budget", settings.mail_hourly_budget, HOUR)
    if message.channel in {"sms", "whatsapp"} and message.priority > URGENT and settings.sms_daily_budget:
        return sms_budget(settings.sms_daily_budget)
    return None
