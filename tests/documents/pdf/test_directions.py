"""Lines that mix scripts: the order in which their pieces are seen."""

from __future__ import annotations

import pytest

from app.documents.pdf.directions import visual_runs


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("Room 12 (north)", [("Room 12 (north)", False)]),
        ("שלום", [("שלום", True)]),
        ("Room שלום OK", [("Room ", False), ("שלום", True), (" OK", False)]),
        ("Room שלום 12 OK", [("Room ", False), ("12", False), ("שלום ", True), (" OK", False)]),
        ("שלום עולם abc", [("abc", False), ("שלום עולם ", True)]),
        ("שלום (123) רון", [(") רון", True), ("123", False), ("שלום (", True)]),
        ("abc (שלום)", [("abc (", False), ("שלום", True), (")", False)]),
        ("abc שלום, עולם def", [("abc ", False), ("שלום, עולם", True), (" def", False)]),
        ("", [("", False)]),
    ],
)
def test_pieces_stand_in_the_order_in_which_they_are_seen(text: str, runs: list[tuple[str, bool]]) -> None:
    assert [
        (part.translate(str.maketrans("()", ")(")) if leftward else part, leftward)
        for part, leftward in visual_runs(text)
    ] == runs


def test_brackets_in_leftward_text_open_to_the_left() -> None:
    assert visual_runs("(שלום)") == [(")שלום(", True)]


def test_no_piece_of_a_line_is_lost() -> None:
    text = "Anna שלום 12,5 € עולם (north) مرحبا 7"
    pieces = "".join(part for part, _ in visual_runs(text))
    assert sorted(pieces.translate(str.maketrans("()", ")("))) == sorted(text.translate(str.maketrans("()", ")(")))
