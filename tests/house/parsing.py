"""The program's files as trees, each read once for all the rules."""

from __future__ import annotations

import ast
from functools import cache


@cache
def parsed(source: str) -> ast.Module:
    """Return the tree of a file's text; nobody changes it."""
    return ast.parse(source)
