"""Passwords typed at a shell: asked for twice and never shown, read from a pipe, or made up and told once."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from typing import Any

import click

from app.domain.errors import Invalid

MOST_BYTES = 4096  # of the line that is read; 128 characters are the most that a password has
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else on paper
_GROUPS, _GROUP_LENGTH = 4, 5  # 20 characters of these 31: 99 bits


def password_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the two options that say where the password comes from, if not from the keyboard."""
    stdin = click.option("--password-stdin", "from_stdin", is_flag=True, help="Read it from the first line of stdin.")
    generate = click.option(
        "--generate-password", "generate", is_flag=True, help="Make a strong one up; print it once."
    )
    return stdin(generate(command))


def choose_password(*, from_stdin: bool, generate: bool) -> str:
    """Return a new password, as it was given; whether it may be one is for the use case to say.

    Raises:
        Invalid: there is nobody to ask, or what was read is no text.
    """
    if from_stdin and generate:
        raise click.UsageError("--password-stdin and --generate-password exclude each other.")
    if generate:
        return generate_password()
    return _read_line() if from_stdin else _ask()


def generate_password() -> str:
    """Return a password of 99 bits in groups that can be copied by hand."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))


def _read_line() -> str:
    line = sys.stdin.buffer.readline(MOST_BYTES)
    try:
        text = line.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Invalid.field("password", "invalid", "What came on stdin is no text in UTF-8.") from None
    if not text:
        raise Invalid.field("password", "required", "Nothing came on stdin: write the password as its first line.")
    return text


def _ask() -> str:
    if not sys.stdin.isatty():
        message = "There is no terminal to ask at: use --password-stdin or --generate-password."
        raise Invalid.field("password", "required", message)
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
    return answer
