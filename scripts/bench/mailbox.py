"""The folder into which a measured server drops its mail: where codes are read, and what is swept away in between."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path

PAUSE_SECONDS, PATIENCE_SECONDS = 0.005, 20


def code_for(email: str, folder: Path, since: float) -> str:
    """Return the code that has come for *email* after *since*, which waits for it: the answer does not.

    Raises:
        TimeoutError: none came.
    """
    to, read = f"To: {email}", set[Path]()
    while time.time() < since + PATIENCE_SECONDS:
        for letter in sorted(set(folder.glob("*.eml")) - read, reverse=True):
            read.add(letter)
            text = _text_of(letter)
            if to in text and (found := re.search(r"^Subject:.*\b([0-9]{6})\b", text, re.MULTILINE)):
                letter.unlink()
                return found[1]
        time.sleep(PAUSE_SECONDS)
    raise TimeoutError(f"no code came for {email}")


def _text_of(letter: Path) -> str:
    """Return a letter; nothing where whoever it was for has taken it in the meantime."""
    with suppress(FileNotFoundError):
        return letter.read_text("utf-8", "replace")
    return ""


def sweep(folder: Path) -> None:
    """Throw all letters away: nobody waits for one now."""
    for letter in folder.glob("*.eml"):
        letter.unlink()
