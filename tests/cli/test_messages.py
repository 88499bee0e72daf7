"""``flask messages``, as an operator types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app.cli import messages as commands
from app.documents.notices.topics import TOPICS
from app.services import message_templates
from tests.cli.conftest import Clock, Shell
from tests.services.door import NOW

TOPIC = "booking.confirmed"


@pytest.fixture
def shell_app(app: Flask) -> Flask:
    """Return the whole program, on a database of each kind."""
    return app


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "clock", Clock(NOW))


def _done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def _refused(result: Result) -> list[str]:
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    return result.stderr.splitlines()


def test_words_are_edited_from_a_file_and_had_back(shell: Shell, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("Grüße,\r\nbis {{ when }}!\n", encoding="utf-8-sig")
    said = _done(shell("messages", "edit", TOPIC, "de", "--body-file", str(words), "--subject", "Fest: {{ ref }}"))
    assert said == "changed booking.confirmed in de: version 1\n"
    found = message_templates.get(TOPIC, "de").text
    assert (found.subject, found.body) == ("Fest: {{ ref }}", "Grüße,\nbis {{ when }}!")
    assert found.short.startswith("Gebucht: ")  # as it was
    assert "Grüße,\nbis {{ when }}!" in _done(shell("messages", "show", TOPIC, "de"))
    (line,) = (line for line in _done(shell("messages", "list")).splitlines() if "2027" in line)
    assert line.split() == [TOPIC, "de", "customer", "1", "2027-06-01T08:00:00Z"]
    _done(shell("messages", "reset", TOPIC, "de"))
    assert not message_templates.get(TOPIC, "de").entry.is_changed
    assert _refused(shell("messages", "reset", TOPIC, "de")) == ["error: The program's own words stand already."]


def test_what_is_wrong_is_told_line_by_line_and_nothing_is_kept(shell: Shell, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("a\n{{ code }}\n{{#if ref}}")
    lines = _refused(shell("messages", "edit", TOPIC, "--body-file", str(words), "--short", "x" * 481))
    assert [line.partition(" there")[0] for line in lines][1:2] == ["error: body: Line 2:"]
    assert [line.split(": ")[1:3] for line in lines] == [["body", "Line 3"], ["body", "Line 2"], ["short", "Line 1"]]
    assert not message_templates.get(TOPIC, "en").entry.is_changed


def test_a_look_shows_samples_and_writes_the_page(shell: Shell, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    said = _done(shell("messages", "preview", TOPIC, "--subject", "Booked: {{ ref }}", "--html", str(page)))
    assert said.startswith("Subject: Booked: 2345678CFG\n\nHello Ada Lovelace,")
    assert "\nShort: Booked: Badminton court" in said
    assert page.read_text().startswith('<!doctype html>\n<html lang="en">')
    assert not message_templates.get(TOPIC, "en").entry.is_changed


def test_json_is_for_programs(shell: Shell) -> None:
    assert len(json.loads(_done(shell("messages", "list", "--json")))) == 3 * len(TOPICS)
    found = json.loads(_done(shell("messages", "show", "code.sign_in", "hi", "--json")))
    assert found["entry"]["language"] == "hi"
    assert found["required"] == ["code"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "booking.sung_for"), "There are no words for booking.sung_for in en"),
        (("preview", TOPIC, "fr"), "There are no words for booking.confirmed in fr"),
        (("edit", TOPIC, "fr", "--short", "x"), "There are no words for booking.confirmed in fr"),
        (("reset", TOPIC, "fr"), "There are no words for booking.confirmed in fr"),
    ],
)
def test_words_that_there_are_not_are_told(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    (line,) = _refused(shell("messages", *arguments))
    assert line == f"error: {said}; the languages are en, de, hi."


def test_an_edit_says_what_to_change(shell: Shell) -> None:
    result = shell("messages", "edit", TOPIC)
    assert result.exit_code == 2
    assert "--subject" in result.stderr


def test_a_page_that_cannot_be_written_is_told(shell: Shell, tmp_path: Path) -> None:
    result = shell("messages", "preview", TOPIC, "--html", str(tmp_path / "no" / "page.html"))
    assert result.exit_code == 1
    assert "No such file" in result.stderr
