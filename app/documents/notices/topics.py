"""What messages there are, which fields each can be filled with, and what stands in them for a look beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.documents.formats import amount, moment
from app.documents.messages import messages

_CODE = ("code", "host")
_ACCOUNT = ("host",)
_BOOKING = (
    "customer_name",
    "venue",
    "venue_address",
    "venue_email",
    "venue_phone",
    "service",
    "resources",
    "starts",
    "ends",
    "when",
    "party_size",
    "total",
    "ref",
    "reason",
    "was",
    "answer_by",
    "host",
)
_CUSTOMER = (*_BOOKING, "manage_url")
_STARTS, _ENDS, _WAS = datetime(2027, 3, 9, 18, 30), datetime(2027, 3, 9, 20, 0), datetime(2027, 3, 8, 18, 30)  # noqa: DTZ001 - local
_ZONE = "Europe/London (UTC+00:00)"


@dataclass(frozen=True, slots=True)
class Topic:
    """One occasion to write: ``fields`` may be used in its words, and those ``required`` must be."""

    name: str
    fields: tuple[str, ...]
    required: tuple[str, ...] = ()
    is_for_staff: bool = False

    def samples(self, language: str) -> dict[str, str]:
        """Return what its fields might hold, for a look at its words."""
        values = _samples(language)
        return {name: values[name] for name in self.fields}


TOPICS: Mapping[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic("code.register", _CODE, ("code",)),
        Topic("code.sign_in", _CODE, ("code",)),
        Topic("code.reset", _CODE, ("code",)),
        Topic("code.change_email", _CODE, ("code",)),
        Topic("code.change_phone", _CODE, ("code",)),
        Topic("account.exists", _ACCOUNT),
        Topic("account.email_changed", _ACCOUNT),
        Topic("account.phone_changed", _ACCOUNT),
        Topic("account.password_changed", _ACCOUNT),
        Topic("account.totp_changed", ("what", "host")),
        Topic("account.recovery_code_used", _ACCOUNT),
        Topic("account.erased", _ACCOUNT),
        Topic("account.role_changed", _ACCOUNT),
        Topic("account.disabled", _ACCOUNT),
        Topic("account.enabled", _ACCOUNT),
        Topic("account.api_key_made", _ACCOUNT),
        Topic("booking.confirmed", _CUSTOMER),
        Topic("booking.requested", _CUSTOMER),
        Topic("booking.approved", _CUSTOMER),
        Topic("booking.declined", _CUSTOMER),
        Topic("booking.rescheduled", _CUSTOMER),
        Topic("booking.cancelled", _CUSTOMER),
        Topic("booking.expired", _CUSTOMER),
        Topic("booking.reminder", _CUSTOMER),
        Topic("staff.booked", _BOOKING, is_for_staff=True),
        Topic("staff.requested", _BOOKING, is_for_staff=True),
        Topic("staff.cancelled", _BOOKING, is_for_staff=True),
        Topic("staff.rescheduled", _BOOKING, is_for_staff=True),
        Topic("staff.expired", _BOOKING, is_for_staff=True),
    )
}


def _samples(language: str) -> dict[str, str]:
    words = messages(language)
    starts, ends = moment(_STARTS, words), moment(_ENDS, words)
    return {
        "code": "271828",
        "host": "book.example.org",
        "what": "totp.set_up",
        "customer_name": "Ada Lovelace",
        "venue": "Example Hall",
        "venue_address": "1 Example Street, London",
        "venue_email": "hall@example.org",
        "venue_phone": "+442079460000",
        "service": "Badminton court",
        "resources": "Court 2",
        "starts": starts,
        "ends": ends,
        "when": f"{starts} – 20:00, {_ZONE}",  # noqa: RUF001 - a range takes an en dash
        "party_size": "4",
        "total": amount(4500, "GBP", words),
        "ref": "2345678CFG",
        "reason": "The hall is closed that evening.",
        "was": f"{moment(_WAS, words)} – 20:00, {_ZONE}",  # noqa: RUF001 - as above
        "answer_by": moment(_WAS, words),
        "manage_url": "https://book.example.org/bookings/2345678CFG",
    }
