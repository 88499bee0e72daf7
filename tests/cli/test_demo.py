"""``flask demo``: what ``scripts/start.sh`` calls at each start."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import Result

Shell = Callable[..., Result]


def test_the_demo_is_loaded_once_however_often_it_is_asked_for(shell: Shell) -> None:
    first, second = shell("demo", "load"), shell("demo", "load")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert (
        first.stdout.splitlines()[0]
        == "demo catalogue: 9 entries, 9 of them new; see 'catalogue show' and 'slots list practice'"
    )
    assert (
        second.stdout.splitlines()[0]
        == "demo catalogue: 9 entries, 0 of them new; see 'catalogue show' and 'slots list practice'"
    )


def test_every_service_of_the_demo_can_be_booked_as_a_guest(shell: Shell) -> None:
    shell("demo", "load")
    lines = [line for line in shell("catalogue", "show").stdout.splitlines() if line.startswith("service")]
    assert len(lines) == 4
    assert all("guests" in line for line in lines)
