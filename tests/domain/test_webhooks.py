"""Which events there are, and which addresses may be told of them."""

from __future__ import annotations

import pytest

from app.domain.errors import Invalid
from app.domain.networks import parse_network
from app.domain.webhooks import EVENTS, check_description, check_events, check_url

ALLOWED = (parse_network("10.1.0.0/16"),)


def test_events_come_once_each_and_in_one_order() -> None:
    assert check_events(["booking.no_show", "booking.made", "booking.made"]) == ("booking.made", "booking.no_show")
    assert check_events(EVENTS) == EVENTS


def test_all_events_fit_into_their_column() -> None:
    assert len(" ".join(EVENTS)) <= 500


@pytest.mark.parametrize(
    "events", [[], ["booking.paid"], ["booking.made", ""], ["Booking.made"], ["booking.made booking.approved"]]
)
def test_an_event_that_there_is_not_is_refused(events: list[str]) -> None:
    with pytest.raises(Invalid, match=r"booking\.made"):
        check_events(events)


@pytest.mark.parametrize("url", ["https://example.org/", "https://8.8.8.8:8443/x", "https://[2606:4700::1111]/"])
def test_an_address_of_the_internet_is_taken(url: str) -> None:
    assert check_url(url, allowed=()) == url


@pytest.mark.parametrize(
    "url", ["http://example.org/", "https://10.1.0.1/", "https://127.0.0.1/", "https://[::ffff:8.8.8.8]/", "https://169.254.169.254/", "x"]
)  # fmt: skip
def test_an_address_inside_or_without_encryption_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_url(url, allowed=())
    assert [error.field for error in caught.value.errors] == ["url"]


def test_a_network_that_is_allowed_is_taken_and_its_neighbour_is_not() -> None:
    assert check_url("http://10.1.2.3/", allowed=ALLOWED) == "http://10.1.2.3/"
    with pytest.raises(Invalid, match="internet"):
        check_url("http://10.2.0.1/", allowed=ALLOWED)


def test_a_description_is_one_clean_line() -> None:
    assert check_description("  the till\u200b ") != ""
    with pytest.raises(Invalid):
        check_description("two\nlines")
