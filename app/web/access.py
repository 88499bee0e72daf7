"""Who may call a route. The table names a policy for each; objects are checked by the use case that loads them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """A named rule of access; ``token`` says that a manage token opens the object."""

    name: str
    token: bool = False


ANYONE = Policy("anyone")
HOLDER = Policy("holder", token=True)
POLICIES = (ANYONE, HOLDER)
