"""``flask backup`` and ``flask restore``, as an operator runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy import select

from app.persistence import session, tables
from app.runtime.settings import load
from tests.cli.conftest import Shell


@pytest.fixture
def host(shell: Shell, shell_app: Flask, tmp_path: Path) -> Shell:
    """Return a shell of an installation with a hall; what is *said* to it is what it asks for."""
    del shell
    shell_app.extensions["settings"] = load({"INSTANCE_DIR": str(tmp_path / "instance")})
    group = FlaskGroup(create_app=lambda: shell_app, add_default_commands=False)

    def run(*args: str, said: str = "") -> Result:
        return shell_app.test_cli_runner().invoke(group, [*args], input=said)

    assert run("demo", "load").exit_code == 0
    return run


def venues() -> list[str]:
    with session.engine().connect() as connection:
        return list(connection.execute(select(tables.venues.c.slug)).scalars())


def test_a_backup_is_made_verified_and_brought_back(host: Shell, tmp_path: Path) -> None:
    file, before = tmp_path / "all.tar.gz", venues()
    made = host("backup", str(file))
    assert (made.exit_code, made.stdout.startswith(f"wrote {file}, ")) == (0, True), made.output
    verified = host("backup", "verify", str(file))
    assert verified.stdout.startswith(f"{file} is whole: "), verified.output
    assert host("catalogue", "show").exit_code == 0
    with session.engine().connect() as connection:
        connection.execute(tables.venues.update().values(slug="another"))
    done = host_says(host, "replace\n", "restore", str(file), "--replace")
    assert done.startswith("Everything in the database will be deleted.")
    assert "restored " in done
    assert venues() == before
    with session.engine().connect() as connection:
        audit = connection.execute(select(tables.audit_log.c.action).order_by(tables.audit_log.c.id.desc())).scalar()
    assert audit == "backup.restored"


def host_says(host: Shell, said: str, *args: str) -> str:
    return host(*args, said=said).output


def test_make_may_be_named_and_options_stand_anywhere(host: Shell, tmp_path: Path) -> None:
    for number, args in enumerate((("make", "{}"), ("--with-keys", "{}"), ("{}", "--with-keys"))):
        file = tmp_path / f"{number}.tar"
        done = host("backup", *(word.format(file) for word in args))
        assert done.exit_code == 0, done.output
        assert ("warning: it holds secret_key" in done.stderr) == ("--with-keys" in args)


def test_nothing_is_replaced_unless_that_is_written(host: Shell, tmp_path: Path) -> None:
    file = tmp_path / "all.tar"
    host("backup", str(file))
    with session.engine().connect() as connection:
        connection.execute(tables.venues.update().values(slug="another"))
    assert host("restore", str(file), "--replace").exit_code == 1  # nobody answers
    for said in ("no\n", "yes\n", "REPLACE\n"):
        assert "error: Nothing was changed." in host_says(host, said, "restore", str(file), "--replace")
    refused = host("restore", str(file))
    assert refused.stderr == "error: The database is not empty: restore into an empty one, or say --replace.\n"
    assert refused.exit_code == 1
    assert venues() == ["another"]


@pytest.mark.parametrize("command", [("backup", "verify"), ("restore", "--replace")])
def test_what_is_damaged_is_one_line_and_exit_1(host: Shell, tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "all.tar"
    host("backup", str(file))
    file.write_bytes(file.read_bytes()[:5000])
    done = host(*command, str(file), said="replace\n")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")
    assert venues() != []


def test_an_empty_call_shows_what_there_is(host: Shell) -> None:
    done = host("backup", "--help")
    assert done.exit_code == 0
    assert {"make", "verify"} <= set(done.stdout.split())
