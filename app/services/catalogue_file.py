"""A catalogue file: TOML text to values, every mistake named by its line; ``catalogue_text`` goes the other way."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from app.domain.catalogue import Catalogue, ResourceEntry, ServiceEntry, VenueEntry
from app.domain.text import clean_email, clean_line, clean_phone
from app.services.catalogue_checks import (
    Here,
    no_doubles,
    quiet_hours,
    required_line,
    service,
    special_hours,
    weekly_hours,
)
from app.services.catalogue_shape import (
    BareVenueTable,
    CatalogueTable,
    ResourceTable,
    ServiceTable,
    VenueTable,
    read_shape,
)
from app.services.input_files import InvalidFile, Path, Problems, refuse_file
from app.services.toml_lines import line_of, lines_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def parse(text: str, name: str) -> Catalogue:
    """Return the catalogue written in *text*; *name* is what messages call the file.

    Raises:
        InvalidFile: it is no TOML, or no catalogue; names up to twenty mistakes, each with its line.
    """
    document, lines = _load(text, name)
    problems = Problems(
        name,
        place=lambda path: f"{name}:{line_of(lines, path)}: {path_text(path)}".removesuffix(": "),
        order=lambda path: line_of(lines, path),
    )
    table = read_shape(CatalogueTable, document, (), problems)
    catalogue = _venues(table.venues, Here(problems, ("venues",))) if table else ()
    problems.raise_any()
    return catalogue


def path_text(path: Path) -> str:
    """Return a path as people write it: ``venues[0].services[1].price``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _load(text: str, name: str) -> tuple[dict[str, Any], Mapping[Path, int]]:
    """Return what the text says, and on which line."""
    try:
        return tomllib.loads(text), lines_of(text)
    except RecursionError:
        raise refuse_file(name, "is nested too deeply") from None
    except ValueError as error:
        raise _syntax_error(str(error), text, name) from None


def _syntax_error(message: str, text: str, name: str) -> InvalidFile:
    match = _PLACE.fullmatch(message)
    line = int(match[2]) if match and match[2] else text.count("\n") + 1
    column = f" (column {match[3]})" if match and match[3] else ""
    return refuse_file(f"{name}:{line}", f"no TOML: {match[1] if match else message}{column}")


def _venues(items: Sequence[object], here: Here) -> Catalogue:
    places = [here.at(n) for n in range(len(items))]
    tables = [
        (at, read_shape(VenueTable, item, at.path, here.problems)) for at, item in zip(places, items, strict=True)
    ]
    venues = [(place, table) for place, table in tables if table is not None]
    no_doubles(((place.at("slug"), table.slug) for place, table in venues), "venue")
    return tuple(_venue(table, place) for place, table in venues)


def _venue(table: VenueTable, here: Here) -> VenueEntry:
    resources = _resources(table.resources, here.at("resources"))
    capacities = {**_slugs(table.resources), **{resource.slug: resource.capacity for resource in resources}}
    places = [here.at("services", number) for number in range(len(table.services))]
    found = [(place, read_service(item, capacities, place)) for place, item in zip(places, table.services, strict=True)]
    services = [(place, entry) for place, entry in found if entry is not None]
    no_doubles(((place.at("slug"), entry.slug) for place, entry in services), "service")
    return replace(_bare_venue(table, here), resources=tuple(resources), services=tuple(entry for _, entry in services))


def _bare_venue(table: BareVenueTable, here: Here) -> VenueEntry:
    """Return a venue without what is in it."""
    night = here.at("quiet_hours").attempt(quiet_hours, table.quiet_hours) if table.quiet_hours else None
    return VenueEntry(
        slug=table.slug,
        name=here.at("name").attempt(required_line, table.name, 200) or "",
        timezone=here.at("timezone").attempt(_zone, table.timezone) or "UTC",
        currency=table.currency,
        address=here.at("address").attempt(clean_line, table.address, 500) or "",
        email=table.email and (here.at("email").attempt(clean_email, table.email) or ""),
        phone=table.phone and (here.at("phone").attempt(clean_phone, table.phone) or ""),
        resources=(),
        services=(),
        language=table.language,
        quiet_from=night[0] if night else None,
        quiet_until=night[1] if night else None,
        active=table.active,
    )


def read_venue(item: object, here: Here) -> VenueEntry | None:
    """Return a venue without what is in it, or None after noting what is wrong."""
    table = read_shape(BareVenueTable, item, here.path, here.problems)
    return None if table is None else _bare_venue(table, here)


def read_resource(item: object, here: Here) -> ResourceEntry | None:
    """Return a resource, or None after noting what is wrong."""
    table = read_shape(ResourceTable, item, here.path, here.problems)
    return None if table is None else _resource(table, here)


def read_service(item: object, capacities: Mapping[str, int], here: Here) -> ServiceEntry | None:
    """Return a service over the resources of a venue, or None after noting what is wrong."""
    table = read_shape(ServiceTable, item, here.path, here.problems)
    return None if table is None else service(table, capacities, here)


def _slugs(items: Sequence[object]) -> Mapping[str, int]:
    """Return the slugs of resources that are wrong in other respects: a reference to one is not wrong as well."""
    found = [item.get("slug") for item in items if isinstance(item, dict)]
    return {slug: sys.maxsize for slug in found if isinstance(slug, str)}


def _resources(items: Sequence[object], here: Here) -> list[ResourceEntry]:
    places = [here.at(n) for n in range(len(items))]
    tables = [
        (at, read_shape(ResourceTable, item, at.path, here.problems)) for at, item in zip(places, items, strict=True)
    ]
    good = [(place, table) for place, table in tables if table is not None]
    no_doubles(((place.at("slug"), table.slug) for place, table in good), "resource")
    return [_resource(table, place) for place, table in good]


def _resource(table: ResourceTable, here: Here) -> ResourceEntry:
    return ResourceEntry(
        slug=table.slug,
        name=here.at("name").attempt(required_line, table.name, 200) or "",
        kind=table.kind,
        capacity=table.capacity,
        weekly_hours=weekly_hours(table.opening_hours, here.at("opening_hours")),
        special_hours=special_hours(table.special_hours, here.at("special_hours")),
        active=table.active,
    )


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"{name!r} is no time zone: write one such as Europe/Berlin")
    return name


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
