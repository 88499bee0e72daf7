"""Messages to other servers, signed as Standard Webhooks has it: https://www.standardwebhooks.com."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from app.domain.networks import Network
from app.gateways.errors import DeliveryFailed
from app.gateways.outward import Answer, Errand, Unreachable, ask

TIMEOUT_SECONDS = 5  # to connect, to send and for the answer, all together
LONGEST_WAIT_SECONDS = 86_400  # whatever a server asks for: a day
_GONE, _ASK_LATER = 410, {429, 503}


class EndpointGone(DeliveryFailed):
    """The server says that nobody is there any more, and never will be."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What is sent: ``message_id`` is the same at every attempt, ``at`` (UTC seconds) is this one's."""

    message_id: str
    at: int
    body: bytes
    keys: tuple[bytes, ...] = field(repr=False)

    def headers(self) -> dict[str, str]:
        """Return id, time and a signature with each key."""
        return {
            "webhook-id": self.message_id,
            "webhook-timestamp": str(self.at),
            "webhook-signature": " ".join(self._signature(key) for key in self.keys),
        }

    def _signature(self, key: bytes) -> str:
        content = f"{self.message_id}.{self.at}.".encode() + self.body
        return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def post(url: str, signed: Signed, *, allowed: Collection[Network]) -> None:
    """Return once the server has taken the message; its answer's body is not read, and a redirect is a failure.

    Raises:
        EndpointGone: it answers 410. DeliveryFailed: it did not take it, or may not be reached.
    """
    headers = {"Content-Type": "application/json", "User-Agent": "Slotkeeper", **signed.headers()}
    try:
        with ask(Errand("POST", url, headers, signed.body, allowed, TIMEOUT_SECONDS)) as answer:
            _check(answer)
    except Unreachable as error:
        raise DeliveryFailed(str(error), permanent=False) from None


def _check(answer: Answer) -> None:
    """Let a success through; whatever else may be mended at the other end while tries go on, but for 410."""
    if 200 <= answer.status < 300:  # noqa: PLR2004 - success, RFC 9110
        return
    if answer.status == _GONE:
        raise EndpointGone("the server answered 410: it wants no more", permanent=True)
    pause = _pause(answer.header("Retry-After")) if answer.status in _ASK_LATER else 0
    raise DeliveryFailed(f"the server answered {answer.status}", permanent=False, retry_after_seconds=pause)


def _pause(text: str) -> int:
    """Return the seconds that a server asks for, a day at most; a date counts as nothing said."""
    return min(int(text), LONGEST_WAIT_SECONDS) if re.fullmatch(r"[0-9]{1,9}", text.strip()) else 0
