"""``flask api-keys``: keys of servers that call the interface."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import click
import msgspec
from flask.cli import AppGroup

from app.cli.operator import clock, operator
from app.cli.output import print_json, print_table
from app.domain.errors import Invalid
from app.domain.permissions import KEY_SCOPES
from app.domain.times import UTC, rfc3339
from app.persistence.api_keys import ApiKey, list_keys
from app.persistence.catalogue import list_catalogue
from app.persistence.session import reading
from app.services import api_keys as use_cases
from app.services.blackouts import find_place

MOST_LISTED = 10_000
Instant = Annotated[datetime, msgspec.Meta(tz=True)]

group = AppGroup("api-keys", help="Keys of servers that call the interface: create, list, revoke.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC.")


@group.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice([*KEY_SCOPES]),
    help=f"What it may do: {'; '.join(f'{scope}, {about}' for scope, about in KEY_SCOPES.items())}. Again for more.",
)
@click.option("--venue", default="", metavar="SLUG", help="For one venue instead of all.")
@click.option(
    "--expires",
    default="",
    metavar="TIME",
    help="Good until then; a day alone is its beginning, in UTC. Never, if not given.",
)
@_json
def create(name: str, scopes: tuple[str, ...], venue: str, expires: str, *, as_json: bool) -> None:
    """Make a key and print it, this once.

    NAME says what it is for. TIME is a day, as "2027-01-01", or an instant, as "2027-01-01T09:00:00+01:00".
    """
    venue_id = find_place(venue).venue_id if venue else None
    expires_at = _instant(expires) if expires else None
    key, entry = use_cases.create(name, scopes, venue_id=venue_id, expires_at=expires_at, by=operator(), now=clock())
    if as_json:
        print_json({"key": key, "entry": entry})
        return
    click.echo(f"made key {entry.id} for {entry.name}: {', '.join(entry.scopes)}")
    click.echo(key)
    click.echo("Keep it now: it is not stored and not shown again. Send it as 'Authorization: Bearer KEY'.")


@group.command("list")
@_json
def list_(*, as_json: bool) -> None:
    """List keys in the order they were made.

    Those that are revoked or over are listed, too. The keys themselves are not stored: PREFIX is how each begins.
    """
    found = list_keys(reading(), limit=MOST_LISTED)
    if as_json:
        now = clock()
        print_json([{**asdict(key), "state": _state(key, now)} for key in found])
    else:
        headers = ("id", "prefix", "state", "name", "scopes", "venue", "expires", "used")
        print_table(headers, _rows(found))


@group.command("revoke")
@click.argument("key_id", type=click.IntRange(1, 2**62), metavar="ID")
def revoke(key_id: int) -> None:
    """Make a key open nothing any more.

    From the next request on. ID is the first column of 'api-keys list'.
    """
    use_cases.revoke(key_id, by=operator(), now=clock())
    click.echo(f"revoked key {key_id}")


def _instant(text: str) -> datetime:
    """Return an instant, in UTC.

    Raises:
        Invalid: it is none.
    """
    is_day = len(text) == len("2027-01-01")
    try:
        return msgspec.convert(f"{text}T00:00:00Z" if is_day else text, Instant).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        message = f"{text!r} is no time: write it as '2027-01-01' or '2027-01-01T09:00:00Z'."
        raise Invalid.field("--expires", "invalid", message) from None


def _rows(found: list[ApiKey]) -> Iterator[tuple[object, ...]]:
    now = clock()
    venues = {venue.id: venue.entry.slug for venue in list_catalogue(reading()).values()}
    for key in found:
        venue = "(all)" if key.venue_id is None else venues[key.venue_id]
        times = (_text(key.expires_at, "never"), _text(key.used_at, "never"))
        yield (key.id, key.prefix, _state(key, now), key.name, ",".join(key.scopes), venue, *times)


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "over" if key.expires_at is not None and key.expires_at <= now else "good"


def _text(at: datetime | None, otherwise: str) -> str:
    return otherwise if at is None else rfc3339(at)
