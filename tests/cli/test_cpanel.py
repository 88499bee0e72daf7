"""``flask cpanel``, as whoever puts the program on a shared host runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from app.cli import cpanel
from app.services.doctor_host import PASSENGER_WSGI

Shell = Callable[..., Result]


@pytest.fixture
def account(bare_shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Return a shell in a home with the program in ``slotkeeper``; nothing asks the database, which has no tables."""
    for name in ("slotkeeper", "public_html"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(cpanel, "ROOT", tmp_path / "slotkeeper")
    return lambda *args: bare_shell("cpanel", *args)


def test_init_writes_the_files_says_which_and_prints_the_lines_for_cron(account: Shell, tmp_path: Path) -> None:
    result = account("init")
    assert (result.exit_code, result.stderr) == (0, "")
    home = tmp_path
    assert result.stdout.splitlines()[:3] == [
        f"made {home}/slotkeeper/passenger_wsgi.py",
        f"made {home}/public_html/.htaccess",
        f"made {home}/public_html/maintenance.html",
    ]
    assert result.stdout.count("* * * *") == 1
    assert " -m flask --app app cron " in result.stdout
    assert (home / "slotkeeper/passenger_wsgi.py").read_text() == PASSENGER_WSGI


def test_init_again_changes_nothing(account: Shell, tmp_path: Path) -> None:
    account("init")
    before = (tmp_path / "public_html/.htaccess").stat()
    result = account("init")
    assert result.stdout.startswith("all files are as they should be\n")
    assert (tmp_path / "public_html/.htaccess").stat() == before


def test_a_dry_run_shows_what_would_change_and_writes_nothing(account: Shell, tmp_path: Path) -> None:
    result = account("init", "--dry-run")
    assert "+application = create_app()\n" in result.stdout
    assert "nothing was written\n" in result.stdout
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".sqlite3"] == []


def test_what_is_somebody_elses_is_refused_in_one_line(account: Shell, tmp_path: Path) -> None:
    path = tmp_path / "slotkeeper/passenger_wsgi.py"
    path.write_text("from shop import application\n")
    result = account("init")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(f"error: {path} is not ours")
    assert account("init", "--force").exit_code == 0
    assert path.read_text() == PASSENGER_WSGI


def test_check_says_what_to_do_and_exits_with_1_until_it_is_done(account: Shell) -> None:
    result = account("check")
    assert result.exit_code == 1
    assert "FAIL  wsgi file" in result.stdout
    assert "-> run 'flask --app app cpanel init'" in result.stdout
    account("init")
    assert account("check").exit_code == 0


def test_check_is_json_for_monitors(account: Shell, tmp_path: Path) -> None:
    account("init")
    document = json.loads(account("check", "--json").stdout)
    assert (document["ok"], document["failures"]) == (True, 0)
    (tmp_path / "public_html/maintenance.on").touch()
    result = account("check", "--json")
    assert (result.exit_code, json.loads(result.stdout)["warnings"]) == (0, 1)


def test_another_docroot_is_named(account: Shell, tmp_path: Path) -> None:
    shown = tmp_path / "book.example.org"
    assert account("init", "--docroot", str(shown)).stderr.startswith(f"error: There is no folder {shown}")
    shown.mkdir()
    assert account("init", "--docroot", str(shown)).exit_code == 0
    assert (shown / ".htaccess").exists()
