"""``flask db``, and what all commands have in common."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pymysql
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app import cli
from app.cli.errors import Refused, plain_errors, plain_start
from app.cli.groups import LazyGroup
from app.cli.output import print_table
from app.domain.errors import Conflict, FieldError, Invalid
from app.persistence import schema, session
from app.persistence.engine import make_engine
from app.runtime.settings import SettingsError

ROOT = Path(__file__).resolve().parents[2]
Shell = Callable[..., Result]


def test_upgrade_makes_the_tables_once(bare_shell: Shell) -> None:
    first, second = bare_shell("db", "upgrade"), bare_shell("db", "upgrade")
    assert first.stdout == f"the database went from None to {schema.HEAD}\n"
    assert second.stdout == f"the database is at {schema.HEAD} already\n"
    assert (first.exit_code, second.exit_code) == (0, 0)


def test_current_fails_where_the_database_differs_from_the_program(bare_shell: Shell) -> None:
    before = bare_shell("db", "current")
    assert (before.exit_code, before.stdout) == (1, f"database  None\nprogram   {schema.HEAD}\n")
    assert before.stderr.startswith("error: they differ: run ")
    bare_shell("db", "upgrade")
    after = bare_shell("db", "current")
    assert (after.exit_code, after.stderr) == (0, "")


def test_a_command_before_the_first_upgrade_says_what_to_do(bare_shell: Shell) -> None:
    result = bare_shell("catalogue", "show")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("error: The database has no tables yet: run 'flask --app app db upgrade'")


@pytest.mark.parametrize("number", [1044, 1045, 1049, 1142])
def test_a_database_that_lets_nobody_in_is_told_in_one_line(number: int) -> None:
    failure = OperationalError("SELECT 1", {}, pymysql.err.OperationalError(number, "Access denied"))
    with pytest.raises(Refused) as refused, plain_errors():
        raise failure
    told = f"error: The database does not let us in: correct DATABASE_URL (({number}, 'Access denied'))"
    assert str(refused.value.message) == told


def test_a_database_of_a_newer_program_is_named_in_one_line(shell: Shell) -> None:
    with session.engine().connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    result = shell("db", "upgrade")
    assert result.exit_code == 1
    assert result.stderr == (
        "error: The database is at schema 9999, which this program does not know: install the newer one.\n"
    )


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.sqlite3", "mysql://nobody@127.0.0.1:9/nothing"])
def test_a_database_that_cannot_be_reached_is_one_line(bare_shell: Shell, url: str) -> None:
    engine = make_engine(url)
    session.configure(engine)
    result = bare_shell("db", "current")
    engine.dispose()
    assert result.exit_code == 1
    assert result.stderr.startswith("error: The database cannot take this now")
    assert result.stderr.count("\n") == 1


def test_a_wrong_command_line_ends_with_2(bare_shell: Shell) -> None:
    assert bare_shell("db", "downgrade").exit_code == 2
    assert bare_shell("db", "upgrade", "--fast").exit_code == 2
    assert bare_shell("database").exit_code == 2


def test_the_list_of_commands_shows_each_with_what_it_is_for(bare_shell: Shell) -> None:
    listing = bare_shell("--help").stdout
    assert all(name in listing for name in cli.GROUPS)
    assert "The database's tables" in listing


def test_no_group_is_loaded_before_it_is_used() -> None:
    program = (
        "import sys, flask; from app import cli; cli.init_app(flask.Flask('x'));"
        "print(sorted(m for m in sys.modules if m.startswith(('alembic', 'icalendar', 'app.cli.', 'app.services.cat'))))"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert result.stdout == "['app.cli.errors', 'app.cli.groups']\n"


def _run(error: Exception) -> Result:
    @click.command()
    def fail() -> None:
        with plain_errors():
            raise error

    return CliRunner().invoke(fail)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Conflict("Not now."), "error: Not now.\n"),
        (SettingsError("PORT must be a number"), "error: PORT must be a number\n"),
        (Invalid("Wrong."), "error: Wrong.\n"),
        (
            Invalid("Wrong.", [FieldError("a", "x", "too small"), FieldError("b.c", "y", "too big")]),
            "error: a: too small\nerror: b.c: too big\n",
        ),
    ],
)
def test_a_refusal_is_a_line_for_each_thing_and_exit_code_1(error: Exception, expected: str) -> None:
    result = _run(error)
    assert (result.exit_code, result.stderr) == (1, expected)


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    assert isinstance(_run(ZeroDivisionError()).exception, ZeroDivisionError)


def test_a_wrong_setting_is_one_line_in_a_shell_and_an_exception_in_a_server() -> None:
    def start() -> None:
        with plain_start():
            raise SettingsError("PORT must be a number")

    result = CliRunner().invoke(click.command()(start))
    assert (result.exit_code, result.stderr) == (1, "error: PORT must be a number\n")
    with pytest.raises(SettingsError):
        start()


def test_a_lazy_name_may_stand_for_a_command_with_options(monkeypatch: pytest.MonkeyPatch, shell_app: Flask) -> None:
    @click.command()
    @click.option("--fix", is_flag=True)
    def check(*, fix: bool) -> None:
        click.echo(f"fix={fix}")
        raise Conflict("not well")

    monkeypatch.setattr(cli, "check", check, raising=False)
    result = shell_app.test_cli_runner().invoke(LazyGroup("check", "app.cli:check", "Check."), ["--fix"])
    assert (result.exit_code, result.stdout, result.stderr) == (1, "fix=True\n", "error: not well\n")


def test_columns_line_up_whatever_the_letters(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "n"), [("日本", 1), ("e\u0301", 2), ("plain", None)])
    assert capsys.readouterr().out == "name   n\n日本   1\ne\u0301      2\nplain\n"
