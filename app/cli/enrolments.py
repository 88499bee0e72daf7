"""What is told once: the password that was made up, the second factor and the recovery codes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import click

from app.cli.output import print_json
from app.cli.qr import MAX_BYTES, terminal_qr
from app.services.users import Enrolment

_WIDEST_QR = 77  # columns, of the largest code that qr.py draws


def print_enrolment(made: Enrolment, told: str, *, password: str | None, as_json: bool) -> None:
    """Print *told*, then what the account's owner needs to sign in; *password* only where nobody has chosen it."""
    if as_json:
        print_json(_document(made, password))
        return
    click.echo(told)
    for line in _lines(made, password):
        click.echo(line)


def print_password(password: str | None) -> None:
    """Print a password that was made up, if one was."""
    if password is not None:
        click.echo(_password_line(password))


def has_room() -> bool:
    """Tell whether a QR code fits: into every file and pipe, and into a terminal that is wide enough."""
    return not sys.stdout.isatty() or shutil.get_terminal_size().columns >= _WIDEST_QR


def _lines(made: Enrolment, password: str | None) -> Iterator[str]:
    if password is not None:
        yield _password_line(password)
    if made.otpauth_uri is None:
        return
    yield ""
    yield "Scan this with an authenticator app (or type the secret in), now: none of it is shown again."
    yield ""
    if has_room() and len(made.otpauth_uri.encode()) <= MAX_BYTES:
        yield terminal_qr(made.otpauth_uri)
    yield f"Address: {made.otpauth_uri}"
    yield f"Secret: {' '.join(_groups(_secret_of(made.otpauth_uri)))}"
    yield ""
    yield "Recovery codes, each good for one sign-in without the app; keep them on paper:"
    yield from (f"  {code}" for code in made.recovery_codes)
    yield ""
    yield f"Next: sign in as {made.user.email or made.user.phone}; the app's six digits are asked for after the password."


def _password_line(password: str) -> str:
    return f"Password (shown this once): {password}"


def _document(made: Enrolment, password: str | None) -> dict[str, object]:
    uri = made.otpauth_uri
    return {
        "user": made.user,
        **({"password": password} if password is not None else {}),
        "otpauth_uri": uri,
        "totp_secret": None if uri is None else _secret_of(uri),
        "recovery_codes": made.recovery_codes,
    }


def _secret_of(uri: str) -> str:
    return parse_qs(urlsplit(uri).query)["secret"][0]


def _groups(text: str) -> list[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]
