"""Shaping by HarfBuzz, for scripts whose glyphs depend on their neighbours: Arabic, Hebrew, the Indic ones, Thai.

It is used when ``uharfbuzz`` is installed (5 MB on disk) and loaded with the first text that needs it: it takes 6 MiB. Without it such text is shown as boxes
and told in the log: letters side by side that should join are a different, wrong name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import groupby
from typing import Any

from app.documents.pdf.typefaces import Typeface

_COMPLEX = re.compile(
    "[\u0590-\u08ff\u0900-\u0eff\u0f00-\u109f\u1780-\u17ff\u1a20-\u1aaf\u1b00-\u1cff\ua8e0-\ua8ff\uaa00-\uaaff\ufb1d-\ufdff\ufe70-\ufeff]"
)
_NO_TEXT = "\u200b"  # for a glyph whose characters are copied with another one; a map must name something


@dataclass(frozen=True, slots=True)
class PlacedGlyph:
    """A glyph, the characters it stands for, and its place in thousandths of the font size."""

    glyph: int
    text: str
    advance: int
    right: int
    up: int


def needs_shaping(text: str) -> bool:
    """Tell whether *text* has letters that take their form from their neighbours."""
    return _COMPLEX.search(text) is not None


def can_shape() -> bool:
    """Tell whether the shaper is installed."""
    return _harfbuzz() is not None


@cache
def _harfbuzz() -> Any:  # noqa: ANN401 - a module, or None when it is not installed
    try:
        return import_module("uharfbuzz")
    except ImportError:
        return None


def shape(typeface: Typeface, text: str, *, leftward: bool) -> list[PlacedGlyph]:
    """Return the glyphs of *text*, which is in one direction, from left to right as they are seen."""
    uharfbuzz = _harfbuzz()
    if typeface.shaper is None:
        typeface.shaper = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob(typeface.data)))
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if leftward else "ltr"
    uharfbuzz.shape(typeface.shaper, buffer)
    scale = 1000 / typeface.units_per_em
    texts = _texts(text, [info.cluster for info in buffer.glyph_infos], leftward=leftward)
    return [
        PlacedGlyph(
            glyph=info.codepoint,
            text=characters,
            advance=round(position.x_advance * scale),
            right=round(position.x_offset * scale),
            up=round(position.y_offset * scale),
        )
        for info, position, characters in zip(buffer.glyph_infos, buffer.glyph_positions, texts, strict=True)
    ]


def _texts(text: str, clusters: list[int], *, leftward: bool) -> list[str]:
    """Return the characters of each glyph: its own where a cluster has as many glyphs, else all of them with the first one."""
    starts = sorted(set(clusters))
    ends = dict(zip(starts, [*starts[1:], len(text)], strict=True))
    texts: list[str] = []
    for start, group in groupby(clusters):
        size = len(list(group))
        characters = text[start : ends[start]]
        if size == len(characters):
            texts += characters[::-1] if leftward else characters
        else:
            texts += [characters, *[_NO_TEXT] * (size - 1)]
    return texts
