"""What happens once the client has its answer: messages that the request owes are sent by the worker that served it."""

from __future__ import annotations

from datetime import datetime, timezone
from importlib import import_module

from flask import Flask, Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.errors import DomainError
from app.persistence import outbox, session
from app.runtime import logs
from app.runtime.settings import Settings

BUDGET_SECONDS = 5.0  # no answer waits for it; the worker does, and under Passenger it is one of few


def init_app(app: Flask) -> None:
    """Drain the outbox after each answer whose request has put something in."""
    settings = app.extensions["settings"]

    def hand_on(response: Response) -> Response:
        if outbox.owes_messages():
            response.call_on_close(lambda: drain(settings))
        return response

    app.after_request(hand_on)


def drain(settings: Settings) -> None:
    """Send what is due. What cannot be sent now stays in the outbox, for the next request and for cron."""
    try:
        import_module("app.services.outbox").drain(
            settings, clock=lambda: datetime.now(timezone.utc), budget_seconds=BUDGET_SECONDS
        )
    except (DomainError, DBAPIError, PoolTimeout) as error:
        logs.warning("outbox_not_drained", reason=repr(error)[:300])
    finally:
        session.remove()
