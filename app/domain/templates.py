"""The words of messages with places to fill in: ``{{ name }}``, and ``{{#if name}} .. {{/if}}`` where a field may be empty.

That is the whole language: no expressions, no attributes, no blocks within blocks. What is filled in is text and stays text,
whatever it looks like, and both the work and the result are bounded whatever the template is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from app.domain.errors import FieldError
from app.domain.template_reader import MAX_FAULTS, Fault, cut, parse
from app.domain.text import clean_text

MAX_SUBJECT = 200
MAX_BODY = 16_000  # of four bytes each at the most: what a TEXT column of MySQL holds
MAX_SHORT = 480
LIMITS: Mapping[str, int] = {"subject": MAX_SUBJECT, "body": MAX_BODY, "short": MAX_SHORT}
MAX_BRIEF = 40  # of a value in a short message that would be too long: its link stands at the end

_BREAKS = re.compile("[\t\n\r\u2028\u2029 ]+")
_GAPS = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")


@dataclass(frozen=True, slots=True)
class Text:
    """A message's words, before or after its fields are filled in; ``short`` is what fits a short message."""

    subject: str
    body: str
    short: str


def check(text: Text, fields: Collection[str], *, required: Collection[str] = ()) -> tuple[Text, list[FieldError]]:
    """Return the words cleaned, and everything that is wrong with them; nothing wrong means that they can be rendered.

    Those of *fields* that are *required* are said in each of body and short, outside any block.
    """
    cleaned, errors = {}, []
    for part, most in LIMITS.items():
        source, faults = _cleaned(getattr(text, part), most, one_line=part == "subject")
        cleaned[part] = source
        if not faults:
            faults = [*_faults(source, fields)][:MAX_FAULTS]
        if not faults and part != "subject":
            faults = [*_unsaid(source, required)]
        errors += [FieldError(part, fault.code, f"Line {fault.line}: {fault.message}") for fault in faults]
    return Text(**cleaned), errors


def fill(text: Text, values: Mapping[str, str]) -> Text:
    """Return a checked message with its fields filled in: a subject of one line, and no gaps where fields are empty."""
    subject, body, short = (parse(part).render(values) for part in (text.subject, text.body, text.short))
    if len(_line(short)) > MAX_SHORT:
        short = parse(text.short).render(_brief(values))
    return Text(cut(_line(subject), MAX_SUBJECT), _GAPS.sub("\n\n", body).strip(), cut(_line(short), MAX_SHORT))


def _brief(values: Mapping[str, str]) -> dict[str, str]:
    """Return values that leave each other room; a link is of use only as a whole."""
    return {name: value if "://" in value else cut(value, MAX_BRIEF) for name, value in values.items()}


def _cleaned(source: str, most: int, *, one_line: bool) -> tuple[str, list[Fault]]:
    try:
        cleaned = clean_text(source, most)
    except ValueError as error:
        return source[:most], [Fault(_refused_line(source, most), "invalid", str(error))]
    if not cleaned:
        return "", [Fault(1, "required", "say something here.")]
    if one_line and any(c in cleaned for c in "\n\t\u2028\u2029"):
        return cleaned, [Fault(1, "invalid", "a subject is one line.")]
    return cleaned, []


def _refused_line(source: str, most: int) -> int:
    """Return the line that cannot be used for itself; the first where it is all of them together."""
    for number, line in enumerate(source[: most * 4].split("\n"), 1):
        try:
            clean_text(line, most)
        except ValueError:
            return number
    return 1


def _faults(source: str, fields: Collection[str]) -> Iterator[Fault]:
    template = parse(source)
    yield from template.faults
    for line, name in sorted(set(template.uses())):
        if name not in fields:
            yield Fault(line, "unknown_field", f"there is no field {name} here; there are {', '.join(sorted(fields))}.")


def _unsaid(source: str, required: Collection[str]) -> Iterator[Fault]:
    for name in required:
        if not parse(source).always_says(name):
            yield Fault(1, "required", f"it must say {{{{ {name} }}}}, outside any block.")


def _line(text: str) -> str:
    return _BREAKS.sub(" ", text).strip()
