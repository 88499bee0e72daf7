"""Hands a letter to a mail server.

What concerns the connection, the login or our own address is temporary, whatever the server says: it is put right in the
settings, and no mail should be lost until then. What concerns the addressee or the letter is as the server says.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress

from app.gateways.errors import DeliveryFailed
from app.gateways.letters import Letter
from app.runtime.mail_checks import MailServer

TIMEOUT_SECONDS = 5  # to connect, and for each answer
PERMANENT = 500  # RFC 5321: from here on, asking again is of no use
_REFUSED = {smtplib.SMTPAuthenticationError: "the login", smtplib.SMTPSenderRefused: "our address"}
_ENHANCED = re.compile(rb"\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})\b")


def hand_over(server: MailServer, letter: Letter) -> None:
    """Return once the server answers for the letter.

    Raises:
        DeliveryFailed: it does not, or the connection was lost before it said so.
    """
    try:
        client = _connect(server, letter.sender.rpartition("@")[2])
        try:
            _log_in(client, server)
            client.sendmail(letter.sender, [letter.to], letter.content, ["SMTPUTF8"] if letter.needs_utf8 else [])
            with suppress(smtplib.SMTPException, OSError):  # it has the letter: sent again, it would come twice
                client.quit()
        finally:
            client.close()
    except (smtplib.SMTPException, OSError, UnicodeError) as error:  # the last: a host name that DNS cannot have
        raise _failure(error) from None


def _connect(server: MailServer, own_name: str) -> smtplib.SMTP:
    """Return a connection, encrypted unless the server is this machine; *own_name* spares a look-up of ours in DNS."""
    if server.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, own_name, timeout=TIMEOUT_SECONDS, context=context)
    return smtplib.SMTP(server.host, server.port, own_name, timeout=TIMEOUT_SECONDS)


def _log_in(client: smtplib.SMTP, server: MailServer) -> None:
    if server.security == "starttls":
        _encrypt(client)
    if not server.user:
        return
    try:
        client.login(server.user, server.password)
    except smtplib.SMTPNotSupportedError:
        raise DeliveryFailed("the mail server offers no login: check MAIL_URL", permanent=False) from None


def _encrypt(client: smtplib.SMTP) -> None:
    try:
        code, _ = client.starttls(context=ssl.create_default_context())
    except smtplib.SMTPNotSupportedError:
        code = 0
    if code != 220:  # noqa: PLR2004 - "go ahead"
        raise DeliveryFailed("the mail server offers no encryption: use smtps:// in MAIL_URL", permanent=False)


def _failure(error: Exception) -> DeliveryFailed:
    """Return what went wrong in words that name nobody: a server's own text may repeat the address."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return _refused("the addressee", code, text, permanent=code >= PERMANENT)
    if isinstance(error, smtplib.SMTPDataError):
        return _refused("the mail", error.smtp_code, error.smtp_error, permanent=error.smtp_code >= PERMANENT)
    if isinstance(error, smtplib.SMTPResponseException):
        what = _REFUSED.get(type(error), "the connection")
        return _refused(what, error.smtp_code, error.smtp_error, permanent=False)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return DeliveryFailed("the mail server takes no address outside ASCII", permanent=True)
    reason = (isinstance(error, ssl.SSLError) and error.reason) or type(error).__name__
    return DeliveryFailed(f"the connection to the mail server failed: {reason}", permanent=False)


def _refused(what: str, code: int, text: bytes | str, *, permanent: bool) -> DeliveryFailed:
    enhanced = _ENHANCED.match(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
    detail = f"{code} {enhanced[1].decode()}" if enhanced else str(code)
    return DeliveryFailed(f"the mail server refused {what}: {detail}", permanent=permanent)
