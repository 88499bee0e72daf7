"""The secrets that webhooks sign with: made here, told once, kept sealed; after a change both sign for a day."""

from __future__ import annotations

import base64
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from app.gateways.sealing import SealBroken, load_sealer
from app.runtime.settings import Settings

PREFIX = "whsec_"
KEY_BYTES = 32  # Source: Standard Webhooks, between 24 and 64
BOTH_SIGN_FOR = timedelta(days=1)  # so that a receiver may change its copy at any time of the day


class _Kept(msgspec.Struct, array_like=True, omit_defaults=True):
    """Two keys fit into the column: 255 characters."""

    key: bytes
    before: bytes = b""
    before_until: int = 0  # UTC seconds


_KEPT = msgspec.msgpack.Decoder(_Kept)


def make_secret() -> bytes:
    """Return a new key."""
    return secrets.token_bytes(KEY_BYTES)


def show_secret(key: bytes) -> str:
    """Return a key as receivers want it."""
    return PREFIX + base64.b64encode(key).decode()


def seal_secret(settings: Settings, webhook_id: int, key: bytes) -> str:
    """Return a webhook's only key, sealed: it can be opened in that webhook's row alone."""
    return _seal(settings.sealing_key_file, webhook_id, _Kept(key))


def seal_next(settings: Settings, webhook_id: int, sealed: str, key: bytes, *, now: datetime) -> str:
    """Return a new key with the one so far, which signs beside it for a day.

    One that cannot be opened, because the installation's key was lost, is left behind: this is how to go on without it.
    """
    kept = _Kept(key)
    with suppress(SealBroken):
        before = _open(settings.sealing_key_file, webhook_id, sealed)
        kept = _Kept(key, before.key, int((now + BOTH_SIGN_FOR).timestamp()))
    return _seal(settings.sealing_key_file, webhook_id, kept)


def open_secrets(settings: Settings, webhook_id: int, sealed: str, *, now: datetime) -> tuple[bytes, ...]:
    """Return the keys to sign with now, the newest first.

    Raises:
        SealBroken: they cannot be opened with this installation's key.
    """
    kept = _open(settings.sealing_key_file, webhook_id, sealed)
    return (kept.key, kept.before) if now.timestamp() < kept.before_until else (kept.key,)


def _seal(key_file: Path, webhook_id: int, kept: _Kept) -> str:
    return load_sealer(key_file).seal(msgspec.msgpack.encode(kept), bound_to=f"webhook:{webhook_id}")


def _open(key_file: Path, webhook_id: int, sealed: str) -> _Kept:
    return _KEPT.decode(load_sealer(key_file).open(sealed, bound_to=f"webhook:{webhook_id}"))
