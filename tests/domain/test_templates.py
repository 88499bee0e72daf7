"""Templates: what they may say, what is told of those that cannot be used, and that what is filled in stays text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import templates
from app.domain.errors import FieldError
from app.domain.template_reader import MAX_FAULTS, MAX_TAGS, MAX_VALUE, parse, plain
from app.domain.templates import Text, check, fill

FIELDS = ("name", "ref", "code")
# Words that are near to being templates.
SCRAPS = st.lists(
    st.sampled_from(
        [
            "{{",
            "}}",
            "{",
            "}",
            "name",
            "ref",
            "other",
            " ",
            "\n",
            "\t",
            "#if ",
            "/if",
            "{{#if ref}}",
            "{{/if}}",
            "नमस्ते",
            "\x07",
        ]
    )
    | st.text(max_size=3),
    max_size=40,
).map("".join)


def body(source: str, *, required: tuple[str, ...] = ()) -> list[FieldError]:
    """Return what is wrong with a message whose other parts are in order."""
    said = "".join(f"{{{{{name}}}}}" for name in required) or "short"
    return check(Text("subject", source, said), FIELDS, required=required)[1]


def rendered(source: str, **values: str) -> str:
    assert body(source) == []
    return fill(Text("subject", source, "short"), values).body


def test_fields_are_filled_in() -> None:
    assert rendered("Hello {{ name }}, {{ref}}{{\tref }}!", name="Ada", ref="7H2K") == "Hello Ada, 7H2K7H2K!"


def test_a_field_without_a_value_is_empty() -> None:
    assert rendered("({{ name }}{{ ref }})", name="") == "()"


@pytest.mark.parametrize(("value", "shown"), [("Ada", "Hello, Ada!"), ("", "Hello!"), (" \n", "Hello!")])
def test_a_block_is_shown_where_its_field_says_something(value: str, shown: str) -> None:
    assert rendered("Hello{{#if name}}, {{ name }}{{/if}}!", name=value) == shown


def test_a_block_may_hold_other_fields_than_the_one_that_it_asks_for() -> None:
    assert rendered("{{#if name}}for {{ ref }}{{/if}}.", name="x", ref="7H2K") == "for 7H2K."


@pytest.mark.parametrize(
    ("name", "shown"), [("Ada", "Dear guest\nName: Ada\nRef: 7H2K"), ("", "Dear guest\nRef: 7H2K")]
)
def test_the_line_of_a_block_goes_with_it(name: str, shown: str) -> None:
    source = "Dear guest\n  {{#if name}}  \nName: {{ name }}\n{{/if}}\nRef: {{ ref }}"
    assert rendered(source, name=name, ref="7H2K") == shown


def test_what_is_left_out_leaves_no_gap() -> None:
    source = "Dear guest\n\n{{#if name}}\nName: {{ name }}\n{{/if}}\n\n{{#if code}}\nx\n{{/if}}\n\nBye"
    assert rendered(source) == "Dear guest\n\nBye"


@pytest.mark.parametrize("value", ["{{ ref }}", "{{#if ref}}x{{/if}}", "{0.__class__}", "%s", "$ref", "\\1", "}}"])
def test_what_is_filled_in_stays_text(value: str) -> None:
    assert rendered("<{{ name }}>", name=value, ref="7H2K") == f"<{value}>"


def test_a_subject_is_one_line_whatever_is_filled_in() -> None:
    evil = "Ada\r\nBcc: eve@example.org\u2028\x00x\tz"
    assert fill(Text("Hello {{ name }}", "b", "s"), {"name": evil}).subject == "Hello Ada Bcc: eve@example.org x z"


def test_a_short_message_is_one_paragraph() -> None:
    assert (
        fill(Text("s", "b", "{{ name }}, {{ ref }}"), {"name": "1 Street\nTown", "ref": "x"}).short
        == "1 Street Town, x"
    )


def test_the_body_keeps_the_lines_of_a_value() -> None:
    assert rendered("{{ name }}", name="1 Street\r\nTown\rLand") == "1 Street\nTown\nLand"


def test_a_short_message_that_would_be_too_long_keeps_its_link() -> None:
    link = f"https://book.example.org/{'x' * 120}"
    text = Text("s", "b", "{{ name }} at {{ code }}: {{ ref }}")
    short = fill(text, {"name": "n" * 300, "code": "c" * 300, "ref": link}).short
    assert short == f"{'n' * 39}… at {'c' * 39}…: {link}"


def test_every_part_keeps_within_its_bounds() -> None:
    tags = "{{ name }}" * MAX_TAGS
    assert check(Text("{{name}}", tags, tags[:480]), FIELDS)[1] == []
    filled = fill(Text("{{name}}", tags, tags[:480]), {"name": "n" * 10**6})
    assert (len(filled.subject), len(filled.short)) == (templates.MAX_SUBJECT, templates.MAX_SHORT)
    assert len(filled.body) == MAX_TAGS * MAX_VALUE


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("a\nb {{ other }}", "unknown_field", 2),
        ("a\n{{#if other}}x{{/if}}", "unknown_field", 2),
        ("a\n{{#if other}}\n{{/if}}", "unknown_field", 2),
        ("a\n\n{{ name", "unclosed", 3),
        ("{{ name\n}}", "unclosed", 1),
        ("{{{ name }}}", "unclosed", 1),
        ("a\n{{#if name}}\nx", "unclosed", 2),
        ("a\nx {{/if}}", "unopened", 2),
        ("{{#if name}}\n{{#if ref}}x{{/if}}\n{{/if}}", "nested", 2),
        ("a\n{{ name.part }}", "unknown_tag", 2),
        ("{{ name|upper }}", "unknown_tag", 1),
        ("{{ __class__ }}", "unknown_tag", 1),
        ("{{ }}", "unknown_tag", 1),
        ("{{#if}}x{{/if}}", "unknown_tag", 1),
        ("{{#each name}}x", "unknown_tag", 1),
        ("a\nb\x07\nc", "invalid", 2),
        ("a\nb\u202e\nc", "invalid", 2),
        (" \n ", "required", 1),
        ("{{name}}" * 201, "too_many", 1),
    ],
)
def test_what_is_wrong_is_told_with_its_line(source: str, code: str, line: int) -> None:
    first, *_ = body(source)
    assert (first.field, first.code) == ("body", code)
    assert first.message.startswith(f"Line {line}: ")


def test_an_unknown_field_is_told_with_those_that_there_are() -> None:
    (error,) = body("{{ other }}")
    assert "other" in error.message
    assert "code, name, ref" in error.message


def test_everything_that_is_wrong_is_told_at_once() -> None:
    _, errors = check(Text("one\ntwo", "{{ a }}\n{{ b }}", "x" * 481), FIELDS)
    assert [error.field for error in errors] == ["subject", "body", "body", "short"]
    assert len(body("{{ other }}\n" * 100)) == MAX_FAULTS
    assert len(body("{{#if other}}\na\n{{ name }}\nb\n{{/if}}")) == 1


@pytest.mark.parametrize(("part", "most"), templates.LIMITS.items())
def test_every_part_has_a_size(part: str, most: int) -> None:
    parts = {"subject": "s", "body": "b", "short": "s"}
    assert check(Text(**{**parts, part: "x" * most}), FIELDS)[1] == []
    (error,) = check(Text(**{**parts, part: "x" * (most + 1)}), FIELDS)[1]
    assert (error.field, str(most) in error.message) == (part, True)


@pytest.mark.parametrize("source", ["no code", "{{#if code}}{{ code }}{{/if}}", "{{#if name}}{{ code }}{{/if}}"])
def test_what_must_be_said_is_said_outside_any_block(source: str) -> None:
    (error,) = body(source, required=("code",))
    assert (error.code, "{{ code }}" in error.message) == ("required", True)
    assert body(f"{source} {{{{ code }}}}", required=("code",)) == []


@given(SCRAPS)
def test_whatever_is_written_is_refused_or_can_be_filled_in(source: str) -> None:
    text, errors = check(Text("s", source, "s"), FIELDS)
    if errors:
        assert all(error.message.startswith("Line ") for error in errors)
    else:
        filled = fill(text, {"name": "Ada", "ref": "", "code": "1"})
        assert "{{" not in filled.body
        assert check(Text("s", text.body, "s"), FIELDS) == (text, [])


@given(SCRAPS, st.text(max_size=50))
def test_a_value_comes_out_as_it_went_in_but_for_what_does_not_show(before: str, value: str) -> None:
    before = before.replace("{", "")
    assert parse(f"{before}{{{{ name }}}}").render({"name": value}) == before + plain(value)


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=300)))
def test_a_subject_never_breaks(values: dict[str, str]) -> None:
    subject = fill(Text("{{ name }} {{ ref }}{{ code }}", "b", "s"), values).subject
    assert len(subject) <= templates.MAX_SUBJECT
    assert not {"\r", "\n", "\t", "\u2028", "\u2029", "\x00"} & set(subject)
