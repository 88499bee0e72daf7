"""``flask customers``: who they are, what they booked, who is there twice, and what the law asks for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.operator import clock, operator
from app.cli.output import print_json, print_table
from app.domain.bookings import STATES
from app.domain.errors import Conflict, Invalid
from app.domain.times import UTC
from app.persistence.customer_desk import NEWEST
from app.runtime.settings import Settings
from app.services import booking_lists, customers, privacy, privacy_archive
from app.services.booking_lists import Question
from app.services.customers import CustomerChanges

_SHOWN = 20  # bookings of a customer
_EVER = (datetime(1971, 1, 1, tzinfo=UTC), datetime(9990, 1, 1, tzinfo=UTC))
group = AppGroup("customers", help="Customers: list, show, change, merge, duplicates, archive, erase.")
_id = click.argument("customer_id", metavar="ID", type=click.IntRange(1))
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC.")
_limit = click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")


@group.command("list")
@click.argument("text", default="")
@click.option("--before", type=click.IntRange(1), default=NEWEST, metavar="ID", help="Go on behind this customer.")
@_limit
@_json
def list_all(text: str, before: int, limit: int, *, as_json: bool) -> None:
    """List customers, the newest first; with TEXT those whose name, e-mail address or number begins so."""
    rows = customers.search(text, by=operator(), before=before, limit=limit)
    if as_json:
        print_json(rows)
        return
    heads = ("id", "name", "e-mail", "phone", "account", "since (UTC)")
    print_table(heads, ((r.id, r.name, r.email, r.phone, r.user_id, f"{r.created_at:%Y-%m-%d}") for r in rows))


@group.command("show")
@_id
@_json
def show(customer_id: int, *, as_json: bool) -> None:
    """Show a customer, and the latest bookings."""
    found = customers.read(customer_id, by=operator())
    question = Question(*_EVER, customer_id=found.customer.id, newest=True)
    rows = booking_lists.search(question, by=operator(), limit=_SHOWN)
    if as_json:
        told = {"bookings": found.counts, "quoted": found.totals, "latest": rows}
        print_json({"customer": found.customer, **told, "first_at": found.first_at, "last_at": found.last_at})
        return
    who = found.customer
    click.echo(f"{who.id}: {who.name or '(erased)'}  {who.email}  {who.phone}".rstrip())
    click.echo(f"account: {who.user_id or 'none'}")
    counts = found.counts
    click.echo("bookings: " + (", ".join(f"{counts[one]} {one}" for one in STATES if one in counts) or "none"))
    for currency, total in sorted(found.totals.items()):
        click.echo(f"quoted: {total} {currency} in minor units")
    print_table(
        ("ref", "status", "starts (UTC)", "service"),
        ((r.ref, r.status, f"{r.starts_at:%Y-%m-%d %H:%M}", r.service) for r in rows),
    )


@group.command("change")
@_id
@click.option("--name", help="What the customer is called.")
@click.option("--email", help='E-mail address; "" takes it off.')
@click.option("--phone", help='Telephone number; "" takes it off.')
def change(customer_id: int, **wish: Any) -> None:  # noqa: ANN401 - click's values
    """Put right what a guest is called, and how they are reached."""
    changed = customers.change(customer_id, CustomerChanges(**wish), by=operator(), version=None, now=clock())
    click.echo(f"{changed.id}: {changed.name}  {changed.email}  {changed.phone}".rstrip())


@group.command("merge")
@click.argument("losers", metavar="ID...", nargs=-1, required=True, type=click.IntRange(1))
@click.option("--into", type=click.IntRange(1), required=True, metavar="ID", help="Who stays.")
def merge(losers: tuple[int, ...], into: int) -> None:
    """Make customers one: who stays gets the bookings of the others."""
    for loser in losers:
        customers.merge(loser, into, by=operator(), now=clock())
        click.echo(f"{loser} is {into} now")


@group.command("duplicates")
@_limit
@_json
def duplicates(limit: int, *, as_json: bool) -> None:
    """List addresses and numbers that several customers have."""
    found: list[Any] = []
    for by_phone in (False, True):
        last: int | None = 0
        while last is not None and len(found) < limit:
            some, last = customers.list_twice(by_phone=by_phone, last_id=last, limit=limit - len(found))
            found += some
    if as_json:
        print_json(found)
        return
    print_table(("address", "customers", "ids"), ((one.address, one.number, _ids(one.customers)) for one in found))


@group.command("archive")
@_id
@click.argument("target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
def archive(customer_id: int, target: Path) -> None:
    """Write everything that is kept about a customer into a zip FILE, which must not exist."""
    whose = privacy_archive.of_customer(customer_id)
    try:
        with target.open("xb") as file:
            target.chmod(0o600)
            for chunk in privacy_archive.iter_archive(_settings(), whose, now=clock()):
                file.write(chunk)
    except FileExistsError:
        raise Conflict(f"{target} is there already.") from None
    except OSError as error:
        raise Invalid(f"{target} cannot be written: {error.strerror or error}.") from None
    click.echo(f"{target}: {target.stat().st_size} bytes")


@group.command("erase")
@_id
@click.option("--force", is_flag=True, help="Although bookings are still to come.")
@click.confirmation_option(prompt="Nothing brings back what is erased. Go on?")
def erase(customer_id: int, *, force: bool) -> None:
    """Erase a customer, with the account if there is one: bookings, times and money stay without a name."""
    privacy.erase(_settings(), customer_id, force=force, by=operator(), now=clock())
    click.echo(f"{customer_id} is erased")


def _ids(rows: Any) -> str:  # noqa: ANN401 - customers of a group
    return " ".join(str(row.id) for row in rows)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
