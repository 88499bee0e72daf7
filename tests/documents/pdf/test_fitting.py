"""Text in a given width: nothing is wider than its room, and what is left out is told by an ellipsis."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.documents.pdf.fitting import fit, wrap
from app.documents.pdf.lettering import Lettering
from app.documents.pdf.objects import ObjectFile
from app.documents.pdf.styles import BODY

LETTERING = Lettering(ObjectFile())
WORDS = st.text(st.sampled_from("abc mWi é\u0301Ж—"), max_size=120)


def width(text: str) -> float:
    return LETTERING.measure(text, bold=BODY.bold).at(BODY.size)


def test_what_fits_is_left_alone() -> None:
    assert fit(LETTERING, "Court 1", BODY, 200) == "Court 1"


def test_what_does_not_fit_ends_in_an_ellipsis() -> None:
    cut = fit(LETTERING, "Meeting room for eight with projector", BODY, 100)
    assert cut.startswith("Meeting room")
    assert cut.endswith("…")
    assert width(cut) <= 100


@settings(max_examples=150, deadline=None)
@given(WORDS, st.integers(30, 200))
def test_nothing_is_wider_than_its_room(text: str, room: int) -> None:
    assert width(fit(LETTERING, text, BODY, room)) <= room
    lines = wrap(LETTERING, text, BODY, room, most_lines=4)
    assert len(lines) <= 4
    assert all(width(line) <= room for line in lines)


@settings(max_examples=150, deadline=None)
@given(WORDS)
def test_wrapping_into_enough_lines_loses_nothing(text: str) -> None:
    lines = wrap(LETTERING, text, BODY, 60, most_lines=200)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_lines_break_at_blanks_and_at_breaks() -> None:
    lines = wrap(LETTERING, "Please bring shoes\nwith light soles", BODY, 70, most_lines=9)
    assert lines == ["Please bring", "shoes", "with light", "soles"]


def test_a_word_longer_than_the_line_is_broken() -> None:
    lines = wrap(LETTERING, "Donaudampfschifffahrtsgesellschaft", BODY, 60, most_lines=9)
    assert len(lines) > 2
    assert "".join(lines) == "Donaudampfschifffahrtsgesellschaft"


def test_a_letter_is_not_parted_from_its_mark() -> None:
    text = "x\u0301" * 40
    assert all(not fit(LETTERING, text, BODY, room).endswith("x…") for room in range(20, 120, 7))


@pytest.mark.parametrize("blanks", [" " * 50, "\n" * 50, " \n\t" * 9])
def test_blanks_between_words_are_never_what_is_left_out(blanks: str) -> None:
    assert wrap(LETTERING, f"{blanks}one{blanks}two{blanks}", BODY, 30, most_lines=3) == ["one", "two"]


def test_an_empty_text_has_no_lines() -> None:
    assert wrap(LETTERING, "", BODY, 60, most_lines=3) == []
    assert wrap(LETTERING, " \n ", BODY, 60, most_lines=3) == []


@pytest.mark.parametrize("text", ["x" * 1_000_000, "word " * 200_000, "\n" * 1_000_000 + "x", "x\u0301" * 500_000])
def test_a_megabyte_is_cut_with_few_measurements(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []
    true_measure = Lettering.measure

    def counting(self: Lettering, text: str, *, bold: bool) -> object:
        measured.append(len(text))
        return true_measure(self, text, bold=bold)

    monkeypatch.setattr(Lettering, "measure", counting)
    lines = wrap(Lettering(ObjectFile()), text, BODY, 400, most_lines=12)
    assert 1 <= len(lines) <= 12
    assert lines[-1].endswith("…")
    assert sum(measured) < 60_000
