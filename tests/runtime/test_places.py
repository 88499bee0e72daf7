"""Places: so many and no more, each given back once, whatever becomes of who had it."""

from __future__ import annotations

import pytest

from app.runtime.places import NoPlace, Places


def test_who_comes_when_all_are_taken_gets_none() -> None:
    places = Places(2)
    held = [places.take(), places.take()]
    with pytest.raises(NoPlace):
        places.take()
    held.pop().leave()
    assert places.take()


def test_a_place_left_twice_is_one_place() -> None:
    places = Places(1)
    place = places.take()
    place.leave()
    place.leave()
    second = places.take()
    with pytest.raises(NoPlace):
        places.take()
    second.leave()


def test_a_place_that_is_forgotten_is_free() -> None:
    places = Places(1)
    places.take()
    assert places.take()
