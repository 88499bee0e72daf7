"""Rules about source text: each is given a syntax tree and yields the lines that break it, and what does, its name first."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

Finding = tuple[int, str]
# The last word of a name says what it holds: code_mac is a MAC, hash_profile is not a hash.
SECRET = re.compile(r"(?:^|_)(?:token|hash|mac|hmac|code|otp|secret|password|digest|signature|csrf)s?$", re.IGNORECASE)
COUNTERS = ("attempts", "count", "version", "calendar_version", "failures", "tries", "uses")
CLOCKS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "gmtime", "localtime", "ctime"},
    "func": {"now", "current_timestamp", "current_date", "unix_timestamp"},  # the database's own
}
_SET = re.compile(rf"\b(?:{'|'.join(COUNTERS)})\s*=\s*(?::\w+|\?|%\(?\w*\)?s)", re.IGNORECASE)


def chance(tree: ast.AST) -> Iterator[Finding]:
    """Yield imports of ``random``, whose numbers can be foretold; secrets come from ``secrets``."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        if any(name.partition(".")[0] == "random" for name in names):
            yield node.lineno, "random can be foretold"


def comparisons(tree: ast.AST, *, columns: bool) -> Iterator[Finding]:
    """Yield ``==`` on what may be a secret: how long it takes tells how much was right. hmac.compare_digest takes always as long.

    A literal is no secret. Where *columns* says so, neither is a condition that the database will look up in an index.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare) or not any(
            isinstance(operator, (ast.Eq, ast.NotEq)) for operator in node.ops
        ):
            continue
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Constant) for side in sides) or (columns and any(map(_is_column, sides))):
            continue
        named = [name for side in sides if SECRET.search(name := _name(side))]
        if named:
            yield node.lineno, f"{named[0]} is compared with =="


def _name(node: ast.expr) -> str:
    """Return the last name of an expression: of an attribute, a variable, a key, or of the function that is called."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    if isinstance(node, ast.Subscript):
        return str(node.slice.value) if isinstance(node.slice, ast.Constant) else _name(node.value)
    if isinstance(node, ast.Await | ast.Starred):
        return _name(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_column(node: ast.AST) -> bool:
    """Tell whether an expression is a column: ``table.c.name``, or ``_C.name`` where a module names its columns so."""
    if not isinstance(node, ast.Attribute):
        return False
    base = node.value
    return (isinstance(base, ast.Name) and base.id == "_C") or (isinstance(base, ast.Attribute) and base.attr == "c")


def counters(tree: ast.AST) -> Iterator[Finding]:
    """Yield writes of a counter that do not count in SQL: of two that read 3, both would write 4."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == "values" and not _inserts(node.func):
            yield from _plain(node, [(keyword.arg or "", keyword.value) for keyword in node.keywords])
            yield from _plain(
                node, [pair for given in node.args if isinstance(given, ast.Dict) for pair in _pairs(given)]
            )
        elif isinstance(node, ast.Dict):
            yield from _read_first(node, _pairs(node))
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and "UPDATE" in node.value
            and _SET.search(node.value)
        ):
            yield node.lineno, "UPDATE sets a counter to a value"


def _inserts(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Call) and _name(part.func) in {"insert", "_insert"} for part in ast.walk(node))


def _pairs(node: ast.Dict) -> list[tuple[str, ast.expr]]:
    keys = [
        (key.value if isinstance(key, ast.Constant) else "", value)
        for key, value in zip(node.keys, node.values, strict=True)
    ]
    return [(str(key), value) for key, value in keys]


def _plain(node: ast.expr, pairs: list[tuple[str, ast.expr]]) -> Iterator[Finding]:
    for name, value in pairs:
        columns = {part.attr for part in ast.walk(value) if isinstance(part, ast.Attribute) and _is_column(part)}
        if name in COUNTERS and name not in columns:
            yield node.lineno, f"{name} is set to a value, not counted on from the column"


def _read_first(node: ast.expr, pairs: list[tuple[str, ast.expr]]) -> Iterator[Finding]:
    for name, value in pairs:
        if name in COUNTERS and isinstance(value, ast.BinOp) and not any(map(_is_column, ast.walk(value))):
            yield node.lineno, f"{name} is read, then written"


def clocks(tree: ast.AST) -> Iterator[Finding]:
    """Yield readings of a clock: below the edge, ``now`` is an argument, or what is decided cannot be tested or repeated."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            found = [alias.name for alias in node.names if alias.name in CLOCKS["time"]]
        elif isinstance(node, ast.Attribute) and node.attr in CLOCKS.get(_name(node.value), set()):
            found = [f"{_name(node.value)}.{node.attr}"]
        else:
            continue
        yield from ((node.lineno, f"{name} reads a clock") for name in found)
