"""The order in which a line is seen when it mixes scripts that run right and left: a short form of Unicode's rules.

Source: Unicode Standard Annex 9 without explicit embeddings, which :mod:`app.domain.text` refuses: strong letters, numbers
in leftward text, neutral characters between two neighbours, mirrored brackets.
"""

from __future__ import annotations

import re
from itertools import groupby
from unicodedata import bidirectional

_ANY_LEFTWARD = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]")
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
_RIGHTWARD, _LEFTWARD, _NUMBER, _NEUTRAL = "L", "R", "N", ""
_LEVELS = {_RIGHTWARD: {_RIGHTWARD: 0, _LEFTWARD: 1, _NUMBER: 2}, _LEFTWARD: {_RIGHTWARD: 2, _LEFTWARD: 1, _NUMBER: 2}}


def visual_runs(text: str) -> list[tuple[str, bool]]:
    """Return the pieces of *text* from left to right as seen, each in reading order, and whether it runs leftward."""
    if not _ANY_LEFTWARD.search(text):
        return [(text, False)]
    runs = []
    at = 0
    for level, characters in groupby(_embedding_levels(text)):
        end = at + len(list(characters))
        runs.append((level, text[at:end]))
        at = end
    for level in (2, 1):
        runs = _reversed_from(runs, level)
    return [(part.translate(_MIRRORED) if level == 1 else part, level == 1) for level, part in runs]


def _embedding_levels(text: str) -> list[int]:
    kinds = [_kind(character) for character in text]
    base = next((kind for kind in kinds if kind in {_RIGHTWARD, _LEFTWARD}), _RIGHTWARD)
    levels = _LEVELS[base]
    return [levels[kind] for kind in _without_neutrals(_numbers_by_context(kinds, base), base)]


def _kind(character: str) -> str:
    found = bidirectional(character)
    if found in {"EN", "AN"}:
        return _NUMBER
    if found in {"R", "AL"}:
        return _LEFTWARD
    return _RIGHTWARD if found == "L" else _NEUTRAL


def _numbers_by_context(kinds: list[str], base: str) -> list[str]:
    """Make the numbers that follow rightward letters a part of these."""
    last = base
    result = []
    for kind in kinds:
        last = kind if kind in {_RIGHTWARD, _LEFTWARD} else last
        result.append(_RIGHTWARD if kind == _NUMBER and last == _RIGHTWARD else kind)
    return result


def _without_neutrals(kinds: list[str], base: str) -> list[str]:
    """Give neutral characters the direction of both their neighbours, or else that of the line; marks stay with letters."""
    result: list[str] = []
    for kind, group in groupby(kinds):
        size = len(list(group))
        if kind == _NEUTRAL:
            before = result[-1] if result else base
            after = next((other for other in kinds[len(result) + size :] if other), base)
            sides = {_LEFTWARD if side == _NUMBER else side for side in (before, after)}
            kind = sides.pop() if len(sides) == 1 else base  # noqa: PLW2901 - what the neighbours make of it
        result += [kind] * size
    return result


def _reversed_from(runs: list[tuple[int, str]], level: int) -> list[tuple[int, str]]:
    """Reverse each unbroken series of runs at *level* or above."""
    result: list[tuple[int, str]] = []
    for high, series in groupby(runs, key=lambda run: run[0] >= level):
        stretch = list(series)
        result += stretch[::-1] if high else stretch
    return result
