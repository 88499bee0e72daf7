"""What the failures of a mail server mean, in words that name nobody: a server's own text may repeat the address."""

from __future__ import annotations

import re
import smtplib
import ssl

from app.gateways.errors import DeliveryFailed

CLOSING = {421}  # RFC 5321: whatever it was asked, the server ends the connection
PERMANENT = 500  # RFC 5321: from here on, asking again is of no use
LOST = (smtplib.SMTPException, OSError, UnicodeError)  # the last: a host name that DNS cannot have
_OURS = {smtplib.SMTPAuthenticationError: "the login", smtplib.SMTPSenderRefused: "our address"}
_ENHANCED = re.compile(rb"\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})\b")


class AddresseeRefused(smtplib.SMTPResponseException):
    """The server takes nothing for whom the letter is to."""


def failure_of(error: Exception, *, maybe_taken: bool = False) -> DeliveryFailed:
    """Return what went wrong. An addressee who gets nothing just now is no reason to leave the server alone."""
    if isinstance(error, AddresseeRefused):
        return _refused(
            "the addressee", error, permanent=error.smtp_code >= PERMANENT, alone=error.smtp_code not in CLOSING
        )
    if isinstance(error, smtplib.SMTPDataError):
        return _refused("the mail", error, permanent=error.smtp_code >= PERMANENT)
    if isinstance(error, smtplib.SMTPResponseException):
        return _refused(_OURS.get(type(error), "the connection"), error, permanent=False)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return DeliveryFailed("the mail server takes no address outside ASCII", permanent=True)
    reason = (isinstance(error, ssl.SSLError) and error.reason) or type(error).__name__
    said = f"the connection to the mail server failed: {reason}"
    return DeliveryFailed(said, permanent=False, maybe_taken=maybe_taken)


def _refused(
    what: str, error: smtplib.SMTPResponseException, *, permanent: bool, alone: bool = False
) -> DeliveryFailed:
    text: bytes | str = error.smtp_error
    enhanced = _ENHANCED.match(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
    detail = f"{error.smtp_code} {enhanced[1].decode()}" if enhanced else str(error.smtp_code)
    return DeliveryFailed(f"the mail server refused {what}: {detail}", permanent=permanent, alone=alone)
