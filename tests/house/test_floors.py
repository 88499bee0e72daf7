"""The floors: imports point down only, commits stand in one file, and imports are late only where a reason is written."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.parsing import parsed

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Room:
    """What the files of a folder may import: other rooms of ours, and names of others beside the standard library."""

    ours: frozenset[str]
    theirs: frozenset[str]


def _room(ours: str, theirs: str) -> Room:
    return Room(frozenset(ours.split()), frozenset(theirs.split()))


# Above persistence, SQLAlchemy gives types and errors; its statements are written below.
SQL_TYPES = "sqlalchemy.exc sqlalchemy.RowMapping"
ROOMS = {
    "domain": _room("domain", ""),
    "runtime": _room("runtime", "gevent tomli tomllib"),
    "persistence": _room("persistence domain runtime", "sqlalchemy pymysql"),
    "gateways": _room("gateways domain runtime", "nacl"),
    "documents": _room("documents domain runtime", "reportlab icalendar"),
    "services": _room(
        "services documents gateways persistence domain runtime",
        f"msgspec tomli tomllib icalendar argon2 pyotp {SQL_TYPES}",
    ),
    "web": _room(
        "web services persistence domain runtime",
        f"flask werkzeug msgspec flask_compress brotli flask_login {SQL_TYPES}",
    ),
    "cli": _room("cli services persistence domain runtime", f"click flask msgspec {SQL_TYPES}"),
    "": _room("cli persistence web runtime", "flask"),
}
# file -> names it may import beyond its room, and why
EXCEPTIONS = {
    "persistence/migrate.py": {"alembic": "the migration tool, loaded when there is something to migrate"},
    "persistence/migrations/": {"alembic": "migrations are written in its words"},
    "persistence/__init__.py": {"flask": "init_app(app) names the type it is given, for the type checker alone"},
    "gateways/__init__.py": {"flask": "as above"},
    "cli/qr.py": {"reportlab": "its encoder of QR codes; a picture in a terminal is no document"},
    "web/openapi.py": {"click": "the one command that reads the routes, which the command line may not import"},
}
# file -> why it imports late
LATE = {
    "persistence/engine.py": "the MySQL driver, which takes 2 MiB that SQLite does not need",
    "documents/pdf/shaping.py": "HarfBuzz, which takes 6 MiB and only some scripts need",
    "runtime/settings.py": "the TOML reader, which only an installation with a settings file needs",
    "runtime/workers.py": "gevent's threads, which only a gevent server has",
    "persistence/schema.py": "the migration tool: 10 MiB that no request needs",
    "gateways/files.py": "the home of files that this installation has; the one in S3 takes 4 MiB",
    "services/busy_refresh.py": "the reader of calendars: 8 MiB that no run needs unless a calendar has changed",
    "web/lazy.py": "views, at their first request",
    "web/access.py": "whoever is calling: Flask-Login and the sessions, which a stranger's request for slots does without",
    "web/afterwards.py": "the outbox with its mailers, which only a request that owes a message needs",
    "web/warmup.py": "callers and the rehearsal, before a server forks",
    "web/openapi.py": "the builder, which no server needs",
    "web/openapi_build.py": "every handler, to read what it says of itself",
    "cli/groups.py": "commands, at their first use",
}
# file -> why it may commit
COMMITS = {
    "persistence/session.py": "transaction() is the one way to change anything",
    "persistence/unit_of_work.py": "the session itself, whose commit() hands on to the connection's",
    "persistence/migrate.py": "a migration is no use case: the tool has transactions of its own",
    "persistence/migrations/": "as above",
    "persistence/backup_restore.py": "a restore is no use case: it fills an empty database of any schema, all at once",
}


def _matches(file: str, table: dict[str, str] | dict[str, dict[str, str]]) -> list[str]:
    return [key for key in table if file == key or (key.endswith("/") and file.startswith(key))]


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the dotted name of everything that is imported, early or late; ``from a import b`` is a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)


def wrong_imports(file: str, source: str) -> list[str]:
    """Return what a file below ``app/`` imports against its floor's rule."""
    room = ROOMS[file.partition("/")[0] if "/" in file else ""]
    extra = {package for key in _matches(file, EXCEPTIONS) for package in EXCEPTIONS[key]}
    allowed = room.theirs | extra | {"__future__"}
    return [
        f"app/{file}:{line} imports {name}"
        for line, name in _imports(parsed(source))
        if not _may_import(name, room, allowed)
    ]


def _may_import(name: str, room: Room, allowed: frozenset[str] | set[str]) -> bool:
    first, _, rest = name.partition(".")
    if first == "app":
        return rest.partition(".")[0] in room.ours
    if first in sys.stdlib_module_names or first == "_typeshed":
        return True
    return any(f"{name}.".startswith(f"{package}.") for package in allowed)


def late_imports(file: str, source: str) -> list[str]:
    """Return the imports inside functions, and calls of ``import_module``, that no reason is written for."""
    if _matches(file, LATE):
        return []
    functions = (node for node in ast.walk(parsed(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    lines = {node.lineno for function in functions for node in ast.walk(function) if _is_late(node)}
    return [f"app/{file}:{line} imports inside a function" for line in sorted(lines)]


def _is_late(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return name in {"import_module", "__import__"}
    return isinstance(node, ast.Import | ast.ImportFrom)


def commits(file: str, source: str) -> list[str]:
    """Return the calls of ``.commit()`` and ``.begin()`` outside the file that may."""
    if _matches(file, COMMITS):
        return []
    return [
        f"app/{file}:{node.lineno} calls .{node.func.attr}()"
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"commit", "begin", "begin_nested"}
    ]


FILES = {str(path.relative_to(ROOT / "app")): path.read_text("utf-8") for path in sorted((ROOT / "app").rglob("*.py"))}


def test_imports_point_down_only() -> None:
    assert [line for file, source in FILES.items() for line in wrong_imports(file, source)] == []


def test_imports_are_late_only_where_a_reason_is_written() -> None:
    assert [line for file, source in FILES.items() for line in late_imports(file, source)] == []


def test_commits_stand_in_one_file() -> None:
    assert [line for file, source in FILES.items() for line in commits(file, source)] == []


def test_every_folder_of_the_program_is_a_room_with_a_rule() -> None:
    folders = {file.partition("/")[0] for file in FILES if "/" in file}
    assert folders == set(ROOMS) - {""}


def test_every_room_says_what_is_in_it() -> None:
    empty = [room for room in ROOMS if room and not ast.get_docstring(parsed(FILES[f"{room}/__init__.py"]))]
    assert empty == []


def test_no_folder_or_file_is_named_for_nothing() -> None:
    words = {part.removesuffix(".py") for file in FILES for part in file.split("/")}
    assert words & {"utils", "util", "helpers", "common", "base", "core", "misc"} == set()


@pytest.mark.parametrize("table", [EXCEPTIONS, LATE, COMMITS], ids=["imports", "late imports", "commits"])
def test_every_exception_names_a_file_that_is_there(table: dict[str, object]) -> None:
    assert [key for key in table if not (ROOT / "app" / key).exists()] == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("domain/slots.py", "import sqlalchemy"),
        ("domain/slots.py", "from app.runtime import logs"),
        ("domain/slots.py", "from app.persistence.session import reading"),
        ("persistence/bookings.py", "from app.services import bookings"),
        ("persistence/bookings.py", "import alembic"),
        ("persistence/bookings.py", "from flask import g"),
        ("services/bookings.py", "from flask import request"),
        ("services/bookings.py", "import werkzeug.exceptions"),
        ("services/bookings.py", "from app.web.context import now"),
        ("services/bookings.py", "def late():\n    from flask import request"),
        ("gateways/mail.py", "from app.persistence import session"),
        ("documents/pdf.py", "import sqlalchemy"),
        ("web/bookings.py", "from app.gateways import mail"),
        ("web/bookings.py", "from app import documents"),
        ("web/bookings.py", "from app.cli import groups"),
        ("cli/bookings.py", "from app.web import routes"),
        ("runtime/logs.py", "from app.services import bookings"),
        ("runtime/logs.py", "import flask"),
        ("services/bookings.py", "from . import holds"),
        ("services/bookings.py", "from sqlalchemy import select"),
        ("web/bookings.py", "import sqlalchemy"),
    ],
)
def test_an_import_that_points_up_is_noticed(file: str, source: str) -> None:
    assert wrong_imports(file, source)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (
            "services/bookings.py",
            "from app.domain import bookings\nimport json\nfrom app.persistence.session import transaction",
        ),
        ("persistence/migrations/versions/0001_first_tables.py", "from alembic import op"),
        ("runtime/startup.py", "import gevent"),
    ],
)
def test_an_import_that_points_down_is_let_through(file: str, source: str) -> None:
    assert wrong_imports(file, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import json",
        "class A:\n    def f(self):\n        from app import web",
        "def f():\n    import_module('x')",
    ],
)
def test_a_late_import_is_noticed(source: str) -> None:
    assert late_imports("services/bookings.py", source)
    assert late_imports("web/lazy.py", source) == []


@pytest.mark.parametrize("source", ["session.commit()", "with engine.begin() as c: pass", "session.begin_nested()"])
def test_a_commit_elsewhere_is_noticed(source: str) -> None:
    assert commits("services/bookings.py", source)
    assert commits("persistence/session.py", source) == []
