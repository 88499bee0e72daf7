"""Whoever does what docs/deploy-cpanel.md says, line by line and without a shell of their own, gets a program that is well."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SECRET_KEY
from tests.system import servers

pytestmark = pytest.mark.long

PAGE = servers.ROOT / "docs/deploy-cpanel.md"
STUB = (
    "import sys\n\n\ndef application(environ, start_response):\n    message = 'It works!\\n'\n"  # what the panel writes
)
FOLDERS = ("app", "scripts")


def blocks(kind: str, heading: str) -> list[str]:
    """Return the fenced blocks of a kind below a heading of the page."""
    text = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(rf"^ *```{kind}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found


class Account:
    """A home as a host gives it, where commands are run as cron runs them: from the home, with next to no environment."""

    def __init__(self, home: Path, database: servers.MariaDB) -> None:
        self.home, self.program = home, home / "slotkeeper"
        (home / "public_html").mkdir(parents=True)
        (self.program / "instance").mkdir(parents=True)
        for name in FOLDERS:
            shutil.copytree(servers.ROOT / name, self.program / name, ignore=shutil.ignore_patterns("__pycache__"))
        for path in servers.ROOT.glob("*.txt"):
            shutil.copy(path, self.program)
        self.write("passenger_wsgi.py", STUB)
        python = home / "virtualenv/slotkeeper/3.11/bin/python"
        python.parent.mkdir(parents=True)
        # As the environment that the panel makes: packages are installed already, so that nothing is fetched.
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        self.write("instance/slotkeeper.toml", self.settings(database))

    def settings(self, database: servers.MariaDB) -> str:
        """Return what the page lets people write, with a key and with the database of this test."""
        (told,) = blocks("toml", "In seven steps")
        told = re.sub(r'secret_key = "\.\.\."', f'secret_key = "{SECRET_KEY}"', told)
        return told.replace("account_user:password@localhost", f"account_user:pass%40word@127.0.0.1:{database.port}")

    def write(self, name: str, content: str) -> None:
        path = self.program / name
        path.write_text(content, encoding="utf-8")
        path.chmod(0o600)

    def cron(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line as cron does, which takes ``\\%`` for the sign itself."""
        environ = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
        environ["PASSENGER_VERSION"] = "6.0.23"  # runs every Python; which one this machine has is not the question
        command = ["/bin/sh", "-c", line.replace("\\%", "%")]
        return subprocess.run(
            command, cwd=self.home, env=environ, capture_output=True, text=True, timeout=120, check=False
        )

    def read(self, name: str) -> str:
        return (self.program / name).read_text(encoding="utf-8")


@pytest.fixture
def account(mariadb_server: servers.MariaDB, tmp_path: Path) -> Iterator[Account]:
    mariadb_server.run(
        "CREATE DATABASE account_slotkeeper CHARACTER SET utf8mb4",
        "CREATE USER account_user IDENTIFIED BY 'pass@word'",
        "GRANT ALL ON account_slotkeeper.* TO account_user",
    )
    yield Account(tmp_path / "account", mariadb_server)
    mariadb_server.run("DROP DATABASE account_slotkeeper", "DROP USER account_user")


def test_the_lines_for_cron_install_the_program_and_make_an_admin(account: Account) -> None:
    setup, admin = blocks("sh", "Without a shell")
    account.cron(setup)
    told = account.read("instance/setup.txt")
    assert re.search(r"\n[1-9][0-9]* well, [0-9]+ to look at, 0 wrong$", told.strip()), told
    assert (account.home / "public_html/.htaccess").exists()
    assert "create_app()" in account.read("passenger_wsgi.py")

    account.cron(admin)
    told = account.read("instance/admin.txt")
    assert "Password (shown this once): " in told, told
    assert (account.program / "instance/admin.txt").stat().st_mode & 0o077 == 0

    written = {name: account.read(f"instance/{name}") for name in ("setup.txt", "admin.txt")}
    for line in (setup, admin):  # which cron runs again, five minutes later
        again = account.cron(line)
        assert (again.stdout, again.stderr) == ("", ""), "cron would send that as a mail"
    assert {name: account.read(f"instance/{name}") for name in written} == written

    (line,) = blocks("sh", "Backup")
    done = account.cron(line)
    assert (done.stdout, done.returncode) == ("", 0), account.read("instance/backup.log")
    (backup,) = (account.home / "backups").iterdir()
    assert re.fullmatch(r"slotkeeper-20[0-9]{2}-[0-9]{2}-[0-9]{2}\.tar\.gz", backup.name)
    assert backup.stat().st_mode & 0o077 == 0


def test_a_line_that_goes_wrong_says_so_in_its_file(account: Account) -> None:
    setup, _ = blocks("sh", "Without a shell")
    account.write(
        "instance/slotkeeper.toml", account.read("instance/slotkeeper.toml").replace("pass%40word", "another")
    )
    account.cron(setup)
    told = account.read("instance/setup.txt")
    assert told.splitlines()[-1].startswith("error: The database does not let us in: correct DATABASE_URL")
    assert "Traceback" not in told
