"""Which of the languages there are can be printed here: a language takes fonts that have its letters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from functools import lru_cache
from pathlib import Path

from app.documents.messages import TABLE
from app.documents.pdf.library import library
from app.documents.pdf.shaping import can_shape, needs_shaping
from app.runtime import logs


def printable(language: str, packs: Path | None) -> str:
    """Return *language*, or English where this installation could only print boxes; the log says what is missing."""
    missing = _missing(language, packs) if language in TABLE else "its words"
    if missing:
        logs.warning("language_not_printable", language=language, missing=missing, instead="en")
        return "en"
    return language


@lru_cache(maxsize=8)
def _missing(language: str, packs: Path | None) -> str:
    """Return what the words of a language want that is not here; found out once a process."""
    text = "".join(_words(astuple(TABLE[language])))
    fonts = library(packs)
    if any(not fonts.has(character) for character in set(text)):
        return "a font with its letters in FONT_DIR"
    return "" if not needs_shaping(text) or can_shape() else "uharfbuzz, which joins its letters"


def _words(value: object) -> Iterator[str]:
    """Yield every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _words(tuple(value.values()))
    elif isinstance(value, tuple):
        for item in value:
            yield from _words(item)
