"""A mail's page: readable, safe whatever is filled in, and complete in itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from app.documents.notices.letter import html_letter
from app.documents.notices.topics import TOPICS
from app.documents.notices.words import LANGUAGES, words
from app.domain.templates import fill

LINK = "https://book.example.org/b/7H2K?token=a&b=c"
EVERY = [(topic, language) for topic in TOPICS for language in LANGUAGES]


class Page(HTMLParser):
    """What a reader of a page finds: its tags with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def find(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(text: str, *, language: str = "en", title: str = "Booked", **fields: str) -> Page:
    return Page(html_letter(title, text, language=language, fields=fields))


@pytest.mark.parametrize(("topic", "language"), EVERY)
def test_every_message_has_a_page_that_is_small_and_fetches_nothing(topic: str, language: str) -> None:
    samples = TOPICS[topic].samples(language)
    text = fill(words(topic, language), samples)
    html = html_letter(text.subject, text.body, language=language, fields=samples)
    found = Page(html)
    assert found.open == []
    assert len(html.encode()) < 10 * 1024
    assert found.find("html")[0]["lang"] == language
    assert {tag for tag, _ in found.tags} <= {
        *("html", "head", "meta", "title", "body", "div", "p", "br", "table", "tr", "td", "a", "strong")
    }
    assert not re.search(r"\b(src|url|import|on\w+)\s*[=(]", html)
    assert [link["href"] for link in found.find("a")] == ([samples["manage_url"]] if "manage_url" in samples else [])


def test_lines_with_keys_become_a_table() -> None:
    found = page("Dear guest,\n\nWhat: Hall\nWhen: Tue, 18:30\nWhere: Here: there\n\nBye")
    assert len(found.find("tr")) == 3
    assert re.search(r"What\s*Hall\s*When\s*Tue, 18:30\s*Where\s*Here: there", found.text)


def test_a_value_of_several_lines_stays_in_its_row() -> None:
    found = page("What: Hall\nWhere: 1 Street\nTown\nWhen: now")
    assert len(found.find("tr")) == 3
    assert "1 Street\nTown" in found.text


@pytest.mark.parametrize(
    "text", ["Reason: it is shut", "One\nReason: it is shut\nTwo: x", "At 10:30: come\nAt 11:30: go"]
)
def test_a_sentence_with_a_colon_is_no_table(text: str) -> None:
    assert page(text).find("table") == []


def test_the_link_of_a_booking_becomes_a_button() -> None:
    found = page(f"Change or cancel:\n{LINK}", manage_url=LINK)
    assert [link["href"] for link in found.find("a")] == [LINK]
    assert "Change or cancel" in found.text
    assert LINK not in found.text


def test_the_link_within_a_sentence_can_be_pressed() -> None:
    found = page(f"See {LINK} for more", manage_url=LINK)
    assert [link["href"] for link in found.find("a")] == [LINK]
    assert f"See {LINK} for more" in found.text


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//example.org"])
def test_no_other_address_can_be_pressed(link: str) -> None:
    assert page(f"Change:\n{link}\n\n{link} http://elsewhere.example", manage_url=link).find("a") == []


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", "<img src=x>", '"><b>', "&amp;", "</title><b>", "{title}"]
)
def test_whatever_is_filled_in_stays_text(evil: str) -> None:
    plain = page(
        f"Hello {evil}\n\nName: {evil}\nCode: 987654\n\nGo {evil}:\n{LINK}", title=evil, manage_url=LINK, code="987654"
    )
    tame = page(f"Hello x\n\nName: x\nCode: 987654\n\nGo x:\n{LINK}", title="x", manage_url=LINK, code="987654")
    assert plain.tags == tame.tags
    assert plain.text.count(evil) == 4


def test_a_link_with_a_quote_does_not_leave_its_attribute() -> None:
    link = 'https://book.example.org/"onclick="alert(1)'
    found = page(f"Go:\n{link}", manage_url=link)
    assert [sorted(attributes) for attributes in found.find("a")] == [["href", "style"]]


def test_a_code_is_shown_large() -> None:
    found = page("Your code is 123456", code="123456")
    assert len(found.find("strong")) == 1
    assert "Your code is 123456" in found.text
