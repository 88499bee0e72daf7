"""The shape of a catalogue file: which keys there are, of what kind, and what an absent one means."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from app.domain.offers import MAX_PARTY_SIZE
from app.services.input_files import Path, Problems

T = TypeVar("T", bound=Struct)
_SLUG, _CURRENCY, _KEY = r"\A[a-z0-9-]{1,64}\Z", r"\A[A-Z]{3}\Z", r"\A[a-z][a-z0-9_]{0,63}\Z"
_WORDS = {
    "`int`": "a whole number",
    "`float`": "a fraction",
    "`str`": "text",
    "`bool`": "true or false",
    "`array`": "a list",
    "`object`": "a table",
    f"matching regex {_SLUG!r}": "of small letters, digits and hyphens, at most 64",
    f"matching regex {_CURRENCY!r}": "of three capital letters, such as EUR",
    f"matching regex {_KEY!r}": "of small letters, digits and underscores, at most 64, a letter first",
}
Minutes = Annotated[int, Meta(ge=0, le=20_160)]  # two weeks: nothing that is booked lasts longer
Slug = Annotated[str, Meta(pattern=_SLUG)]
Minor = Annotated[int, Meta(ge=0, lt=10**12)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Hours = list[str]


class Week(Struct, forbid_unknown_fields=True):
    """Something for each weekday; an absent day has none."""

    mon: Hours = []
    tue: Hours = []
    wed: Hours = []
    thu: Hours = []
    fri: Hours = []
    sat: Hours = []
    sun: Hours = []


class ResourceTable(Struct, forbid_unknown_fields=True):
    """``[[venues.resources]]``."""

    slug: Slug
    name: str
    kind: Literal["space", "staff", "equipment"] = "space"
    capacity: Annotated[int, Meta(ge=1, le=100_000)] = 1
    opening_hours: Week = msgspec.field(default_factory=Week)
    special_hours: dict[str, Hours] | None = None
    active: bool = True


class DurationTable(Struct, forbid_unknown_fields=True):
    """``duration = { min_minutes, max_minutes, step_minutes }``."""

    min_minutes: Annotated[int, Meta(ge=1, le=20_160)]
    max_minutes: Annotated[int, Meta(ge=1, le=20_160)]
    step_minutes: Annotated[int, Meta(ge=1, le=20_160)]


class PriceTable(Struct, forbid_unknown_fields=True):
    """``price = { ... }``: net, in minor units of the venue's currency."""

    flat_minor: Minor = 0
    per_hour_minor: Minor = 0
    per_person_minor: Minor = 0
    deposit_percent: Percent = 0
    tax_bp: Annotated[int, Meta(ge=0, le=10_000)] = 0


class CancellationTable(Struct, forbid_unknown_fields=True):
    """One step of ``cancellation``: who cancels that long before gets that share back."""

    hours_before: Annotated[int, Meta(ge=0, le=100_000)]
    refund_percent: Percent


class CustomFieldTable(Struct, forbid_unknown_fields=True):
    """One question of ``custom_fields``."""

    key: Annotated[str, Meta(pattern=_KEY)]
    label: str
    type: Literal["text", "long_text", "number", "boolean", "choice", "date", "file"] = "text"
    required: bool = False
    choices: list[str] = []


class ServiceTable(Struct, forbid_unknown_fields=True):
    """``[[venues.services]]``."""

    slug: Slug
    name: str
    description: str = ""
    resources: list[str] | None = None
    resource_groups: list[list[str]] | None = None
    duration_minutes: Annotated[int, Meta(ge=1, le=20_160)] | None = None
    duration: DurationTable | None = None
    slot_interval_minutes: Annotated[int, Meta(ge=1, le=10_080)] | None = None
    starts: Week | None = None
    buffer_before_minutes: Minutes = 0
    buffer_after_minutes: Minutes = 0
    min_notice_minutes: Annotated[int, Meta(ge=0, le=5_256_000)] = 0  # ten years
    horizon_days: Annotated[int, Meta(ge=1, le=3650)] = 90
    requires_approval: bool = False
    guest_bookings: bool = False
    max_party_size: Annotated[int, Meta(ge=1, le=MAX_PARTY_SIZE)] | None = None
    units_per_party_member: Annotated[int, Meta(ge=0, le=100_000)] = 0
    price: PriceTable = msgspec.field(default_factory=PriceTable)
    cancellation: list[CancellationTable] = []
    custom_fields: list[CustomFieldTable] = []
    reminders: list[Annotated[int, Meta(ge=5, le=43_200)]] = []  # minutes before the start; 30 days at most
    approval_minutes: Annotated[int, Meta(ge=5, le=525_600)] | None = None
    active: bool = True


class BareVenueTable(Struct, forbid_unknown_fields=True):
    """What ``[[venues]]`` says of a venue itself."""

    slug: Slug
    name: str
    timezone: str
    currency: Annotated[str, Meta(pattern=_CURRENCY)]
    address: str = ""
    email: str = ""
    phone: str = ""
    language: Literal["en", "de", "hi"] = "en"
    quiet_hours: str = ""
    active: bool = True


class VenueTable(BareVenueTable, forbid_unknown_fields=True):
    """``[[venues]]``; what is in it is read piece by piece, so that one wrong piece hides nothing of the others."""

    resources: list[Any] = []
    services: list[Any] = []


class CatalogueTable(Struct, forbid_unknown_fields=True):
    """The whole file."""

    venues: list[Any]


class _Wrong(Exception):
    """Something below was noted as a problem."""


def read_shape(kind: type[T], value: object, path: Path, problems: Problems) -> T | None:
    """Return the value as a *kind*, or None after noting everything that is wrong with it, not just the first thing."""
    try:
        return _struct(kind, value, path, problems)
    except _Wrong:
        return None


def _struct(kind: type[T], value: object, path: Path, problems: Problems) -> T:
    if not isinstance(value, dict):
        problems.add(path, "must be a table")
        raise _Wrong
    known = {field.name: field for field in msgspec.structs.fields(kind)}
    for name in value.keys() - known.keys():
        problems.add((*path, name), f"is no key here: there are {', '.join(known)}")
    missing = [name for name, field in known.items() if field.required and name not in value]
    for name in missing:
        problems.add(path, f"{name} is missing")
    pairs = [(name, field.type, value[name]) for name, field in known.items() if name in value]
    values = _each([((*path, name), wanted, item) for name, wanted, item in pairs], problems)
    if missing or value.keys() - known.keys():
        raise _Wrong
    return kind(**dict(zip((name for name, _, _ in pairs), values, strict=True)))


def _each(items: list[tuple[Path, Any, object]], problems: Problems) -> list[Any]:
    """Return every item read; raise only after all of them were looked at."""
    values, is_wrong = [], False
    for path, kind, item in items:
        try:
            values.append(_value(kind, item, path, problems))
        except _Wrong:
            is_wrong = True
    if is_wrong:
        raise _Wrong
    return values


def _value(kind: Any, value: object, path: Path, problems: Problems) -> Any:  # noqa: ANN401 - whatever the shape says
    if get_origin(kind) in {Union, UnionType}:
        kind = next(option for option in get_args(kind) if option is not type(None))
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _struct(kind, value, path, problems)
    if get_origin(kind) is list and isinstance(value, list):
        return _each([((*path, index), get_args(kind)[0], item) for index, item in enumerate(value)], problems)
    if get_origin(kind) is dict and isinstance(value, dict):
        values = _each([((*path, key), get_args(kind)[1], item) for key, item in value.items()], problems)
        return dict(zip(value, values, strict=True))
    return _scalar(kind, value, path, problems)


def _scalar(kind: Any, value: object, path: Path, problems: Problems) -> Any:  # noqa: ANN401
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        problems.add(path, _message(str(error)))
        raise _Wrong from None


def _message(text: str) -> str:
    """Return the decoder's sentence in the words of a TOML file."""
    for word, plain in _WORDS.items():
        text = text.replace(word, plain)
    return text[:1].lower() + text[1:]
