"""How a message can fail to leave."""

from __future__ import annotations


class DeliveryFailed(Exception):
    """A message was not taken; the text is a short reason without secrets and without whole addresses.

    ``permanent`` says that another attempt with the same message cannot succeed.
    """

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.permanent = permanent
