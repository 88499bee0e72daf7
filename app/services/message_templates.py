"""The words of messages, as admins see and change them: an admin's own stand in place of the program's, topic by topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from app.documents.notices.letter import html_letter
from app.documents.notices.topics import TOPICS, Topic
from app.documents.notices.words import LANGUAGES, phrase, words
from app.domain.actors import Actor
from app.domain.errors import Invalid, NotFound, VersionMismatch
from app.domain.templates import Text, check, fill
from app.persistence import message_templates as stored
from app.persistence.audit import add_audit
from app.persistence.message_templates import StoredTemplate
from app.persistence.session import is_duplicate, reading, transaction, use_case

_JUST_CHANGED = "The words have just been changed; read them again."


@dataclass(frozen=True, slots=True)
class TemplateEntry:
    """A topic in a language; ``version`` is 0 and ``updated_at`` None where the program's own words stand."""

    topic: str
    language: str
    is_for_staff: bool
    is_changed: bool
    version: int
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """The words of a topic in a language, and what may be filled in; ``fault`` says why an admin's words are not used."""

    entry: TemplateEntry
    text: Text
    fields: tuple[str, ...]
    required: tuple[str, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """A message with its fields filled in, as mail and as short message."""

    subject: str
    text: str
    html: str
    short: str


def list_all() -> list[TemplateEntry]:
    """Return every topic in every language, in the order that they are written down in."""
    changed = stored.list_changed(reading())
    return [
        _entry(topic, language, changed.get((topic.name, language)))
        for topic in TOPICS.values()
        for language in LANGUAGES
    ]


def get(topic: str, language: str) -> MessageTemplate:
    """Return the words of a topic in a language.

    Raises:
        NotFound: there is no such topic, or no such language.
    """
    known = _known(topic, language)
    return _template(known, language, stored.find(reading(), topic, language))


def put(topic: str, language: str, text: Text, *, version: int | None, by: Actor, now: datetime) -> MessageTemplate:
    """Let an admin's words stand in place of the program's; messages that are sent from now on use them.

    Raises:
        NotFound: there is no such topic, or no such language.
        Invalid: naming everything that is wrong, with its line. VersionMismatch: they are no longer as they were read.
    """
    known = _known(topic, language)
    try:
        return _put(known, language, _checked(known, text), version=version, by=by, now=now)
    except IntegrityError as error:
        if is_duplicate(error):  # somebody else's first change came between
            raise VersionMismatch(_JUST_CHANGED) from None
        raise


@use_case
def _put(topic: Topic, language: str, text: Text, *, version: int | None, by: Actor, now: datetime) -> MessageTemplate:
    with transaction() as session:
        before = stored.find(session, topic.name, language)
        _check_version(before, version)
        if before is None:
            stored.add(session, topic.name, language, text, now=now)
        elif not stored.change(session, before, text, now=now):
            raise VersionMismatch(_JUST_CHANGED)
        add_audit(session, "message_template.changed", _object(topic, language), by=by, now=now)
        return _template(topic, language, stored.find(session, topic.name, language))


@use_case
def reset(topic: str, language: str, *, version: int | None, by: Actor, now: datetime) -> None:
    """Let the program's words stand again.

    Raises:
        NotFound: there is no such topic, or they stand already. VersionMismatch: an admin's are no longer as they were read.
    """
    known = _known(topic, language)
    with transaction() as session:
        before = stored.find(session, topic, language)
        if before is None:
            raise NotFound("The program's own words stand already.")
        _check_version(before, version)
        if not stored.remove(session, before):
            raise VersionMismatch(_JUST_CHANGED)
        add_audit(session, "message_template.reset", _object(known, language), by=by, now=now)


def preview(topic: str, language: str, changes: Mapping[str, str]) -> Preview:
    """Return a message as it would be sent, with samples filled in; *changes* are parts in other words. Nothing is kept.

    Raises:
        NotFound: there is no such topic, or no such language. Invalid: naming everything that is wrong, with its line.
    """
    known, text = _known(topic, language), get(topic, language).text
    text = _checked(known, Text(**{"subject": text.subject, "body": text.body, "short": text.short, **changes}))
    samples = {name: phrase(value, language) for name, value in known.samples(language).items()}
    filled = fill(text, samples)
    html = html_letter(filled.subject, filled.body, language=language, fields=samples)
    return Preview(filled.subject, filled.body, html, filled.short)


def _known(topic: str, language: str) -> Topic:
    if topic not in TOPICS or language not in LANGUAGES:
        raise NotFound(f"There are no words for {topic} in {language}; the languages are {', '.join(LANGUAGES)}.")
    return TOPICS[topic]


def _checked(topic: Topic, text: Text) -> Text:
    cleaned, errors = check(text, topic.fields, required=topic.required)
    if errors:
        raise Invalid("The words cannot be used.", errors)
    return cleaned


def _check_version(before: StoredTemplate | None, version: int | None) -> None:
    found = 0 if before is None else before.version
    if version is not None and version != found:
        raise VersionMismatch(f"The words are at version {found} by now; read them again.")


def _template(topic: Topic, language: str, own: StoredTemplate | None) -> MessageTemplate:
    entry = _entry(topic, language, None if own is None else (own.version, own.updated_at))
    text = words(topic.name, language) if own is None else own.text
    _, errors = check(text, topic.fields, required=topic.required)
    fault = f"{errors[0].field}: {errors[0].message}" if errors else ""
    return MessageTemplate(entry, text, topic.fields, topic.required, fault)


def _entry(topic: Topic, language: str, changed: tuple[int, datetime] | None) -> TemplateEntry:
    version, updated_at = changed or (0, None)
    return TemplateEntry(topic.name, language, topic.is_for_staff, changed is not None, version, updated_at)


def _object(topic: Topic, language: str) -> str:
    return f"message_template:{topic.name}:{language}"
