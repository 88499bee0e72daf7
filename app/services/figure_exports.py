"""Reports as files: the figures of the house as CSV to go on with, and as PDF to print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.documents.csv_text import Cell, csv_chunks
from app.documents.figures_report import FiguresReport, Kind, Line, figures_report
from app.documents.languages import printable
from app.domain.figures import EXPECTED, LEAD_HOURS, Tally
from app.persistence.figures import DayTally
from app.runtime.settings import Settings
from app.services.documents import Asked
from app.services.figures import WEEKDAYS, LeadTimes, Occupancy, Scene, Tallies

_MISSED, _CAME = ("cancelled", "declined", "expired", "no_show"), ("checked_in", "completed")


def iter_occupancy_csv(found: Occupancy) -> Iterator[bytes]:
    """Return a line for each resource, weekday and hour in which it was open or booked."""
    heads = ("resource_id", "resource", "weekday", "hour", "open_minutes", "booked_minutes")
    pages = (
        [
            (key, name, WEEKDAYS[hour // 24], hour % 24, use.open_minutes[hour], use.booked_minutes[hour])
            for hour in range(len(use.open_minutes))
            if use.open_minutes[hour] or use.booked_minutes[hour]
        ]
        for key, name, use in found.resources
    )
    return csv_chunks(heads, pages)


def iter_tallies_csv(found: Tallies) -> Iterator[bytes]:
    """Return a line for each day, service and status."""
    heads = ("date", "service_id", "service", "status", "bookings", "total_minor", "deposit_minor", "currency")
    return csv_chunks(heads, [[_cells(row, found.services) for row in found.rows]])


def iter_lead_times_csv(found: Sequence[LeadTimes]) -> Iterator[bytes]:
    """Return a line for each service and class of time ahead."""
    heads = ("service_id", "service", "at_least_hours", "below_hours", "made", "called_off")
    bounds: list[Cell] = [*LEAD_HOURS, ""]
    rows = [
        (item.service_id, item.service, ([0, *LEAD_HOURS])[number], bounds[number], made, item.called_off[number])
        for item in found
        for number, made in enumerate(item.made)
    ]
    return csv_chunks(heads, [rows])


def iter_revenue_pdf(settings: Settings, found: Tallies, *, asked: Asked) -> Iterator[bytes]:
    """Return what was quoted, by service, as chunks of a PDF."""
    sums = found.sums(lambda row: row.service_id, of=EXPECTED)
    lines = [
        Line(name, (sums[key].bookings, sums[key].total_minor, sums[key].deposit_minor))
        for key, name in found.services.items()
        if key in sums
    ]
    return _pdf(settings, "revenue", found.scene, lines, asked)


def iter_cancellations_pdf(settings: Settings, found: Tallies, *, asked: Asked) -> Iterator[bytes]:
    """Return how bookings ended, by service, as chunks of a PDF."""
    sums = found.sums(lambda row: (row.service_id, row.status))
    all_of = found.sums(lambda row: row.service_id)
    lines = []
    for key, name in found.services.items():
        counts = [sums.get((key, status), Tally()).bookings for status in (*_MISSED, *_CAME)]
        if key in all_of:
            lines.append(Line(name, (all_of[key].bookings, *counts[:4], sum(counts[3:]))))
    return _pdf(settings, "cancellations", found.scene, lines, asked)


def iter_lead_times_pdf(
    settings: Settings, scene: Scene, found: Sequence[LeadTimes], *, asked: Asked
) -> Iterator[bytes]:
    """Return how long ahead bookings were made, by service, as chunks of a PDF."""
    lines = [Line(item.service, (item.bookings, item.mean_minutes * item.bookings, *item.made)) for item in found]
    return _pdf(settings, "lead_times", scene, lines, asked)


def _pdf(settings: Settings, kind: Kind, scene: Scene, lines: Sequence[Line], asked: Asked) -> Iterator[bytes]:
    report = FiguresReport(
        kind,
        scene.head.venue,
        scene.head.timezone,
        scene.head.currency,
        scene.days[0],
        scene.days[-1],
        asked.now,
        tuple(lines),
        LEAD_HOURS,
        printable(asked.language, settings.font_dir),
    )
    return figures_report(report, packs=settings.font_dir)


def _cells(row: DayTally, services: dict[int, str]) -> list[Cell]:
    tally = row.tally
    return [
        row.day.isoformat(),
        row.service_id,
        services[row.service_id],
        row.status,
        tally.bookings,
        tally.total_minor,
        tally.deposit_minor,
        row.currency,
    ]
