"""Who may do what: the roles of people and the scopes of API keys, in one place.

Routes name a policy (``web/access.py``), policies name roles and scopes from here, and use cases ask the actor whether the
object is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.domain.errors import FieldError, Invalid

# scope -> what a key that has it may do
KEY_SCOPES: Mapping[str, str] = {
    "bookings:read": "read bookings of its venue",
    "bookings:write": "book, cancel and move for others",
    "users:read": "list accounts",
}


def check_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes of an API key, each once, sorted.

    Raises:
        Invalid: there is no such scope, or none is given.
    """
    unknown = [scope for scope in scopes if scope not in KEY_SCOPES]
    if unknown or not scopes:
        known = ", ".join(KEY_SCOPES)
        what = f"There is no scope {unknown[0][:40]!r}" if unknown else "A key needs a scope"
        raise Invalid(
            "The scopes cannot be accepted.", [FieldError("scopes", "invalid", f"{what}; there are {known}.")]
        )
    return tuple(sorted(set(scopes)))
