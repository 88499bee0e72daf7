"""The words of messages, for admins: read them, change them, look at what would be sent, and have the program's own back."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from app.domain.templates import Text
from app.domain.times import rfc3339
from app.services import message_templates
from app.services.message_templates import MessageTemplate, TemplateEntry
from app.web.actors import actor
from app.web.context import now
from app.web.inputs import expected_version

# Generous, so that what is too long is told with everything else that is wrong.
Line = Annotated[str, Meta(max_length=2_000, description="At most 200 characters, one line.")]
Body = Annotated[str, Meta(max_length=100_000, description="At most 16,000 characters.")]
Short = Annotated[str, Meta(max_length=5_000, description="At most 480 characters.")]


class TemplateEntryView(Struct):
    """A topic in a language; `version` is 0 and `updated_at` null where the program's own words stand."""

    topic: str
    language: str
    is_for_staff: bool
    is_changed: bool
    version: int
    updated_at: str | None


class TemplateView(TemplateEntryView):
    """The words, and the `fields` that may stand in them as `{{ name }}` or `{{#if name}}..{{/if}}`.

    Those `required` must stand in body and short. A `fault` says why the words are not used: the program's own are, until they
    are mended.
    """

    subject: str
    body: str
    short: str
    fields: list[str]
    required: list[str]
    fault: str


class TemplatesView(Struct):
    """All topics in all languages."""

    items: list[TemplateEntryView]
    next_cursor: str | None


class TemplateBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """The words of a topic in a language."""

    subject: Line
    body: Body
    short: Short


class DraftBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Words to be looked at; what is left out is as it is now."""

    subject: Line | UnsetType = UNSET
    body: Body | UnsetType = UNSET
    short: Short | UnsetType = UNSET


class PreviewView(Struct):
    """A message with samples filled in: `html` and `text` are one mail's; `short` is for a telephone."""

    subject: str
    text: str
    html: str
    short: str


def list_all() -> TemplatesView:
    """List the messages there are, and which of them say something else than the program's own words."""
    return TemplatesView([TemplateEntryView(*_columns(entry)) for entry in message_templates.list_all()], None)


def read(topic: str, language: str) -> tuple[TemplateView, dict[str, str]]:
    """Read the words of a message in a language."""
    return _answer(message_templates.get(topic, language))


def change(topic: str, language: str, body: TemplateBody) -> tuple[TemplateView, dict[str, str]]:
    """Change the words of a message in a language; all that is wrong with them is told at once, with its line."""
    text = Text(body.subject, body.body, body.short)
    changed = message_templates.put(topic, language, text, version=expected_version(), by=actor(), now=now())
    return _answer(changed)


def reset(topic: str, language: str) -> None:
    """Have the program's own words back."""
    message_templates.reset(topic, language, version=expected_version(), by=actor(), now=now())


def preview(topic: str, language: str, body: DraftBody) -> PreviewView:
    """See a message as it would be sent, with samples filled in; nothing is changed."""
    parts = {"subject": body.subject, "body": body.body, "short": body.short}
    changes = {name: words for name, words in parts.items() if words is not UNSET}
    seen = message_templates.preview(topic, language, changes)
    return PreviewView(seen.subject, seen.text, seen.html, seen.short)


def _answer(template: MessageTemplate) -> tuple[TemplateView, dict[str, str]]:
    text = template.text
    view = TemplateView(
        *_columns(template.entry),
        text.subject,
        text.body,
        text.short,
        list(template.fields),
        list(template.required),
        template.fault,
    )
    return view, {"ETag": f'W/"{template.entry.version}"'}


def _columns(entry: TemplateEntry) -> tuple[str, str, bool, bool, int, str | None]:
    changed_at = None if entry.updated_at is None else rfc3339(entry.updated_at)
    return entry.topic, entry.language, entry.is_for_staff, entry.is_changed, entry.version, changed_at
