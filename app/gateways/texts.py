"""A text message, and whether it can be sent at all."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from app.domain.text import clean_phone, clean_text
from app.gateways.errors import DeliveryFailed

MAX_TEXT = 480  # three messages of a provider's price list, where the alphabet is the small one


@dataclass(frozen=True, slots=True)
class Sms:
    """A text message to one number; ``message_id`` is the same at every attempt."""

    to: str
    text: str
    message_id: str


def checked(sms: Sms) -> Sms:
    """Return the message with its number as plus sign and digits.

    Raises:
        DeliveryFailed: permanent, number or text cannot be used.
    """
    text = ""
    with suppress(ValueError):
        sms = replace(sms, to=clean_phone(sms.to))
        text = clean_text(sms.text, MAX_TEXT)
    if not text:
        raise DeliveryFailed("the number or the text cannot be used", permanent=True)
    return replace(sms, text=text)
