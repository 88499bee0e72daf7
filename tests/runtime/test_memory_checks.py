"""What the settings of memory may say."""

from __future__ import annotations

from typing import Any

import pytest

from app.runtime.checks import SettingsError
from app.runtime.memory_checks import memory_settings


def limits_of(**values: Any) -> tuple[int | None, int | None, int]:
    found = memory_settings(values)
    return found["memory_soft_mib"], found["memory_hard_mib"], found["memory_check_requests"]


def test_unless_they_are_set_limits_are_found_and_looked_at_every_fifty_requests() -> None:
    assert limits_of() == (None, None, 50)
    assert limits_of(memory_soft_mib="auto", memory_hard_mib=" AUTO ") == (None, None, 50)


@pytest.mark.parametrize("word", ["off", "OFF", "0", 0, False])
def test_no_limit_is_wished_for_in_several_words(word: object) -> None:
    assert limits_of(memory_soft_mib=word, memory_hard_mib=word) == (0, 0, 50)


def test_limits_are_numbers_of_mebibytes_as_text_or_not() -> None:
    assert limits_of(memory_soft_mib="120", memory_hard_mib=160, memory_check_requests="1") == (120, 160, 1)


@pytest.mark.parametrize("value", ["", "63", 63, "-1", "1.5", 0.0, True, None, "lots", 65_537, [100]])
def test_a_limit_that_is_none_is_refused_by_name(value: object) -> None:
    with pytest.raises(SettingsError, match="MEMORY_HARD_MIB must be auto, off, or a number of MiB from 64 to 65536"):
        memory_settings({"memory_hard_mib": value})


@pytest.mark.parametrize("soft", [160, 161])
def test_a_soft_limit_that_is_not_below_the_hard_one_is_refused(soft: int) -> None:
    with pytest.raises(SettingsError, match="MEMORY_SOFT_MIB must be below MEMORY_HARD_MIB"):
        memory_settings({"memory_soft_mib": soft, "memory_hard_mib": 160})


@pytest.mark.parametrize("value", [0, 10_001, "often"])
def test_a_number_of_requests_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match="MEMORY_CHECK_REQUESTS"):
        memory_settings({"memory_check_requests": value})
