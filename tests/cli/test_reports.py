"""``flask reports``: the same figures as over HTTP, as a table, CSV or JSON."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Shell
from tests.cli.test_exports import DAYS, ref  # noqa: F401 - a hall of a venue "park" with a booking of an hour

WHICH = ("--venue", "park", *DAYS)


@pytest.mark.usefixtures("ref")
def test_occupancy_tells_hours_and_shares(shell: Shell) -> None:
    done = shell("reports", "occupancy", *WHICH)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1].split() == ["The", "hall", "24.0", "1.0", "4%", "1"]


@pytest.mark.usefixtures("ref")
def test_revenue_tells_what_was_quoted(shell: Shell) -> None:
    done = shell("reports", "revenue", *WHICH, "--format", "json")
    assert json.loads(done.stdout)[-1] == {"service": "altogether", "bookings": 1, "total EUR": 4000, "deposits": 0}


@pytest.mark.parametrize("report", ["occupancy", "revenue", "cancellations", "lead-times"])
@pytest.mark.usefixtures("ref")
def test_each_report_has_a_csv_that_says_how_much_it_is(shell: Shell, report: str) -> None:
    done = shell("reports", report, *WHICH, "--format", "csv")
    assert done.exit_code == 0, done.output
    *lines, last = done.stdout.splitlines()
    assert last == f"#rows={len(lines) - 1}"
    assert len(lines) > 1


@pytest.mark.usefixtures("ref")
def test_cancellations_and_lead_times_have_a_line_a_service(shell: Shell) -> None:
    assert shell("reports", "cancellations", *WHICH).stdout.splitlines()[1].split()[1:] == ["1", "0", "0", "0", "0"]
    assert shell("reports", "lead-times", *WHICH).stdout.splitlines()[1].split()[1] == "1"


def test_a_venue_that_is_none_is_one_line(shell: Shell) -> None:
    done = shell("reports", "revenue", "--venue", "nowhere", *DAYS)
    assert done.exit_code != 0
    assert len(done.stderr.strip().splitlines()) == 1
