"""Which routes only read: who calls whom, from the row of a route to the function that opens a transaction."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.house.parsing import parsed

Function = tuple[str, str]  # module, name

WRITES = {"transaction", "use_case"}


@dataclass
class _Module:
    """What a module's names stand for."""

    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # what is imported, by the name it has here: dotted


def writing_reads(sources: Mapping[str, str]) -> list[str]:
    """Return the view of each GET row below ``app.web.routes`` that reaches a transaction; *sources* are texts by module."""
    modules = {name: _read(text) for name, text in sources.items()}
    rows = [row for name, text in sources.items() if name.startswith("app.web.routes") for row in _rows(parsed(text))]
    views = [view for method, view in rows if method == "GET"]
    return [view for view in views if _writes(view, modules)]


def _rows(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield method and view of each row; a row that is written in another way is an error, not a gap."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Route":
            _, method, _, view, *_ = node.args
            yield ast.literal_eval(method), ast.literal_eval(view)


def _writes(view: str, modules: Mapping[str, _Module]) -> bool:
    module, _, name = view.rpartition(".")
    where = f"app.web.{module}"
    if name not in modules[where].functions:
        raise KeyError(view)
    return _reaches((where, name), modules, set())


def _read(text: str) -> _Module:
    module = _Module()
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.FunctionDef):
            module.functions[node.name] = node
        elif isinstance(node, ast.ImportFrom):
            module.names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return module


def _reaches(function: Function, modules: Mapping[str, _Module], seen: set[Function]) -> bool:
    """Tell whether a function opens a transaction, or calls one that does."""
    where, name = function
    module = modules.get(where)
    if function in seen or module is None or name not in module.functions:
        return False
    seen.add(function)
    node = module.functions[name]
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    if WRITES & (names | {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}):
        return True
    return any(_reaches(called, modules, seen) for called in _called(node, where, module))


def _called(node: ast.AST, where: str, module: _Module) -> Iterator[Function]:
    """Yield whatever a function names that may be a function of ours: its neighbours, and what it has imported."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and part.id in module.functions:
            yield where, part.id
        elif isinstance(part, ast.Name) and part.id in module.names:
            home, _, name = module.names[part.id].rpartition(".")
            yield home, name
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id in module.names:
            yield module.names[part.value.id], part.attr
