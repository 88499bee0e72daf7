"""The program with whims, for tests of what a server makes of them: files in its ``tmp`` say which it has just now.

``pause`` holds an export after its first chunks until the file is gone; ``break`` lets it fail there.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from app import create_app
from app.services import booking_exports

PAUSE, BREAK = Path("tmp/pause"), Path("tmp/break")
CHUNKS = 2  # before a whim


def whimsical(make: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
    def chunks(*args: Any, **named: Any) -> Iterator[bytes]:
        for number, chunk in enumerate(make(*args, **named)):
            yield chunk
            if number + 1 == CHUNKS:
                while PAUSE.exists():
                    time.sleep(0.02)
                if BREAK.exists():
                    raise RuntimeError("a whim")

    return chunks


def echo(text: str) -> dict[str, str]:
    """Say what came of the path."""
    return {"text": text}


def quit_() -> None:
    """Leave, as a library might that thinks it is a program."""
    sys.exit(3)


def who() -> dict[str, int]:
    """Say which process answers, and as whom it runs."""
    return {"pid": os.getpid(), "uid": os.getuid()}


booking_exports.iter_csv = whimsical(booking_exports.iter_csv)
application = create_app()
application.add_url_rule("/echo/<path:text>", view_func=echo)
application.add_url_rule("/quit", view_func=quit_)
application.add_url_rule("/who", view_func=who)
