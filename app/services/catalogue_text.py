"""A catalogue as TOML that an import reads back to the same catalogue; what has its default is left out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from app.domain.catalogue import Catalogue, ResourceEntry, ServiceEntry, VenueEntry
from app.domain.custom_fields import CustomField
from app.domain.hours import WEEKDAYS, clock_text, window_text

_PRICES = ("flat_minor", "per_hour_minor", "per_person_minor", "deposit_percent", "tax_bp")


def render(catalogue: Catalogue) -> Iterator[str]:
    """Yield the lines of the file, each with its line break."""
    for number, venue in enumerate(catalogue):
        if number:
            yield "\n"
        yield from _table("[[venues]]", _venue(venue), "")
        for resource in venue.resources:
            yield "\n"
            yield from _table("[[venues.resources]]", _resource(resource), "  ")
        for service in venue.services:
            yield "\n"
            yield from _table("[[venues.services]]", _service(service), "  ")


def _table(header: str, pairs: Iterable[tuple[str, str]], indent: str) -> Iterator[str]:
    yield f"{indent}{header}\n"
    for key, value in pairs:
        yield f"{indent}{key} = {value}\n"


def _venue(venue: VenueEntry) -> Iterator[tuple[str, str]]:
    for key in ("slug", "name", "timezone", "currency"):
        yield key, _text(getattr(venue, key))
    for key in ("address", "email", "phone"):
        if getattr(venue, key):
            yield key, _text(getattr(venue, key))
    if venue.language != "en":
        yield "language", _text(venue.language)
    if venue.quiet_from is not None and venue.quiet_until is not None:
        yield "quiet_hours", _text(f"{clock_text(venue.quiet_from)}-{clock_text(venue.quiet_until)}")
    if not venue.active:
        yield "active", "false"


def _resource(resource: ResourceEntry) -> Iterator[tuple[str, str]]:
    yield "slug", _text(resource.slug)
    yield "name", _text(resource.name)
    yield "kind", _text(resource.kind)
    yield "capacity", str(resource.capacity)
    yield "opening_hours", _week([[window_text(window) for window in day] for day in resource.weekly_hours])
    if resource.special_hours:
        days = resource.special_hours.items()
        yield "special_hours", _inline((f'"{day}"', _list(map(window_text, windows))) for day, windows in days)
    if not resource.active:
        yield "active", "false"


def _service(service: ServiceEntry) -> Iterator[tuple[str, str]]:
    yield "slug", _text(service.slug)
    yield "name", _text(service.name)
    if service.description:
        yield "description", _text(service.description)
    yield _members(service)
    yield from _times(service)
    yield from _limits(service)
    yield from _prices(service)
    if service.reminders:
        yield "reminders", _array(map(str, service.reminders))
    if service.approval_minutes is not None:
        yield "approval_minutes", str(service.approval_minutes)
    if service.custom_fields:
        yield "custom_fields", _array(map(_custom_field, service.custom_fields))
    if not service.active:
        yield "active", "false"


def _members(service: ServiceEntry) -> tuple[str, str]:
    if len(service.groups) == 1:
        return "resources", _list(service.groups[0])
    return "resource_groups", _array(map(_list, service.groups))


def _times(service: ServiceEntry) -> Iterator[tuple[str, str]]:
    if service.min_minutes == service.max_minutes == service.step_minutes:
        yield "duration_minutes", str(service.min_minutes)
    else:
        names = ("min_minutes", "max_minutes", "step_minutes")
        yield "duration", _inline((name, str(getattr(service, name))) for name in names)
    yield "slot_interval_minutes", str(service.slot_interval_minutes)
    if service.weekly_starts is not None:
        yield "starts", _week([[clock_text(minutes) for minutes in day] for day in service.weekly_starts])


def _limits(service: ServiceEntry) -> Iterator[tuple[str, str]]:
    for key in ("buffer_before_minutes", "buffer_after_minutes"):
        if getattr(service, key):
            yield key, str(getattr(service, key))
    yield "min_notice_minutes", str(service.min_notice_minutes)
    yield "horizon_days", str(service.horizon_days)
    for key in ("requires_approval", "guest_bookings"):
        if getattr(service, key):
            yield key, "true"
    for key in ("max_party_size", "units_per_party_member"):
        if getattr(service, key):
            yield key, str(getattr(service, key))


def _prices(service: ServiceEntry) -> Iterator[tuple[str, str]]:
    prices = [(key, str(getattr(service, key))) for key in _PRICES if getattr(service, key)]
    if prices:
        yield "price", _inline(prices)
    if service.cancellation:
        yield (
            "cancellation",
            _array(
                _inline([("hours_before", str(hours)), ("refund_percent", str(percent))])
                for hours, percent in service.cancellation
            ),
        )


def _custom_field(field: CustomField) -> str:
    pairs = [("key", _text(field.key)), ("label", _text(field.label)), ("type", _text(field.type))]
    if field.required:
        pairs.append(("required", "true"))
    if field.choices:
        pairs.append(("choices", _list(field.choices)))
    return _inline(pairs)


def _week(days: Sequence[Sequence[str]]) -> str:
    return _inline((name, _list(day)) for name, day in zip(WEEKDAYS, days, strict=True) if day)


def _inline(pairs: Iterable[tuple[str, str]]) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in pairs) + " }"


def _list(texts: Iterable[str]) -> str:
    return _array(map(_text, texts))


def _array(values: Iterable[str]) -> str:
    return "[" + ", ".join(values) + "]"


def _text(text: str) -> str:
    """Return a basic string; JSON's escapes are TOML's, but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
