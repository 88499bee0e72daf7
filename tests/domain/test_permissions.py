"""The scopes of API keys."""

from __future__ import annotations

import pytest

from app.domain.errors import Invalid
from app.domain.permissions import KEY_SCOPES, check_scopes


def test_scopes_are_kept_each_once_and_sorted() -> None:
    assert check_scopes(["users:read", "bookings:read", "users:read"]) == ("bookings:read", "users:read")
    assert check_scopes(list(KEY_SCOPES)) == tuple(sorted(KEY_SCOPES))


@pytest.mark.parametrize(
    "scopes", [[], ["admin"], ["bookings:read", "*"], ["bookings:read bookings:write"], [""], ["x" * 500]]
)
def test_unknown_scopes_are_refused_and_none_is_none(scopes: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        check_scopes(scopes)
    (error,) = refused.value.errors
    assert error.field == "scopes"
    assert len(error.message) < 200
