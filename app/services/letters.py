"""Messages as they go out: the words of their topic in their language, an admin's own where there are some, filled in.

Loaded by whoever sends: it takes the mail and the calendar library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from app.documents.calendars import invitation_method, one_invitation
from app.documents.notices.letter import html_letter
from app.documents.notices.topics import TOPICS, Topic
from app.documents.notices.words import phrase, spoken, words
from app.domain.templates import Text, check, fill
from app.gateways.letters import Invitation, Mail
from app.gateways.texts import Sms
from app.persistence import message_templates
from app.persistence.outbox import OwedMessage
from app.persistence.session import give_connection_back, reading
from app.runtime import logs
from app.runtime.mail_checks import sender
from app.runtime.settings import Settings
from app.services.calendars import find_event
from app.services.messages import Owed, open_owed

# Anybody may book for anybody's address: a name that is a link would make us write its owner's advertisements.
_ADVERTISES = re.compile(r"://|@|\w\.\w\w")


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to be read."""

    to: str
    subject: str
    body: str
    short: str


def compose_mail(settings: Settings, message: OwedMessage) -> Mail:
    """Return the mail of an owed message, the same at every attempt but for what the booking is by then.

    Raises:
        SealBroken: it cannot be opened with this installation's key.
        KeyError: this version of the program has no words for its topic.
    """
    owed, topic = open_owed(settings, message.sealed, message.message_id), TOPICS[message.topic]
    text = _written(topic, owed)
    invitation = _invitation(settings, owed, message.object) if owed.attach == "calendar" else None
    give_connection_back()  # a mail server may take its time
    domain = urlsplit(settings.base_url).hostname or "localhost"
    return Mail(
        to=owed.to,
        subject=text.subject,
        text=text.body,
        message_id=f"{message.message_id}@{domain}",
        html=html_letter(text.subject, text.body, language=owed.language, fields=owed.fields),
        reply_to="" if topic.is_for_staff else owed.fields.get("venue_email", ""),
        invitation=invitation,
    )


def compose_short(settings: Settings, message: OwedMessage) -> Sms:
    """Return the short text of an owed message, for a telephone.

    Raises:
        As for compose_mail.
    """
    owed = open_owed(settings, message.sealed, message.message_id)
    return Sms(owed.to, _written(TOPICS[message.topic], owed).short, message.message_id)


def open_letter(settings: Settings, topic: str, sealed: str, message_id: str) -> Letter:
    """Return all the words of an owed message.

    Raises:
        As for compose_mail.
    """
    owed = open_owed(settings, sealed, message_id)
    text = _written(TOPICS[topic], owed)
    return Letter(owed.to, text.subject, text.body, text.short)


def current_words(topic: Topic, language: str) -> Text:
    """Return an admin's words for a topic, or the program's where there are none or they fit its fields no more."""
    own = message_templates.find(reading(), topic.name, language)
    if own is None:
        return words(topic.name, language)
    text, errors = check(own.text, topic.fields, required=topic.required)
    if not errors:
        return text
    logs.warning("message_template_not_used", topic=topic.name, language=language, reason=errors[0].message)
    return words(topic.name, language)


def _written(topic: Topic, owed: Owed) -> Text:
    fields = dict(owed.fields)
    if "what" in fields:
        fields["what"] = phrase(fields["what"], owed.language)
    if not topic.is_for_staff and _ADVERTISES.search(fields.get("customer_name", "")):
        fields["customer_name"] = ""
    return fill(current_words(topic, spoken(owed.language)), fields)


def _invitation(settings: Settings, owed: Owed, about: str) -> Invitation | None:
    """Return the booking as a calendar takes it in; None where it is gone by now, as its customer may be."""
    event = find_event(about.removeprefix("booking:"))
    if event is None:
        return None
    organizer = event.organizer_email or sender(settings.mail_from).address
    event = replace(event, organizer_email=organizer, attendee_email=owed.to)
    return Invitation(one_invitation(event), invitation_method(event))
