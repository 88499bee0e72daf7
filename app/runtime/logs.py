"""Logs: one JSON line an event on standard error, in UTC, with the id of the request it belongs to."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import datetime, timezone

request_id: ContextVar[str] = ContextVar("request_id", default="")

_log = logging.getLogger("slotkeeper")


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON; a stack trace is one string in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "event": record.getMessage()}
        if request_id.get():
            line["request_id"] = request_id.get()
        line.update(getattr(record, "fields", {}))
        if record.name != _log.name:
            line["logger"] = record.name
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure(level: str) -> None:
    """Send this process's log to standard error; explicit, because Passenger has configured the root logger already."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _log.setLevel(level)


def info(event: str, **fields: object) -> None:
    """Log that something happened: a word for it, and what it happened to."""
    _log.info(event, extra={"fields": fields})


def warning(event: str, **fields: object) -> None:
    """Log that something needs an eye."""
    _log.warning(event, extra={"fields": fields})


def error(event: str, *, trace: BaseException | None = None, **fields: object) -> None:
    """Log a failure of ours, with its stack trace where there is one."""
    _log.error(event, exc_info=trace, extra={"fields": fields})
