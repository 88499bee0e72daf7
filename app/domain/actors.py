"""Who does something, as the audit log and the use cases see them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone at the edge: ``kind`` is guest, holder (of a manage token) or operator (a shell on the host)."""

    kind: str
    name: str = ""
    address: str = ""
    request_id: str = ""

    @property
    def is_operator(self) -> bool:
        """Tell whether this is somebody who runs the venue."""
        return self.kind == "operator"

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind
