"""The characters that a document could not show: it shows boxes instead, and one line of the log says which."""

from __future__ import annotations

from collections.abc import Iterable

from app.runtime import logs

_NAMED = 20  # of each reason: a name in another script is told by its first letters


class MissingCharacters:
    """What was missing in one document, by reason."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, None]] = {}

    def add(self, characters: Iterable[str], reason: str) -> None:
        """Remember *characters* that were drawn as boxes."""
        for character in characters:
            found = self._found.setdefault(reason, {})
            if len(found) < _NAMED:
                found[character] = None

    def tell(self, document: str) -> None:
        """Log what was missing, a line for each reason: code points, for a name is nobody's business there."""
        for reason, found in self._found.items():
            codes = " ".join(f"U+{ord(character):04X}" for character in found)
            logs.warning("characters_not_shown", document=document, characters=codes, reason=reason)
