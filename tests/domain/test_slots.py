"""Slots against the slow oracle, and what is said when a time cannot be booked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import slots, spans
from app.domain.errors import DomainError, Invalid, OutsideHours, SlotTaken, TooFar, TooSoon
from app.domain.offers import Ask, Calendars, Closure, Offer, Taken, check_ask
from app.domain.times import to_minute
from tests.domain.oracle import Oracle
from tests.domain.samples import offer, resource

# Zones with the days on which their clocks jump: by an hour, by half an hour, at midnight, over a whole day, never.
DAYS = [
    ("Europe/Berlin", date(2027, 3, 28)),
    ("Europe/Berlin", date(2027, 10, 31)),
    ("Europe/London", date(2027, 3, 28)),
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2027, 11, 7)),
    ("Asia/Kolkata", date(2027, 6, 1)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Australia/Lord_Howe", date(2027, 10, 3)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2019, 2, 17)),
    ("Pacific/Apia", date(2011, 12, 30)),
]
MONDAY = date(2027, 6, 7)
NOW = datetime(2027, 6, 1, 10, 0, tzinfo=timezone.utc)


def at(clock: str, day: date = MONDAY, zone: str = "Europe/Berlin") -> int:
    hour, minute = map(int, clock.split(":"))
    return to_minute(datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone)))


@st.composite
def windows(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """Up to three windows of a day, apart or touching, the last one perhaps past midnight."""
    grain = draw(st.sampled_from([5, 15, 60]))
    edges = draw(st.lists(st.integers(0, 2 * 1440 // grain), max_size=6, unique=True).map(sorted))
    pairs = [(a * grain, b * grain) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    return tuple((opens, closes) for opens, closes in pairs if opens < 1440)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Offer, Calendars, Ask, date, date, datetime]:
    zone_name, jump = draw(st.sampled_from(DAYS))
    first = jump + timedelta(days=draw(st.integers(-2, 1)))
    end = first + timedelta(days=draw(st.integers(1, 3)))
    grain = draw(st.sampled_from([5, 10, 15, 30]))
    sizes = draw(st.sampled_from([(1,), (2,), (1, 1), (2, 1)]))
    members = [
        resource(
            number,
            capacity=draw(st.sampled_from([1, 1, 2, 5])),
            weekly_hours=tuple(draw(st.tuples(windows(), windows()))[n % 2] for n in range(7)),
        )
        for number in draw(st.permutations(range(1, sum(sizes) + 1)))
    ]
    groups, rest = [], members
    for size in sizes:
        groups.append(tuple(rest[:size]))
        rest = rest[size:]
    minutes = grain * draw(st.integers(1, 20))
    starts = st.lists(st.integers(0, 1439 // grain).map(lambda n: n * grain), max_size=4)
    a_service = offer(
        *groups,
        zone=zone_name,
        minutes=minutes,
        max_minutes=minutes + 2 * grain,
        step_minutes=grain,
        slot_interval_minutes=draw(st.sampled_from([grain, 2 * grain, 45, 60])),
        weekly_starts=draw(st.none() | st.tuples(*[starts.map(tuple)] * 7)),
        buffer_before_minutes=draw(st.sampled_from([0, grain, 7])),
        buffer_after_minutes=draw(st.sampled_from([0, grain, 3 * grain])),
        min_notice_minutes=draw(st.sampled_from([0, 0, 90, 1440])),
        horizon_days=draw(st.sampled_from([0, 1, 2, 60])),
        units_per_party_member=draw(st.sampled_from([0, 1, 2])),
    )
    offset = timedelta(minutes=draw(st.integers(-2000, 1500)), seconds=draw(st.sampled_from([0, 1, 59])))
    now = datetime(first.year, first.month, first.day, tzinfo=timezone.utc) + offset
    base = to_minute(datetime(first.year, first.month, first.day, tzinfo=timezone.utc))
    moments = st.integers(-900 // grain, 5000 // grain).map(lambda n: base + n * grain)
    calendars = Calendars()
    for number in range(1, sum(sizes) + 1):
        taken = calendars.taken[number] = Taken()
        for start, steps, units in draw(
            st.lists(st.tuples(moments, st.integers(1, 30), st.integers(1, 3)), max_size=6)
        ):
            taken.starts.append(start)
            taken.ends.append(start + steps * grain)
            taken.units.append(units)
        closures = draw(st.lists(st.tuples(moments, st.integers(1, 60)), max_size=2))
        calendars.closures[number] = [Closure(start, start + steps * grain, "") for start, steps in closures]
        special = draw(st.dictionaries(st.integers(-1, 3), windows(), max_size=2))
        if special:
            calendars.special_hours[number] = {first + timedelta(days=n): day for n, day in special.items()}
    ask = Ask(
        minutes + draw(st.integers(0, 2)) * grain,
        draw(st.integers(1, 3)),
        draw(st.none() | st.integers(1, sum(sizes))),
    )
    return a_service, calendars, ask, first, end, now


@pytest.mark.long
@settings(max_examples=80, deadline=None)
@given(case=cases())
def test_slots_are_those_that_a_walk_over_every_minute_finds(
    case: tuple[Offer, Calendars, Ask, date, date, datetime],
) -> None:
    a_service, calendars, ask, first, end, now = case
    found = slots.find(a_service, calendars, ask, spans.span_of_days(a_service, first, end), now=now)
    assert found == Oracle(a_service, calendars, ask, first, end, now=now).slots()


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(case=cases(), data=st.data())
def test_choosing_and_explaining_agree_with_the_list_at_every_start(
    case: tuple[Offer, Calendars, Ask, date, date, datetime], data: st.DataObject
) -> None:
    a_service, calendars, ask, first, end, now = case
    span = spans.span_of_days(a_service, first, end)
    listed = {s.starts: s for day in slots.find(a_service, calendars, ask, span, now=now).values() for s in day}
    oracle = Oracle(a_service, calendars, ask, first, end, now=now)
    begin, stop = oracle.clock.minute(first, 0), oracle.clock.minute(end, 0)
    if begin == stop:  # the calendar of the zone skips the day
        return
    some = st.integers(begin, stop - 1)
    if listed:
        some |= st.sampled_from(sorted(listed))
    for start in data.draw(st.lists(some, min_size=1, max_size=6)):
        reasons = slots.explain(a_service, calendars, ask, start, now=now)
        if start in listed:
            chosen = slots.choose(a_service, calendars, ask, start, now=now)
            assert chosen == tuple(group[0].id for group in oracle.fitting(start))
            assert set(chosen) <= set(listed[start].resource_ids)
            assert reasons == ()
        else:
            with pytest.raises((TooSoon, TooFar, OutsideHours, SlotTaken, Invalid)):
                slots.choose(a_service, calendars, ask, start, now=now)
            assert reasons


def test_a_day_of_eight_hours_has_eight_slots_of_one_hour() -> None:
    a_service = offer()
    found = slots.find(
        a_service, Calendars(), Ask(60), spans.span_of_days(a_service, MONDAY, MONDAY + timedelta(days=1)), now=NOW
    )
    assert [slot.starts for slot in found[MONDAY]] == [at(f"{hour:02d}:00") for hour in range(9, 17)]
    assert {(slot.ends - slot.starts, slot.resource_ids, slot.spots_open) for slot in found[MONDAY]} == {(60, (1,), 1)}


def test_a_day_without_slots_is_listed_empty() -> None:
    a_service = offer((resource(daily=()),))
    found = slots.find(
        a_service, Calendars(), Ask(60), spans.span_of_days(a_service, MONDAY, MONDAY + timedelta(days=2)), now=NOW
    )
    assert found == {MONDAY: [], MONDAY + timedelta(days=1): []}


def test_buffers_may_lie_outside_the_opening_hours() -> None:
    a_service = offer(buffer_before_minutes=30, buffer_after_minutes=30)
    assert slots.choose(a_service, Calendars(), Ask(60), at("09:00"), now=NOW) == (1,)
    assert slots.choose(a_service, Calendars(), Ask(60), at("16:00"), now=NOW) == (1,)


def test_what_is_taken_may_touch_the_buffers_but_not_overlap_them() -> None:
    a_service = offer(buffer_before_minutes=15, buffer_after_minutes=15)
    touching = Calendars(taken={1: Taken([at("10:45"), at("12:15")], [at("11:00") - 15, at("13:00")], [1, 1])})
    assert slots.choose(a_service, touching, Ask(60), at("11:00"), now=NOW) == (1,)
    overlapping = Calendars(taken={1: Taken([at("12:14")], [at("13:00")], [1])})
    with pytest.raises(SlotTaken):
        slots.choose(a_service, overlapping, Ask(60), at("11:00"), now=NOW)


def test_the_first_free_member_in_the_catalogue_order_is_chosen() -> None:
    a_service = offer((resource(7), resource(3)), (resource(9),))
    assert slots.choose(a_service, Calendars(), Ask(60), at("09:00"), now=NOW) == (7, 9)
    busy = Calendars(taken={7: Taken([at("09:30")], [at("10:00")], [1])})
    assert slots.choose(a_service, busy, Ask(60), at("09:00"), now=NOW) == (3, 9)


def test_a_member_asked_for_by_name_is_the_only_one_considered() -> None:
    a_service = offer((resource(1), resource(2)))
    busy = Calendars(taken={2: Taken([at("09:00")], [at("10:00")], [1])})
    with pytest.raises(SlotTaken):
        slots.choose(a_service, busy, Ask(60, resource_id=2), at("09:00"), now=NOW)
    assert slots.choose(a_service, busy, Ask(60, resource_id=1), at("09:00"), now=NOW) == (1,)


def test_spots_are_counted_in_parties_of_the_service_unit() -> None:
    a_service = offer((resource(1, capacity=10),), units_per_party_member=2)
    busy = Calendars(taken={1: Taken([at("09:00")], [at("10:00")], [3])})
    found = slots.find(
        a_service, busy, Ask(60, 2), spans.span_of_days(a_service, MONDAY, MONDAY + timedelta(days=1)), now=NOW
    )
    assert [slot.spots_open for slot in found[MONDAY]][:2] == [3, 5]


REFUSALS: list[tuple[str, type[DomainError], dict[str, Any], Calendars, str]] = [
    ("too_soon", TooSoon, {"min_notice_minutes": 10 * 1440}, Calendars(), "09:00"),
    ("too_far", TooFar, {"horizon_days": 3}, Calendars(), "09:00"),
    ("outside_hours", OutsideHours, {}, Calendars(), "08:00"),
    ("outside_hours", OutsideHours, {}, Calendars(), "16:30"),
    ("not_a_start", Invalid, {}, Calendars(), "09:30"),
    ("blackout", OutsideHours, {}, Calendars(closures={1: [Closure(at("09:59"), at("12:00"), "Repairs")]}), "09:00"),
    ("slot_taken", SlotTaken, {}, Calendars(taken={1: Taken([at("09:59")], [at("12:00")], [1])}), "09:00"),
]


@pytest.mark.parametrize(("code", "error", "rules", "calendars", "clock"), REFUSALS)
def test_a_refusal_and_its_explanation_name_the_same_reason(
    code: str, error: type[Exception], rules: dict[str, Any], calendars: Calendars, clock: str
) -> None:
    a_service = offer(**rules)
    with pytest.raises(error):
        slots.choose(a_service, calendars, Ask(60), at(clock), now=NOW)
    assert [reason.code for reason in slots.explain(a_service, calendars, Ask(60), at(clock), now=NOW)] == [code]


def test_a_blackout_is_explained_by_its_reason() -> None:
    closed = Calendars(closures={1: [Closure(at("09:00"), at("12:00"), "Repairs")]})
    (reason,) = slots.explain(offer(), closed, Ask(60), at("10:00"), now=NOW)
    assert (reason.detail, reason.resource_id) == ("Room 1 is closed then: Repairs.", 1)


def test_a_service_whose_resources_are_all_out_of_use_is_explained_as_closed() -> None:
    a_service = offer((resource(1),), ())
    with pytest.raises(OutsideHours):
        slots.choose(a_service, Calendars(), Ask(60), at("09:00"), now=NOW)
    assert [reason.code for reason in slots.explain(a_service, Calendars(), Ask(60), at("09:00"), now=NOW)] == [
        "outside_hours"
    ]


def test_a_member_too_small_for_the_party_is_passed_over() -> None:
    a_service = offer((resource(1, capacity=2), resource(2, capacity=6)), units_per_party_member=1)
    assert slots.choose(a_service, Calendars(), Ask(60, 4), at("09:00"), now=NOW) == (2,)


def test_a_start_is_refused_from_the_second_after_it() -> None:
    start = at("09:00")
    moment = datetime.fromtimestamp(start * 60, timezone.utc)
    assert slots.choose(offer(), Calendars(), Ask(60), start, now=moment) == (1,)
    with pytest.raises(TooSoon):
        slots.choose(offer(), Calendars(), Ask(60), start, now=moment + timedelta(seconds=1))


def test_the_last_day_of_the_horizon_is_a_whole_local_day() -> None:
    a_service = offer((resource(daily=((0, 1440),)),), horizon_days=1)
    now = datetime(2027, 6, 6, 22, 30, tzinfo=timezone.utc)  # 00:30 on Monday in Berlin
    last = at("23:00", MONDAY + timedelta(days=1))
    assert slots.choose(a_service, Calendars(), Ask(60), last, now=now) == (1,)
    with pytest.raises(TooFar):
        slots.choose(a_service, Calendars(), Ask(60), last + 60, now=now)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("2027-03-28T02:30:00+01:00", "skipped"),
        ("2027-03-28T02:30:00+02:00", "skipped"),
        ("2027-06-07T09:00:01+02:00", "not_a_start"),
        ("9999-12-31T23:00:00+00:00", "out_of_range"),
    ],
)
def test_a_start_that_is_no_start_is_refused_by_name(written: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        spans.check_start(offer(), datetime.fromisoformat(written))
    assert [(error.field, error.code) for error in refused.value.errors] == [("starts_at", code)]


@pytest.mark.parametrize("zone", ["Europe/London", "Europe/Lisbon", "Atlantic/Canary", "Europe/Berlin"])
def test_every_slot_of_a_day_with_a_jump_can_be_asked_for_in_utc(zone: str) -> None:
    a_service = offer((resource(daily=((0, 1440),)),), zone=zone, slot_interval_minutes=30)
    day = date(2027, 3, 28)
    span = spans.span_of_days(a_service, day, day + timedelta(days=1))
    found = slots.find(a_service, Calendars(), Ask(60), span, now=NOW - timedelta(days=90))
    for slot in found[day]:
        written = datetime.fromtimestamp(slot.starts * 60, timezone.utc)
        assert spans.check_start(a_service, written) == slot.starts


def test_a_question_is_about_one_to_sixty_two_days() -> None:
    for length in (0, -1, 63):
        with pytest.raises(Invalid):
            spans.span_of_days(offer(), MONDAY, MONDAY + timedelta(days=length))
    assert spans.span_of_days(offer(), MONDAY, MONDAY + timedelta(days=62)).first_day == MONDAY


def test_the_nearest_alternatives_come_in_order_of_time() -> None:
    around = [slots.Slot(start, start + 60, (1,), 1) for start in range(0, 1000, 100)]
    assert [slot.starts for slot in slots.nearest(around, 420)] == [200, 300, 400, 500, 600]


@pytest.mark.parametrize(
    ("field", "wish"),
    [
        ("duration_minutes", {"duration_minutes": 45}),
        ("duration_minutes", {"duration_minutes": 30}),
        ("duration_minutes", {"duration_minutes": 150}),
        ("party_size", {"party_size": 0}),
        ("party_size", {"party_size": 4}),
        ("resource_id", {"resource_id": 99}),
    ],
)
def test_a_wish_the_service_does_not_offer_is_refused_by_field(field: str, wish: dict[str, int]) -> None:
    a_service = replace(offer((resource(1, capacity=3),)), max_minutes=120, units_per_party_member=1)
    with pytest.raises(Invalid) as refused:
        check_ask(a_service, **{"duration_minutes": None, "party_size": None, **wish})
    assert [error.field for error in refused.value.errors] == [field]


def test_a_wish_without_particulars_gets_the_defaults_of_the_service() -> None:
    assert check_ask(offer(minutes=90), duration_minutes=None, party_size=None) == Ask(90, 1, None)
