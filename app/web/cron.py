"""The duties, for hosts that have no cron of their own: somebody else's calls this by HTTP."""

from __future__ import annotations

from hmac import compare_digest
from typing import Literal

from flask import request
from msgspec import Struct

from app.domain.errors import Forbidden, NotFound
from app.services import duties
from app.web.context import now, settings

BUDGET_SECONDS = 10  # below what any server or service of cron jobs waits for an answer


class DutyView(Struct):
    """What became of a duty; an `unfinished` one goes on with the next call."""

    name: str
    state: Literal["done", "unfinished", "failed"]
    number: int


class CronView(Struct):
    """The duties that this call has done; what is not due, or done by another call, is left out."""

    duties: list[DutyView]


def run() -> CronView:
    """Do what is due, for ten seconds.

    `X-Cron-Secret` is the setting `CRON_SECRET`; without that setting there is no such address. Call it every minute, or as often
    as you can: calls that come too early, or at once, do nothing.
    """
    _check_secret(settings().cron_secret, request.headers.get("X-Cron-Secret", ""))
    outcomes = duties.run(settings(), clock=now, budget_seconds=BUDGET_SECONDS)
    return CronView([DutyView(outcome.duty.name, outcome.state, outcome.done) for outcome in outcomes])


def _check_secret(secret: str, given: str) -> None:
    if not secret:
        raise NotFound("There is no such page.")
    if not compare_digest(secret.encode(), given.encode()):
        raise Forbidden("X-Cron-Secret is missing or wrong.")
