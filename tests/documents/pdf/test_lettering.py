"""Text on the page: literal, in the right order, in a font that has it, or a box and a line in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.documents.pdf import lettering as lettering_module
from app.documents.pdf.lettering import Lettering
from app.documents.pdf.objects import ObjectFile
from app.documents.pdf.pen import Pen
from app.documents.pdf.shaping import can_shape
from app.documents.pdf.streams import About, Document, pdf_chunks
from app.documents.pdf.styles import A4, BODY
from tests.documents import reading

NASTY = [
    ") Tj ET BT /F1 99 Tf (owned) Tj",
    "]TJ ET Q q 0 0 1 rg 0 0 600 900 re f",
    "<414243> Tj",
    "\\) \\( \\\\",
    "<img src='file:///etc/passwd'>",
    "{{ 7 * 7 }} %s %(x)s",
    "=HYPERLINK(1)",
    "endstream endobj",
    "<b>&amp;</b>",
]


def made(*texts: str, packs: Path | None = None) -> bytes:
    def draw(document: Document) -> Iterator[Pen]:
        for text in texts:
            pen = document.pen(A4)
            pen.text(20, 700, text, BODY)
            yield pen

    return b"".join(pdf_chunks(About("Names", "A", "en", datetime(2026, 1, 1, tzinfo=timezone.utc)), draw, packs=packs))


@pytest.mark.parametrize("text", NASTY)
def test_what_looks_like_an_instruction_is_text(text: str) -> None:
    data = made(text)
    assert reading.texts(data) == [text]
    assert text.encode() not in reading.contents(data)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(codec="latin-1", exclude_categories=["Cc", "Cf", "Zs"]), min_size=1), max_size=3))
def test_pages_hold_no_character_of_any_text(texts: list[str]) -> None:
    lines = reading.contents(made("", *texts)).decode("ascii").split("\n")
    drawn = [line for line in lines if line.startswith("BT ")]
    assert len(drawn) == len(texts)
    assert all(set(line.partition("[<")[2].partition(">]")[0]) <= set("0123456789ABCDEF") for line in drawn)


def test_line_breaks_and_tabs_become_blanks() -> None:
    assert reading.texts(made("one\r\ntwo\tthree")) == ["one  two three"]


def test_a_character_that_no_font_has_is_a_box_and_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="slotkeeper"):
        data = made("Yuki 雪 🎉")
    assert b"<0000>" in reading.contents(data)
    (record,) = caplog.records
    assert record.getMessage() == "characters_not_shown"
    assert record.fields == {  # type: ignore[attr-defined]
        "document": "Names",
        "characters": "U+96EA U+1F389",
        "reason": "no font has it",
    }


def test_the_box_can_be_seen() -> None:
    typeface = lettering_module.library(None).plain(bold=False)
    assert typeface.widths[0] > 300
    assert typeface._outlines.outline(0), "glyph 0 has no outline: characters that no font has would vanish"


def test_a_document_of_known_characters_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="slotkeeper"):
        made("Seán Đặng Ελένη Жанна €₹₺₦₫₴ “quoted” – 5 × 3 ½ №")  # noqa: RUF001 - typographic on purpose
    assert caplog.records == []


def test_the_log_names_few_of_very_many_missing_characters(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="slotkeeper"):
        made("".join(map(chr, range(0x4E00, 0x5200))))
    (record,) = caplog.records
    assert len(record.fields["characters"].split()) == 20  # type: ignore[attr-defined]


def test_what_is_never_seen_needs_no_glyph(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="slotkeeper"):
        data = made("a\u200db\u2060c\ufe0f sp\u00adlit")
    assert b"<0000" not in reading.contents(data)
    assert reading.texts(data) == ["abc split"]
    assert caplog.records == []


def test_without_a_shaper_joined_scripts_are_boxes_and_not_wrong_letters(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lettering_module, "can_shape", lambda: False)
    with caplog.at_level(logging.WARNING, logger="slotkeeper"):
        data = made("नमस्ते", packs=pack(tmp_path, "NotoSansDevanagari-Regular.ttf"))
    assert b"<000000000000" in reading.contents(data)
    assert [record.fields["reason"] for record in caplog.records] == ["uharfbuzz is not installed"]  # type: ignore[attr-defined]


def pack(tmp_path: Path, *names: str) -> Path:
    folder = Path("/usr/share/fonts/truetype/noto")
    for name in names:
        if not (folder / name).exists():
            reading.missing(name, "apt-get install fonts-noto-core")
        (tmp_path / name).symlink_to(folder / name)
    return tmp_path


def shaped(tmp_path: Path, *names: str) -> Path:
    if not can_shape():
        reading.missing("uharfbuzz", "pip install uharfbuzz")
    return pack(tmp_path, *names)


def test_devanagari_is_shaped_and_copied_as_it_was_written(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    with caplog.at_level(logging.WARNING, logger="slotkeeper"):
        data = made("Asha नमस्ते", packs=shaped(tmp_path, "NotoSansDevanagari-Regular.ttf"))
    assert caplog.records == []
    content = reading.contents(data)
    assert b"/ActualText<FEFF0928092E0938094D09240947>" in content
    assert b"<0000>" not in content
    letters = content.partition(b"BDC")[2].count(b"<")
    assert letters < len("नमस्ते"), "six characters, of which two join into one glyph"


def test_arabic_letters_join_and_stand_from_right_to_left(tmp_path: Path) -> None:
    packs = shaped(tmp_path, "NotoSansArabic-Regular.ttf")
    lettering = Lettering(ObjectFile(), packs)
    single = sum(lettering.line(letter).width for letter in "بيت")
    assert lettering.line("بيت").width < single, "the forms inside a word are narrower than those that stand alone"
    assert reading.problems(made("بيت 12 abc", packs=packs), tmp_path) == ""


def test_letters_that_join_into_one_glyph_are_copied_as_two(tmp_path: Path) -> None:
    data = made("سلام", packs=shaped(tmp_path, "NotoSansArabic-Regular.ttf"))
    assert b"<06440627>" in reading.to_unicode(data)


def test_a_mark_that_no_font_has_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="slotkeeper"):
        made("a\u1dc4")
    assert [record.fields["characters"] for record in caplog.records] == ["U+1DC4"]  # type: ignore[attr-defined]


def test_a_pack_in_bold_serves_bold_text_and_a_regular_one_the_rest(tmp_path: Path) -> None:
    packs = pack(tmp_path, "NotoSansHebrew-Bold.ttf", "NotoSansHebrew-Regular.ttf")
    found = lettering_module.library(packs)
    names = [found.find("ש", bold=bold).name for bold in (False, True)]  # type: ignore[union-attr]
    assert names == ["NotoSansHebrew-Regular", "NotoSansHebrew-Bold"]


def test_a_file_in_the_packs_folder_that_is_no_font_is_told_and_passed_over(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"\x00\x01\x00\x00\xff\xff")
    (tmp_path / "outlines.otf").write_bytes(b"OTTO" + bytes(40))
    with caplog.at_level(logging.WARNING, logger="slotkeeper"):
        assert reading.texts(made("Anna", packs=tmp_path)) == ["Anna"]
    assert [record.fields["file"] for record in caplog.records] == ["broken.ttf", "outlines.otf"]  # type: ignore[attr-defined]


def test_remembered_lines_are_few_whatever_is_drawn() -> None:
    lettering = Lettering(ObjectFile())
    for number in range(2000):
        lettering.line(f"Customer {number}")
        lettering.line(f"{number} is a very long line " * 10)
    assert len(lettering._lines) <= 200
    assert max(len(text) for text, _ in lettering._lines) <= 80


def test_a_text_of_a_megabyte_is_cut_before_it_is_worked_on() -> None:
    lettering = Lettering(ObjectFile())
    assert lettering.measure("x" * 1_000_000, bold=False).width == 4000 * lettering.line("x").width
