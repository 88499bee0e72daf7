"""``flask doctor``, as an operator or a deployment script runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text

from app.persistence import session
from app.runtime.settings import load

Shell = Callable[..., Result]


@pytest.fixture
def host(shell_app: Flask, bare_shell: Shell, tmp_path: Path) -> Shell:
    """Return a shell of an application with settings, on a database without tables."""
    shell_app.extensions["settings"] = load({"INSTANCE_DIR": str(tmp_path / "instance")})
    return bare_shell


def test_a_sound_installation_is_a_line_for_each_check_and_exit_0(host: Shell) -> None:
    host("db", "upgrade")
    result = host("doctor")
    *lines, summary = result.stdout.splitlines()
    assert result.exit_code == 0, result.stdout
    findings = [line for line in lines if line[:6] in {"OK    ", "WARN  ", "FAIL  "}]
    assert not [line for line in findings if line.startswith("FAIL")]
    assert any(line.startswith("OK    overlaps ") for line in findings)
    assert summary.endswith(", 0 wrong")
    assert [line for line in lines if line and line not in findings] == [
        "The installation",
        "The host",
        "The database",
        "Cron and messages",
        "Bookings",
        "Files",
    ]


def test_what_is_wrong_says_what_to_do_and_exits_with_1(host: Shell) -> None:
    result = host("doctor")
    assert result.exit_code == 1
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("FAIL"))
    assert line.startswith("FAIL  schema ")
    assert line.endswith(" -> run 'flask --app app db upgrade'")
    assert result.stdout.splitlines()[-1].endswith(", 1 wrong")


def test_fix_mends_the_mode_of_the_key_file(host: Shell, tmp_path: Path) -> None:
    host("db", "upgrade")
    key = tmp_path / "instance" / "secret_key"
    key.chmod(0o640)
    assert "FAIL  secret_key " in host("doctor").stdout
    assert host("doctor", "--fix").exit_code == 0
    assert key.stat().st_mode & 0o777 == 0o600


def test_json_is_one_document_with_the_same_findings(host: Shell) -> None:
    host("db", "upgrade")
    host("demo", "load")
    with session.engine().connect() as connection:
        connection.execute(text("INSERT INTO occupancies (resource_id, starts, ends, units) VALUES (1, 10, 20, 1)"))
    result = host("doctor", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["ok"]) == (1, False)
    assert document["failures"] == 1
    (wrong,) = (check for check in document["checks"] if check["level"] == "FAIL")
    assert wrong["group"] == "Bookings"
    assert wrong["detail"] == "row 1 of occupancies belongs to no booking and no hold"


def test_a_test_mail_is_sent_where_that_is_wished(host: Shell, shell_app: Flask, tmp_path: Path) -> None:
    settings = shell_app.extensions["settings"]
    shell_app.extensions["settings"] = replace(settings, mail_url=f"file:{tmp_path}/mail")
    host("db", "upgrade")
    assert "A test mail" not in host("doctor").stdout
    assert not (tmp_path / "mail").exists()
    assert "A test mail\nOK    mail " in host("doctor", "--mail-to", "ada@example.org").stdout
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1
    assert host("doctor", "--mail-to", "nobody").exit_code == 1


def test_no_secret_is_told(host: Shell, shell_app: Flask) -> None:
    settings = replace(shell_app.extensions["settings"], mail_url="smtp://ada:gEh31m@127.0.0.1:9")
    shell_app.extensions["settings"] = settings
    host("db", "upgrade")
    for args in (("--json",), ("--mail-to", "ada@example.org")):
        text = host("doctor", *args).output
        assert settings.secret_key not in text
        assert "gEh31m" not in text
