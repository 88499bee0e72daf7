"""What a round of sending sends with: each gateway is made when it is first needed, and closed at the end."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from functools import cached_property

from app.gateways.mail import Mailer, make_mailer
from app.gateways.sms import Texter, make_texter
from app.persistence.outbox import OwedMessage
from app.persistence.session import give_connection_back
from app.runtime.settings import Settings
from app.services import letters, webhooks


class Gateways(ExitStack):
    """The gateways of one round: mail goes over one connection, as far as its server allows."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings

    @cached_property
    def _mailer(self) -> Mailer:
        return self.enter_context(make_mailer(self._settings.mail_url, self._settings.mail_from))

    @cached_property
    def _sms(self) -> Texter:
        found = self._settings
        return make_texter(found.sms_url, found.sms_headers, found.sms_body)

    @cached_property
    def _whatsapp(self) -> Texter:
        found = self._settings
        return make_texter(found.whatsapp_url, found.whatsapp_headers, found.whatsapp_body, "WHATSAPP")

    def hand_over(self, message: OwedMessage, *, now: datetime) -> None:
        """Return once somebody else answers for the message; no connection to the database is held meanwhile.

        Raises:
            DeliveryFailed: it was not taken.
            SealBroken: it cannot be opened with this installation's key.
        """
        if message.channel == "webhook":
            webhooks.deliver(self._settings, message, now=now)
        elif message.channel == "email":
            mail = letters.compose_mail(self._settings, message)
            give_connection_back()
            self._mailer.send(mail)
        else:
            sms = letters.compose_short(self._settings, message)
            give_connection_back()
            (self._sms if message.channel == "sms" else self._whatsapp).send(sms)
