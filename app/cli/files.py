"""Files named on the command line."""

from __future__ import annotations

from pathlib import Path

from app.services.input_files import MAX_FILE_BYTES, refuse_file


def read_file(name: str) -> bytes:
    """Return a file's content; no more of it is read than may be used.

    Raises:
        InvalidFile: it cannot be read.
    """
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise refuse_file(name, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise refuse_file(ascii(name), "is no file name") from None
