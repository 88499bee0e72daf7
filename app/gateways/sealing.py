"""Seals what the database must not read: XChaCha20-Poly1305 under a key that is kept in a file of its own.

A sealed value is bound to what it belongs to, so that a row copied to another user cannot be opened there.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import Aead
from nacl.utils import random

from app.runtime import key_files
from app.runtime.checks import SettingsError

KEY_BYTES = Aead.KEY_SIZE  # 32
_PREFIX = "v1."
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class SealBroken(Exception):
    """What was to be opened was changed, sealed with another key, bound to something else, or never sealed."""


class SealingKeyError(SettingsError):
    """The key cannot be used; the message is one line that says what to do."""


class Sealer:
    """Seals and opens values with one key."""

    def __init__(self, key: bytes) -> None:
        self._box = Aead(key)

    def __repr__(self) -> str:
        return "Sealer(...)"

    def seal(self, plain: bytes, *, bound_to: str) -> str:
        """Return *plain* as ASCII text that :meth:`open` alone can read: 40 bytes longer, then four thirds of it."""
        sealed = self._box.encrypt(plain, _associated(bound_to), random(Aead.NONCE_SIZE))
        return _written(sealed)

    def open(self, sealed: str, *, bound_to: str) -> bytes:
        """Return what was sealed.

        Raises:
            SealBroken: it is not what :meth:`seal` gave for this key and *bound_to*.
        """
        with suppress(CryptoError, ValueError):
            raw = base64.b64decode(sealed.removeprefix(_PREFIX), altchars=b"-_", validate=True)
            if _written(raw) == sealed:  # base64 has several spellings of its last character: we take ours
                return self._box.decrypt(raw, _associated(bound_to))
        raise SealBroken("A sealed value cannot be opened: it was changed, or the key is another one.")


def _written(raw: bytes) -> str:
    return _PREFIX + base64.urlsafe_b64encode(raw).decode("ascii")


def _associated(bound_to: str) -> bytes:
    return f"{_PREFIX}{bound_to}".encode()


@lru_cache(maxsize=4)
def load_sealer(path: Path) -> Sealer:
    """Return the sealer with the key in *path*; the first process to come makes the key, readable by its owner alone.

    Raises:
        SealingKeyError: the file cannot be read or made, others may read it, or it holds no key.
    """
    try:
        if not path.exists():
            key_files.make(path, base64.b64encode(random(KEY_BYTES)).decode("ascii"))
        return Sealer(_kept_key(path))
    except OSError as error:
        raise SealingKeyError(f"SEALING_KEY_FILE {path} cannot be used: {error.strerror}") from None


def _kept_key(path: Path) -> bytes:
    with path.open("rb") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & _OTHERS:
            raise SealingKeyError(f"SEALING_KEY_FILE {path} can be read by others: chmod 600 {path}")
        text = file.read(100).strip()
    key = b""
    with suppress(binascii.Error):
        key = base64.b64decode(text, validate=True)
    if len(key) != KEY_BYTES:
        raise SealingKeyError(
            f"SEALING_KEY_FILE {path} holds no key of {KEY_BYTES} bytes in base64: bring it back from a copy"
        )
    return key
