"""Who works at this shell, and when: what the use cases want to know from every edge."""

from __future__ import annotations

import os
import pwd
import secrets
from datetime import datetime

from app.domain.actors import Actor
from app.domain.times import UTC


def operator() -> Actor:
    """Return the operator at this shell, by the name that the system knows."""
    return Actor("operator", _user_name(), request_id=f"cli-{secrets.token_hex(8)}")


def clock() -> datetime:
    """Return the time, aware, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def _user_name() -> str:
    """Return the system's name of the user; a number where a shared host keeps no list of names."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
