"""Files that people hand us: decoding, and a list of what is wrong with one, each with its place."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.errors import FieldError, Invalid

Path = tuple[str | int, ...]
MAX_FILE_BYTES = 5 * 1024 * 1024  # the largest catalogue or calendar we have met is a tenth of that
MAX_PROBLEMS = 20  # more are the same mistake again


class InvalidFile(Invalid):
    """A file that cannot be accepted; each error's ``field`` is a place in it: ``halls.toml:12: venues[0].slug``."""


class Problems:
    """Gathers what is wrong with one file; ``place`` turns a path into text for people, ``order`` into its position."""

    def __init__(self, name: str, *, place: Callable[[Path], str], order: Callable[[Path], int]) -> None:
        self._name = name
        self._place = place
        self._order = order
        self._found: list[tuple[Path, str]] = []

    def add(self, path: Path, message: str) -> None:
        """Note one problem."""
        self._found.append((path, message))

    def raise_any(self) -> None:
        """Refuse the file if anything was noted.

        Raises:
            InvalidFile: naming the first twenty problems in the order of the file.
        """
        if not self._found:
            return
        self._found.sort(key=lambda found: self._order(found[0]))
        shown = [FieldError(self._place(path), "invalid", message) for path, message in self._found[:MAX_PROBLEMS]]
        if len(self._found) > MAX_PROBLEMS:
            more = f"and {len(self._found) - MAX_PROBLEMS} more problems"
            shown.append(FieldError(self._name, "invalid", more))
        raise InvalidFile(f"{self._name} cannot be used.", shown)


def refuse_file(place: str, message: str) -> InvalidFile:
    """Return the refusal of a whole file for one reason."""
    return InvalidFile(f"{place}: {message}", [FieldError(place, "invalid", message)])


def decode(content: bytes, name: str) -> str:
    """Return the text of a UTF-8 file, with or without the mark that some editors put first.

    Raises:
        InvalidFile: it is too large, or no UTF-8.
    """
    if len(content) > MAX_FILE_BYTES:
        raise refuse_file(name, f"the file is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refuse_file(f"{name}:{line}", "the file is not UTF-8: save it as UTF-8") from None
