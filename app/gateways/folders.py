"""Messages as files, for trials and tests: each appears whole, and names sort by time."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from secrets import token_hex

from app.gateways.errors import DeliveryFailed


def drop(folder: Path, suffix: str, content: bytes) -> None:
    """Put a file that its owner alone may read into *folder*, which is made if need be.

    Raises:
        DeliveryFailed: it cannot be written.
    """
    name = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S.%fZ}-{token_hex(4)}{suffix}"
    draft = folder / f".{name}.part"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        draft.rename(folder / name)
    except OSError as error:
        raise DeliveryFailed(f"the folder cannot be written: {error.strerror}", permanent=False) from None
