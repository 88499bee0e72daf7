"""``flask audit``: what was done, by whom and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from app.cli.exports import write_whole
from app.cli.output import print_json, print_table
from app.domain.times import UTC, rfc3339
from app.persistence.audit import NEWEST, AuditFilter, list_newest
from app.persistence.session import reading
from app.services import audit as use_cases

MOST_LISTED = 10_000
_when = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])

group = AppGroup("audit", help="What was done, by whom and when: list, export.")


def _filters(command: Any) -> Any:  # noqa: ANN401 - click's decorators have no better type
    options = (
        click.option(
            "--actor", default="", metavar="WHO", help='As the log has it: "admin:7", "guest", "operator:ada".'
        ),
        click.option(
            "--action", default="", metavar="WHAT", help='"booking.cancelled", or "sign_in.*" for all of a kind.'
        ),
        click.option("--object", "subject", default="", metavar="WHICH", help='"booking:7H2KQ4WX", "user:7".'),
        click.option("--from", "since", type=_when, help="From this day or time on, in UTC."),
        click.option("--to", "until", type=_when, help="Up to this day or time, exclusive, in UTC."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@group.command("list")
@_filters
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=100, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC.")
def list_(*, limit: int, as_json: bool, **which: Any) -> None:  # noqa: ANN401 - the filters, as click hands them on
    """List entries, the newest first."""
    found = list_newest(reading(), _filter(**which), before=NEWEST, limit=limit + 1)
    if as_json:
        print_json(found[:limit])
    else:
        rows = ((e.id, rfc3339(e.at), e.action, e.object, e.actor, e.address, e.detail) for e in found[:limit])
        print_table(("id", "at", "action", "object", "actor", "address", "detail"), rows)
    if len(found) > limit:
        click.echo(f"there are more than these {limit}: raise --limit, or ask for less", err=True)


@group.command("export")
@_filters
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), default="jsonl", show_default=True)
@click.option("--bom", is_flag=True, help="A byte order mark in front of CSV, for old spreadsheets.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write; it must not exist.",
)
def export(*, kind: str, bom: bool, output: Path, **which: Any) -> None:  # noqa: ANN401 - as above
    """Write entries into a file, the oldest first."""
    makers: dict[str, Callable[[AuditFilter], Iterator[bytes]]] = {
        "csv": partial(use_cases.iter_csv, bom=bom),
        "jsonl": use_cases.iter_json_lines,
    }
    write_whole(output, makers[kind](_filter(**which)))


def _filter(*, actor: str, action: str, subject: str, since: datetime | None, until: datetime | None) -> AuditFilter:
    return use_cases.checked(AuditFilter(actor, action, subject, _utc(since), _utc(until)))


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)
