"""How a message can fail to leave."""

from __future__ import annotations


class DeliveryFailed(Exception):
    """A message was not taken; the text is a short reason without secrets and without whole addresses.

    Attributes:
        permanent: another attempt with the same message cannot succeed.
        retry_after_seconds: an attempt before then is not wanted.
        alone: it is about this message; others over the same gateway may well be taken.
        maybe_taken: nobody can say whether it was taken; sent again, it may come twice.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool,
        retry_after_seconds: int = 0,
        alone: bool = False,
        maybe_taken: bool = False,
    ) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.retry_after_seconds = retry_after_seconds
        self.alone = alone or permanent
        self.maybe_taken = maybe_taken
