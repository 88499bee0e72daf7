"""``flask messages``: the words of what is sent to people, as an operator changes them."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click
from flask.cli import AppGroup

from app.cli.operator import clock, operator
from app.cli.output import print_json, print_table
from app.domain.templates import Text
from app.domain.times import rfc3339
from app.services import message_templates as use_cases
from app.services.input_files import decode

group = AppGroup("messages", help="The words of messages: list, show, preview, edit, reset.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC.")
_file = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
_topic = click.argument("topic")
_language = click.argument("language", default="en")
_subject = click.option("--subject", metavar="LINE", help="The subject of the mail.")
_body = click.option("--body-file", type=_file, help="A text file with the words of the mail; - reads them from stdin.")
_short = click.option("--short", metavar="TEXT", help="The words of the short message.")


@group.command("list")
@_json
def list_(*, as_json: bool) -> None:
    """List the messages there are, and whose words they have.

    VERSION is empty where the program's own words stand.
    """
    found = use_cases.list_all()
    if as_json:
        print_json(found)
        return
    headers = ("topic", "language", "for", "version", "changed")
    rows = (
        (
            entry.topic,
            entry.language,
            "staff" if entry.is_for_staff else "customer",
            entry.version or "",
            "" if entry.updated_at is None else rfc3339(entry.updated_at),
        )
        for entry in found
    )
    print_table(headers, rows)


@group.command("show")
@_topic
@_language
@_json
def show(topic: str, language: str, *, as_json: bool) -> None:
    """Show the words of a message, and the fields that may stand in them.

    TOPIC is the first column of 'messages list', LANGUAGE one of en, de, hi; en if not given.
    """
    found = use_cases.get(topic, language)
    if as_json:
        print_json(found)
        return
    if found.fault:
        click.echo(f"These words are not used, the program's own are: {found.fault}", err=True)
    click.echo(f"Fields: {', '.join(found.fields)}")
    click.echo(f"Subject: {found.text.subject}\n\n{found.text.body}\n\nShort: {found.text.short}")


@group.command("preview")
@_topic
@_language
@_subject
@_body
@_short
@click.option(
    "--html", "page", type=click.File("w", "utf-8", lazy=True), help="Write the mail's page into a file, too."
)
def preview(
    topic: str, language: str, subject: str | None, body_file: Path | None, short: str | None, page: TextIO | None
) -> None:
    """Show a message as it would be sent, with samples filled in.

    With the words that stand, or with others that are not kept.
    """
    seen = use_cases.preview(topic, language, _changes(subject, body_file, short))
    click.echo(f"Subject: {seen.subject}\n\n{seen.text}\n\nShort: {seen.short}")
    if page is not None:
        page.write(seen.html)


@group.command("edit")
@_topic
@_language
@_subject
@_body
@_short
def edit(topic: str, language: str, subject: str | None, body_file: Path | None, short: str | None) -> None:
    """Change the words of a message; what is not given stays as it is.

    Messages that are sent from now on use them, those that wait to be sent too.
    """
    changes = _changes(subject, body_file, short)
    if not changes:
        raise click.UsageError("Say what to change: --subject, --body-file, --short.")
    before = use_cases.get(topic, language)
    now = {"subject": before.text.subject, "body": before.text.body, "short": before.text.short}
    text = Text(**{**now, **changes})
    after = use_cases.put(topic, language, text, version=before.entry.version, by=operator(), now=clock())
    click.echo(f"changed {topic} in {language}: version {after.entry.version}")


@group.command("reset")
@_topic
@_language
def reset(topic: str, language: str) -> None:
    """Have the program's own words back."""
    use_cases.reset(topic, language, version=None, by=operator(), now=clock())
    click.echo(f"{topic} in {language} says the program's own words again")


def _changes(subject: str | None, body_file: Path | None, short: str | None) -> dict[str, str]:
    body = None
    if body_file is not None:
        with click.open_file(str(body_file), "rb") as file:
            body = decode(file.read(), str(body_file))
    given = {"subject": subject, "body": body, "short": short}
    return {name: words for name, words in given.items() if words is not None}
