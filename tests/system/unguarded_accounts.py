"""The program with the guards of its codes off, for the negative control: it looks, waits, and writes what it saw.

A race test that passes against this proves nothing. The switch is here, in the test's own process, and not in the program.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from sqlalchemy import select, update

from app import create_app
from app.domain.codes import MAX_ATTEMPTS
from app.persistence import codes as stored
from app.persistence import users
from app.persistence.session import reading, transaction
from app.persistence.tables import one_time_codes
from app.persistence.tables import users as accounts
from app.services import codes, totp
from app.services.sessions import Visitor

WINDOW_SECONDS = 0.2  # between look and write: a busy host's pause, so that the control does not depend on luck
_looked = threading.local()


def _count_attempt(
    _settings: Any, target_mac: str, purposes: tuple[str, ...], visitor: Visitor, **_now: Any
) -> tuple[stored.SentCode | None, bool]:
    criteria = {"browser_hash": visitor.browser_hash, "target_mac": target_mac, "purposes": purposes}
    found = stored.find_code(reading(), **criteria)  # type: ignore[arg-type]
    _looked.is_unused = found is not None and found.used is None
    mine = one_time_codes.c.target_mac == target_mac
    attempts = reading().scalar(select(one_time_codes.c.attempts).where(mine)) or 0
    reading().close()
    time.sleep(WINDOW_SECONDS)
    with transaction() as session:
        session.execute(update(one_time_codes).values(attempts=attempts + 1).where(mine))
    return found, attempts < MAX_ATTEMPTS


def _use_code(session: Any, code: stored.SentCode, *, now_seconds: int) -> bool:
    session.execute(update(one_time_codes).values(used=now_seconds).where(one_time_codes.c.id == code.id))
    return bool(_looked.is_unused)


def _secret(key_file: Any, user_id: int, sealed: str | None) -> str | None:
    _looked.last = reading().scalar(select(accounts.c.totp_step).where(accounts.c.id == user_id))
    reading().close()
    time.sleep(WINDOW_SECONDS)
    return secret(key_file, user_id, sealed)


def _take_step(session: Any, user_id: int, step: int) -> bool:
    session.execute(update(accounts).values(totp_step=step).where(accounts.c.id == user_id))
    return _looked.last is None or bool(_looked.last < step)


secret = totp._secret
application = create_app(warm=True)
codes._count_attempt = _count_attempt
stored.use_code = _use_code
totp._secret = _secret
users.take_step = _take_step
