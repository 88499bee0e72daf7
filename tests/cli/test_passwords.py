"""Passwords that are typed: at a terminal of their own, in a process of their own, as a person sees it."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.passwords import generate_password

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ("users", "create", "--role", "admin", "--name", "Ada", "--email", "ada@example.org")
# A process of its own opens the terminal: to fork this one, with its threads, would not be safe.
TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
SECONDS = 60  # until it counts as hung


class Terminal:
    """A command at a terminal: what it has shown, and somebody who types when asked."""

    def __init__(self, command: subprocess.Popen[bytes]) -> None:
        self._command, self.shown = command, ""

    def answer(self, question: str, text: str) -> None:
        """Type *text* once *question* is the last that the terminal shows."""
        while not self.shown.endswith(question):
            assert self._read(), f"it ended without asking {question!r}: {self.shown}"
        assert self._command.stdin
        self._command.stdin.write(f"{text}\n".encode())
        self._command.stdin.flush()
        self.shown += "(answered)"

    def end(self) -> int:
        """Wait for the end and return the exit code."""
        while self._read():
            pass
        return self._command.wait(SECONDS)

    def _read(self) -> bool:
        assert self._command.stdout
        ready, _, _ = select.select([self._command.stdout], [], [], SECONDS)
        assert ready, f"nothing came for {SECONDS} seconds: {self.shown}"
        piece = os.read(self._command.stdout.fileno(), 65536)
        self.shown += piece.decode("utf-8", "replace")
        return bool(piece)


@pytest.fixture
def terminal(sqlite_url: str, tmp_path: Path) -> Iterator[Terminal]:
    """Return a terminal in which an admin is being made."""
    environ = {
        **os.environ,
        "ENVIRONMENT": "test",
        "INSTANCE_DIR": str(tmp_path / "instance"),
        "DATABASE_URL": sqlite_url,
        "HASH_PROFILE": "cheapest",
        "COLUMNS": "100",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    argv = [sys.executable, "-c", TERMINAL, sys.executable, "-m", "flask", "--app", "app", *COMMAND]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environ) as command:
        yield Terminal(command)
        command.kill()


def test_a_typed_password_is_asked_for_twice_and_never_shown(terminal: Terminal) -> None:
    terminal.answer("Password: ", "kalte Suppe 77")
    terminal.answer("The same again: ", "kalte Suppe 77")
    assert terminal.end() == 0, terminal.shown
    assert "created ada@example.org (admin, id 1)" in terminal.shown
    assert "Suppe" not in terminal.shown
    assert "\x1b[38;5;16;48;5;231m" in terminal.shown, "a terminal of 100 columns has the room for a QR code"


def test_two_passwords_that_differ_are_asked_for_again(terminal: Terminal) -> None:
    terminal.answer("Password: ", "kalte Suppe 77")
    terminal.answer("The same again: ", "kalte Suppe 78")
    terminal.answer("Password: ", "password1")
    terminal.answer("The same again: ", "password1")
    assert terminal.end() == 1
    assert "do not match" in terminal.shown
    assert "error: password: The password is one that is tried first" in terminal.shown
    assert "Suppe" not in terminal.shown


def test_passwords_that_are_made_up_differ_and_can_be_read_out() -> None:
    made = {generate_password() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"([a-hjkmnp-z2-9]{5}-){3}[a-hjkmnp-z2-9]{5}", password) for password in made)
