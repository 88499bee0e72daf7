"""What a catalogue's values must be beyond their shape: times that exist, references that lead somewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import ParamSpec, TypeVar

from app.domain.catalogue import ServiceEntry, SpecialHours
from app.domain.custom_fields import CustomField
from app.domain.hours import WEEKDAYS, WeeklyHours, WeeklyStarts, Window, check_windows, parse_clock, parse_window
from app.domain.spans import MAX_OCCUPANCY_MINUTES
from app.domain.text import clean_line, clean_text
from app.domain.times import MINUTES_A_DAY
from app.services.catalogue_shape import CancellationTable, CustomFieldTable, ServiceTable, Week
from app.services.input_files import Path, Problems

P = ParamSpec("P")
R = TypeVar("R")

MAX_WINDOWS = 24  # a day: more is a mistake, and the week must fit its column
MAX_STARTS = 100
MAX_GROUPS = 10
MAX_FIELDS_BYTES = 60_000  # of the 64 KiB that a text column takes
MAX_DESCRIPTION = 4000
MAX_REMINDERS = 5  # of one booking


@dataclass(frozen=True, slots=True)
class Here:
    """A place in the file, and where to note what is wrong there."""

    problems: Problems
    path: Path = ()

    def at(self, *parts: str | int) -> Here:
        """Return a place further in."""
        return Here(self.problems, (*self.path, *parts))

    def wrong(self, message: str) -> None:
        """Note a problem."""
        self.problems.add(self.path, message)

    def attempt(self, check: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        """Return what *check* returns; where it raises ValueError, note its message and return None."""
        try:
            return check(*args, **kwargs)
        except ValueError as error:
            self.wrong(str(error))
            return None


def required_line(text: str, most: int) -> str:
    """Return one clean line with something in it.

    Raises:
        ValueError: it is empty, too long, or no plain line.
    """
    line = clean_line(text, most)
    if not line:
        raise ValueError("must not be empty")
    return line


def quiet_hours(text: str) -> tuple[int, int]:
    """Return the local minutes from which and until which nobody is to be disturbed; the night may go over midnight.

    Raises:
        ValueError: it is no span such as ``22:00-08:00``.
    """
    first, separator, end = text.partition("-")
    try:
        span = (_start(first.strip()), _start(end.strip()))
    except ValueError:
        span = (0, 0)
    if not separator or span[0] == span[1]:
        raise ValueError(f"{text!r} is no night: write it as 22:00-08:00")
    return span


def no_doubles(items: Iterable[tuple[Here, object]], what: str) -> None:
    """Note each value that came before."""
    seen = set()
    for here, value in items:
        if value in seen:
            here.wrong(f"{what} {value} is here twice")
        seen.add(value)


def weekly_hours(week: Week, here: Here) -> WeeklyHours:
    """Return the opening hours, Monday first."""
    return tuple(day_windows(getattr(week, day), here.at(day)) for day in WEEKDAYS)


def day_windows(texts: Sequence[str], here: Here) -> tuple[Window, ...]:
    """Return the windows of one day in order."""
    if len(texts) > MAX_WINDOWS:
        here.wrong(f"has more than {MAX_WINDOWS} windows")
    windows = [here.at(index).attempt(parse_window, text) for index, text in enumerate(texts[:MAX_WINDOWS])]
    return here.attempt(check_windows, [window for window in windows if window]) or ()


def special_hours(days: Mapping[str, list[str]] | None, here: Here) -> SpecialHours | None:
    """Return the hours of single days, by day; None where the file says nothing about them."""
    if days is None:
        return None
    pairs = [(here.at(text).attempt(_day, text), day_windows(windows, here.at(text))) for text, windows in days.items()]
    return dict(sorted((day, windows) for day, windows in pairs if day))


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is no date: write it as 2026-12-24") from None
    if day.isoformat() != text:
        raise ValueError(f"{text} is no date: write it as {day}")
    return day


def service(table: ServiceTable, capacities: Mapping[str, int], here: Here) -> ServiceEntry:
    """Return a service; ``capacities`` are those of the venue's resources by slug."""
    least, most, step = _durations(table, here)
    groups = _groups(table, capacities, here)
    _check_occupancy(table, most, here)
    _check_parties(table, groups, capacities, here)
    return ServiceEntry(
        slug=table.slug,
        name=here.at("name").attempt(required_line, table.name, 200) or "",
        description=here.at("description").attempt(clean_text, table.description, MAX_DESCRIPTION) or "",
        min_minutes=least,
        max_minutes=most,
        step_minutes=step,
        slot_interval_minutes=table.slot_interval_minutes or step,
        weekly_starts=None if table.starts is None else _weekly_starts(table.starts, here.at("starts")),
        buffer_before_minutes=table.buffer_before_minutes,
        buffer_after_minutes=table.buffer_after_minutes,
        min_notice_minutes=table.min_notice_minutes,
        horizon_days=table.horizon_days,
        requires_approval=table.requires_approval,
        guest_bookings=table.guest_bookings,
        max_party_size=table.max_party_size,
        units_per_party_member=table.units_per_party_member,
        flat_minor=table.price.flat_minor,
        per_hour_minor=table.price.per_hour_minor,
        per_person_minor=table.price.per_person_minor,
        deposit_percent=table.price.deposit_percent,
        tax_bp=table.price.tax_bp,
        cancellation=_cancellation(table.cancellation, here.at("cancellation")),
        custom_fields=_custom_fields(table.custom_fields, here.at("custom_fields")),
        groups=groups,
        active=table.active,
        reminders=_reminders(table.reminders, here.at("reminders")),
        approval_minutes=table.approval_minutes,
    )


def _reminders(minutes: Sequence[int], here: Here) -> tuple[int, ...]:
    if len(minutes) > MAX_REMINDERS:
        here.wrong(f"has more than {MAX_REMINDERS}")
    no_doubles(((here.at(number), value) for number, value in enumerate(minutes)), "the reminder of")
    return tuple(sorted({*minutes}, reverse=True))[:MAX_REMINDERS]


def _durations(table: ServiceTable, here: Here) -> tuple[int, int, int]:
    """Return the shortest and longest duration and the step between them."""
    if (table.duration is None) == (table.duration_minutes is None):
        here.wrong("needs either duration_minutes or duration")
    if table.duration is None:
        fixed = table.duration_minutes or 1
        return fixed, fixed, fixed
    least, most, step = table.duration.min_minutes, table.duration.max_minutes, table.duration.step_minutes
    if most < least:
        here.at("duration", "max_minutes").wrong(f"{most} is less than min_minutes, {least}")
    elif (most - least) % step:
        here.at("duration", "step_minutes").wrong(f"steps of {step} do not lead from {least} to {most}")
    return least, most, step


def _check_occupancy(table: ServiceTable, most: int, here: Here) -> None:
    if table.buffer_before_minutes + most + table.buffer_after_minutes > MAX_OCCUPANCY_MINUTES:
        here.wrong(f"takes more than {MAX_OCCUPANCY_MINUTES // MINUTES_A_DAY} days, buffers included")


def _groups(table: ServiceTable, capacities: Mapping[str, int], here: Here) -> tuple[tuple[str, ...], ...]:
    if (table.resources is None) == (table.resource_groups is None):
        here.wrong("needs either resources or resource_groups")
        return ()
    places = [here.at("resource_groups", number) for number in range(len(table.resource_groups or ()))]
    groups = table.resource_groups if table.resources is None else [table.resources]
    members = [
        (place.at(index), slug)
        for place, group in zip(places or [here.at("resources")], groups or (), strict=False)
        for index, slug in enumerate(group)
    ]
    for place, slug in members:
        if slug not in capacities:
            place.wrong(f"there is no resource {slug} in this venue")
    no_doubles(members, "resource")
    if not groups or not all(groups) or len(groups) > MAX_GROUPS:
        here.at("resource_groups" if places else "resources").wrong(
            f"must name a resource in every group, in at most {MAX_GROUPS} groups"
        )
    return tuple(tuple(group) for group in groups or ())


def _check_parties(
    table: ServiceTable, groups: Sequence[Sequence[str]], capacities: Mapping[str, int], here: Here
) -> None:
    """Note a party that no resource of some group can take."""
    units = table.units_per_party_member * (table.max_party_size or 1)
    for group in groups:
        room = max((capacities.get(slug, units) for slug in group), default=units)
        if units > room:
            key = "max_party_size" if table.max_party_size else "units_per_party_member"
            here.at(key).wrong(f"such a party takes {units} units, and none of {', '.join(group)} has more than {room}")


def _weekly_starts(week: Week, here: Here) -> WeeklyStarts:
    return tuple(_day_starts(getattr(week, day), here.at(day)) for day in WEEKDAYS)


def _day_starts(texts: Sequence[str], here: Here) -> tuple[int, ...]:
    if len(texts) > MAX_STARTS:
        here.wrong(f"has more than {MAX_STARTS} starts")
    starts = [(here.at(index), here.at(index).attempt(_start, text)) for index, text in enumerate(texts[:MAX_STARTS])]
    no_doubles(((place, texts[index]) for index, (place, _) in enumerate(starts)), "start")
    return tuple(sorted({minutes for _, minutes in starts if minutes is not None}))


def _start(text: str) -> int:
    minutes = parse_clock(text)
    if minutes >= MINUTES_A_DAY:
        raise ValueError(f"{text!r} is on the next day: put it there")
    return minutes


def _cancellation(tables: Sequence[CancellationTable], here: Here) -> tuple[tuple[int, int], ...]:
    no_doubles(((here.at(n, "hours_before"), table.hours_before) for n, table in enumerate(tables)), "the step of")
    return tuple(sorted(((table.hours_before, table.refund_percent) for table in tables), reverse=True))


def _custom_fields(tables: Sequence[CustomFieldTable], here: Here) -> tuple[CustomField, ...]:
    no_doubles(((here.at(n, "key"), table.key) for n, table in enumerate(tables)), "key")
    questions = tuple(_custom_field(table, here.at(n)) for n, table in enumerate(tables))
    if len(json.dumps([asdict(item) for item in questions], ensure_ascii=False).encode()) > MAX_FIELDS_BYTES:
        here.wrong(f"are longer than {MAX_FIELDS_BYTES} bytes together")
    return questions


def _custom_field(table: CustomFieldTable, here: Here) -> CustomField:
    places = [here.at("choices", n) for n in range(len(table.choices))]
    choices = [place.attempt(required_line, text, 200) or "" for place, text in zip(places, table.choices, strict=True)]
    no_doubles(((place, choice) for place, choice in zip(places, choices, strict=True) if choice), "choice")
    if (table.type == "choice") != bool(choices):
        here.at("choices").wrong("belong to type choice, which needs them")
    label = here.at("label").attempt(required_line, table.label, 200) or ""
    return CustomField(table.key, label, table.type, table.required, tuple(choices))
