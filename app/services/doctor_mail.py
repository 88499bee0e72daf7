"""One real mail, by the way that all others go."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from app.domain.errors import Invalid
from app.domain.findings import Finding, fail, ok
from app.domain.text import clean_email
from app.gateways.errors import DeliveryFailed
from app.gateways.mail import Mail, make_mailer
from app.runtime.settings import Settings

_TEXT = (
    "This is the test mail that 'flask doctor --mail-to' sends. That you read it means that mail leaves {base_url}.\n"
)


def examine(settings: Settings, to: str) -> Finding:
    """Send a test mail, and return whether it was taken; it is for a person to see whether it arrives, and not as spam."""
    host = urlsplit(settings.base_url).hostname or "localhost"
    try:
        address = clean_email(to)
        name = f"doctor-{secrets.token_hex(8)}@{host}"
        mail = Mail(address, f"Test mail from {host}", _TEXT.format(base_url=settings.base_url), name)
        make_mailer(settings.mail_url, settings.mail_from).send(mail)
    except DeliveryFailed as error:
        return fail("mail", f"the test mail was not taken: {error}", "correct MAIL_URL or MAIL_FROM")
    except (Invalid, ValueError) as error:
        return fail("mail", f"{to!a} is no address to send to: {error}", "name another after --mail-to")
    way = settings.mail_url.partition(":")[0]
    return ok("mail", f"a test mail to {address} was handed over by {way}: look whether it arrives, and where")
