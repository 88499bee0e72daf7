"""A mail's text as a page of HTML: nothing is fetched, every style is inline, and what was filled in stays text.

The text says how it wants to look: a paragraph of ``key: value`` lines becomes a table, and a line that ends with a colon
above the message's link becomes a button. Readers that are dark turn the colours by themselves: none is needed to read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape

from app.documents.notices.words import spoken

_KEYED = re.compile(r"(?P<key>[^\W\d_][^:\n\d]{0,39}): (?P<value>\S.*)")
_PARAGRAPHS = re.compile(r"\n\s*\n")
_FEWEST_ROWS = 2  # one line with a colon is a sentence
_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Noto Sans Devanagari',Arial,sans-serif"
_PAGE = (
    '<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
    "<title>{title}</title></head>\n"
    f'<body style="margin:0;padding:0;{_FONT};font-size:16px;line-height:1.5">\n'
    '<div style="max-width:36em;margin:0 auto;padding:24px 16px">\n{content}\n</div></body></html>\n'
)
_PARAGRAPH = '<p style="margin:0 0 16px">{}</p>'
_TABLE = (
    '<table role="presentation" cellpadding="0" cellspacing="0" style="margin:0 0 20px;border-collapse:collapse;'
    'width:100%;border-top:1px solid #a0a0a0;border-bottom:1px solid #a0a0a0">{}</table>'
)
_ROW = (
    '<tr><td style="padding:6px 16px 6px 0;vertical-align:top;white-space:nowrap;opacity:.75">{}</td>'
    '<td style="padding:6px 0;vertical-align:top;width:100%;font-weight:600;overflow-wrap:anywhere">{}</td></tr>'
)
_BUTTON = (
    '<p style="margin:0 0 20px"><a href="{link}" style="display:inline-block;padding:10px 20px;border-radius:6px;'
    'background:#1f5fbf;color:#ffffff;text-decoration:none;font-weight:600">{label}</a></p>'
)
_LINK = '<a href="{link}" style="overflow-wrap:anywhere">{link}</a>'
_CODE = '<strong style="font-size:1.5em;letter-spacing:.1em;white-space:nowrap">{}</strong>'


def html_letter(title: str, text: str, *, language: str, fields: Mapping[str, str]) -> str:
    """Return the page of a mail that is *text*; of its *fields*, the code is shown large and the link can be pressed."""
    link = fields.get("manage_url", "")
    writer = _Writer(link if link.startswith(("https://", "http://")) else "", fields.get("code", ""))
    content = "\n".join(map(writer.block, filter(None, map(str.strip, _PARAGRAPHS.split(text)))))
    return _PAGE.format(language=spoken(language), title=escape(title), content=content)


class _Writer:
    """Writes paragraphs, knowing what is special in this one mail."""

    def __init__(self, link: str, code: str) -> None:
        self._link = link
        self._code = code

    def block(self, paragraph: str) -> str:
        """Return one paragraph: a table, a button, or lines."""
        lines = paragraph.split("\n")
        label, *rest = lines
        if rest == [self._link] and label.endswith(":"):
            return _BUTTON.format(link=escape(self._link), label=escape(label[:-1]))
        rows = [*_rows(lines)]
        if len(rows) >= _FEWEST_ROWS and rows[0][0]:
            return _TABLE.format("".join(_ROW.format(escape(key), self._lines(value)) for key, value in rows))
        return _PARAGRAPH.format(self._lines(lines))

    def _lines(self, lines: list[str]) -> str:
        return "<br>\n".join(map(self._line, lines))

    def _line(self, line: str) -> str:
        """Return a line with what is special in it; whatever else looks like a tag or a link is text."""
        special = {self._link: _LINK.format(link=escape(self._link)), self._code: _CODE.format(escape(self._code))}
        found = [word for word in special if word and word in line]
        if not found:
            return escape(line)
        before, word, after = line.partition(found[0])
        return f"{escape(before)}{special[word]}{escape(after)}"


def _rows(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield key and value of each line; a line without a key goes on with the value before it."""
    key, value = "", list[str]()
    for line in lines:
        match = _KEYED.fullmatch(line)
        if match is None:
            value.append(line)
            continue
        if value:
            yield key, value
        key, value = match["key"], [match["value"]]
    yield key, value
