"""Reports of the house as figures, for who runs it: JSON to draw, CSV to go on with."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response

from app.domain.figures import EXPECTED, LEAD_HOURS, Tally, Use, rate
from app.services import figure_exports, figures
from app.services.booking_exports import Range
from app.services.figures import LeadTimes, Scene
from app.web.actors import actor
from app.web.context import settings
from app.web.documents import asked
from app.web.figure_views import (
    CancellationsView,
    DayTallyView,
    FiguresQuery,
    LeadTimesView,
    LeadView,
    MissedView,
    OccupancyView,
    PrintQuery,
    ResourceUseView,
    RevenueView,
    ServiceLeadView,
    ServiceMissedView,
    ServiceTallyView,
    TallyView,
    UseView,
    Venue,
)
from app.web.languages import told
from app.web.routes.route import CSV, PDF
from app.web.streams import stream


def read_occupancy(query: FiguresQuery) -> OccupancyView:
    """Tell how full a venue was, by resource, weekday and hour."""
    found = figures.occupancy(_range(query), by=actor())
    whole = found.all
    week = [[_use(whole, [day * 24 + hour]) for hour in range(24)] for day in range(7)]
    return OccupancyView(
        _venue(found.scene, query),
        _use(whole, range(7 * 24)),
        [_resource_use(key, name, use) for key, name, use in found.resources],
        [_use(whole, range(day * 24, day * 24 + 24)) for day in range(7)],
        [_use(whole, range(hour, 7 * 24, 24)) for hour in range(24)],
        week,
    )


def export_occupancy(query: FiguresQuery) -> Response:
    """Export how full each resource was, by weekday and hour, as CSV."""
    chunks = figure_exports.iter_occupancy_csv(figures.occupancy(_range(query), by=actor()))
    return stream(chunks, CSV, f"occupancy-{query.first}-{query.end}.csv")


def read_revenue(query: FiguresQuery) -> RevenueView:
    """Tell what was quoted for bookings that stand, by service and day."""
    found = figures.tallies(_range(query), by=actor())
    by_service = figures.revenue_of(found, lambda row: row.service_id)
    by_day = figures.revenue_of(found, lambda row: row.day.isoformat())
    return RevenueView(
        _venue(found.scene, query),
        found.scene.head.currency,
        _tally(sum(by_service.values(), Tally())),
        [
            ServiceTallyView(*_numbers(by_service[key]), service_id=key, name=found.services[key])
            for key in found.services
            if key in by_service
        ],
        [DayTallyView(*_numbers(tally), date=str(day)) for day, tally in by_day.items()],
    )


def read_cancellations(query: FiguresQuery) -> CancellationsView:
    """Tell how the bookings of a venue ended, and how many came to nothing."""
    found = figures.tallies(_range(query), by=actor())
    by_status = found.sums(lambda row: row.status)
    lost = sum((tally.total_minor for status, tally in by_status.items() if status not in EXPECTED), 0)
    services = found.sums(lambda row: (row.service_id, row.status))
    return CancellationsView(
        _venue(found.scene, query),
        found.scene.head.currency,
        lost,
        _by_status(by_status),
        _missed(by_status),
        [
            ServiceMissedView(key, name, _by_status(of), _missed(of))
            for key, name in found.services.items()
            if (of := {pair[1]: tally for pair, tally in services.items() if pair[0] == key})  # type: ignore[index]
        ],
    )


def export_tallies(query: FiguresQuery) -> Response:
    """Export numbers and sums of bookings by day, service and status, as CSV."""
    chunks = figure_exports.iter_tallies_csv(figures.tallies(_range(query), by=actor()))
    return stream(chunks, CSV, f"figures-{query.first}-{query.end}.csv")


def read_lead_times(query: FiguresQuery) -> LeadTimesView:
    """Tell how long ahead bookings were made and called off, by service."""
    scene, found = figures.lead_times(_range(query), by=actor())
    return LeadTimesView(_venue(scene, query), [_lead(item) for item in found])


def export_lead_times(query: FiguresQuery) -> Response:
    """Export how long ahead bookings were made and called off, as CSV."""
    _, found = figures.lead_times(_range(query), by=actor())
    return stream(figure_exports.iter_lead_times_csv(found), CSV, f"lead-times-{query.first}-{query.end}.csv")


def export_revenue_pdf(query: PrintQuery) -> Response:
    """Print what was quoted for bookings that stand, by service."""
    found = figures.tallies(_range(query), by=actor())
    return _printed(figure_exports.iter_revenue_pdf(settings(), found, asked=asked(query.lang)), "revenue", query)


def export_cancellations_pdf(query: PrintQuery) -> Response:
    """Print how the bookings of a venue ended, by service."""
    found = figures.tallies(_range(query), by=actor())
    return _printed(
        figure_exports.iter_cancellations_pdf(settings(), found, asked=asked(query.lang)), "cancellations", query
    )


def export_lead_times_pdf(query: PrintQuery) -> Response:
    """Print how long ahead bookings were made, by service."""
    scene, found = figures.lead_times(_range(query), by=actor())
    return _printed(
        figure_exports.iter_lead_times_pdf(settings(), scene, found, asked=asked(query.lang)), "lead-times", query
    )


def _printed(chunks: Iterator[bytes], name: str, query: FiguresQuery) -> Response:
    return told(stream(chunks, PDF, f"{name}-{query.first}-{query.end}.pdf", is_shown=True))


def _range(query: FiguresQuery) -> Range:
    return Range(query.first, query.end, query.venue_id)


def _venue(scene: Scene, query: FiguresQuery) -> Venue:
    return Venue(scene.head.venue_id, scene.head.timezone, query.first.isoformat(), query.end.isoformat())


def _use(use: Use, hours: range | list[int]) -> UseView:
    opened = sum(use.open_minutes[hour] for hour in hours)
    booked = sum(use.booked_minutes[hour] for hour in hours)
    return UseView(opened, booked, rate(booked, opened))


def _resource_use(key: int, name: str, use: Use) -> ResourceUseView:
    whole = _use(use, range(7 * 24))
    return ResourceUseView(
        whole.open_minutes, whole.booked_minutes, whole.share, resource_id=key, name=name, bookings=use.bookings
    )


def _numbers(tally: Tally) -> tuple[int, int, int]:
    return tally.bookings, tally.total_minor, tally.deposit_minor


def _tally(tally: Tally) -> TallyView:
    return TallyView(*_numbers(tally))


def _by_status(sums: dict[object, Tally]) -> dict[str, int]:
    return {str(status): tally.bookings for status, tally in sums.items()}


def _missed(sums: dict[object, Tally]) -> MissedView:
    return MissedView(**figures.missed_rates(sum(sums.values(), Tally()), sums))


def _lead(item: LeadTimes) -> ServiceLeadView:
    bounds: list[int | None] = [*LEAD_HOURS, None]
    classes = [
        LeadView(at_least, below, made, called_off)
        for at_least, below, made, called_off in zip([0, *LEAD_HOURS], bounds, item.made, item.called_off, strict=True)
    ]
    return ServiceLeadView(item.service_id, item.service, item.bookings, round(item.mean_minutes / 60, 1), classes)
