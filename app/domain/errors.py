"""What can be wrong with a request, in the domain's own words; ``web/errors.py`` gives each its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that cannot be accepted: ``field`` is a dotted path such as ``customer.email``."""

    field: str
    code: str
    message: str


class DomainError(Exception):
    """Base of all refusals: a stable ``code`` for programs and a sentence for people."""

    code = "invalid"

    def __init__(self, detail: str, **extra: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra: Mapping[str, object] = extra


class Invalid(DomainError):
    """The input can never be accepted as it stands; ``errors`` names each field."""

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)

    @classmethod
    def field(cls, field: str, code: str, message: str) -> Invalid:
        """Return the refusal of one field."""
        return cls(message, [FieldError(field, code, message)])


class NotFound(DomainError):
    """There is no such object, or the caller may not know that there is."""

    code = "not_found"


class SignInRequired(DomainError):
    """Only a signed-in customer may do this."""

    code = "sign_in_required"


class InvalidCredentials(DomainError):
    """The password or code is wrong, or there is no such account: the caller may not know which."""

    code = "invalid_credentials"


class StepUpRequired(DomainError):
    """The session is sound, but this needs a proof of who is there that is newer."""

    code = "step_up_required"


class Forbidden(DomainError):
    """The caller is known and may not do this."""

    code = "forbidden"


class Unbookable(DomainError):
    """The time asked for is not offered."""


class OutsideHours(Unbookable):
    """The time lies outside the opening hours, or in a blackout."""

    code = "outside_hours"


class TooSoon(Unbookable):
    """The start is past, or nearer than the service's notice."""

    code = "too_soon"


class TooFar(Unbookable):
    """The start lies beyond the service's horizon."""

    code = "too_far"


class Conflict(DomainError):
    """The request is sound, but the state of things has moved on."""

    code = "conflict"


class WouldStrand(Conflict):
    """Bookings that are to come would have no place any more; ``extra`` has ``bookings``, the first of them, and ``count``."""

    code = "would_strand"


class SlotTaken(Conflict):
    """Somebody else has the time."""

    code = "slot_taken"


class HoldExpired(Conflict):
    """The hold is over, used up, or never was."""

    code = "hold_expired"


class AnsweredBefore(Conflict):
    """The idempotency key has an answer already."""


class VersionMismatch(Conflict):
    """The object has changed since the caller read it."""

    code = "version_mismatch"


class IdempotencyMismatch(DomainError):
    """The idempotency key came before with another body."""

    code = "idempotency_mismatch"


class RateLimited(DomainError):
    """The caller has used up the *limit* of ``most``; ``retry_after_seconds`` says when to ask again."""

    code = "rate_limited"

    def __init__(self, detail: str, *, limit: str, most: int, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.limit = limit
        self.most = most
        self.retry_after_seconds = retry_after_seconds


class Busy(DomainError):
    """The system cannot do this now; the same request may succeed in ``retry_after_seconds``."""

    code = "busy"
    retry_after_seconds = 1


class OutcomeUnknown(Busy):
    """The connection was lost in COMMIT: the change may or may not stand."""


class StorageFull(DomainError):
    """The disk or the quota is full; nothing was kept."""

    code = "storage_full"


class TooLarge(DomainError):
    """The file is larger than a file may be."""

    code = "payload_too_large"


class RangeNotSatisfiable(DomainError):
    """The range asked for begins behind the end of the file; ``size_bytes`` says where that is."""

    code = "range_not_satisfiable"

    def __init__(self, detail: str, *, size_bytes: int) -> None:
        super().__init__(detail)
        self.size_bytes = size_bytes


class ChecksumMismatch(DomainError):
    """A piece of an upload is not what its checksum says; it was not kept."""

    code = "checksum_mismatch"


class UploadLocked(Conflict):
    """Another request is writing the upload: a connection that broke off may take a moment to be noticed."""

    code = "upload_locked"
