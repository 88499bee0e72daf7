"""Every command that the pages for people name exists, with the options they give it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app.cli import GROUPS
from app.cli.groups import LazyGroup
from app.web import openapi

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_COMMAND = re.compile(r"(?:scripts/slotkeeper|flask(?: --app app)?) ([a-z][^`\n]*)")
_END = re.compile(r"\s+#|\s*(?:&&|[;|)]|\d?>)")  # a remark, or what belongs to the shell


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command that a page names, those in a line of several included."""
    for found in _COMMAND.finditer(text):
        told = re.sub(r"\$\([^)]*\)", "X", found[1])
        for other in re.split(r"flask(?: --app app)? ", told):
            yield shlex.split(_END.split(other)[0])


def every_command() -> dict[str, click.Command]:
    """Return the groups as they are when they are used, by name."""
    return {name: LazyGroup(name, *told)._load() for name, told in GROUPS.items()} | {"openapi": openapi.write}


def refusal(words: list[str]) -> str:
    """Return why the program would not take a command; nothing where it would."""
    command: click.Command = click.Group(commands=every_command())
    context = click.Context(command)
    try:
        while isinstance(command, click.Group) and words:
            name, found, rest = command.resolve_command(context, words)
            if found is None:
                return f"there is no command {words[0]}"
            context = found.make_context(name, [*rest], parent=context, resilient_parsing=True)
            is_group = isinstance(found, click.Group)  # which may have put in front a word that need not be said
            command, words = found, [*context._protected_args, *context.args] if is_group else rest
        command.make_parser(click.Context(command)).parse_args([*words])  # of the strict kind
    except click.UsageError as error:
        return error.format_message()
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documented_commands_exist(page: Path) -> None:
    refused = {" ".join(words): refusal(words) for words in commands(page.read_text(encoding="utf-8"))}
    assert {words: why for words, why in refused.items() if why} == {}


def test_a_command_or_an_option_that_does_not_exist_is_found() -> None:
    text = "`flask --app app doctor --fix; flask --app app doctor --mend` and `scripts/slotkeeper users invent X # why`"
    assert [bool(refusal(words)) for words in commands(text)] == [False, True, True]
