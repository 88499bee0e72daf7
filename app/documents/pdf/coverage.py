"""Which characters a font file has, read from its index without loading the font."""

from __future__ import annotations

import struct
from pathlib import Path

from app.documents.pdf.character_maps import CharacterMap
from app.documents.pdf.font_files import read_directory


class Coverage:
    """The characters of one file.

    Raises:
        ValueError: the file is no TrueType font with a Unicode map.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._map = CharacterMap(_table(path))
        except (OSError, struct.error, ValueError) as problem:
            raise ValueError(f"{path.name} cannot be read as a font ({problem}).") from problem

    def __contains__(self, code: int) -> bool:
        return code in self._map


def _table(path: Path) -> bytes:
    with path.open("rb") as file:
        place = read_directory(file).get(b"cmap")
        if place is None:
            raise ValueError("the file has no map of characters")
        file.seek(place[0])
        return file.read(place[1])
