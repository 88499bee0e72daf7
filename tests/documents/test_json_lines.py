"""JSON Lines whose end proves that they are whole."""

from __future__ import annotations

import json

from app.documents.json_lines import json_line_chunks


def test_each_row_is_a_line_and_the_last_one_counts() -> None:
    rows = [{"ref": "A", "name": "Đặng\nThị"}, {"ref": "B", "name": "\u2028"}]
    lines = b"".join(json_line_chunks([rows])).decode().split("\n")
    assert [json.loads(line) for line in lines[:-1]] == [*rows, {"rows": 2}]
    assert lines[-1] == ""


def test_no_rows_are_counted_too() -> None:
    assert b"".join(json_line_chunks([])) == b'{"rows":0}\n'


def test_rows_of_many_pages_and_pieces_are_counted_once() -> None:
    chunks = list(json_line_chunks([[{"a": "x" * 500}] * 300] * 4))
    assert max(map(len, chunks)) < 36 * 1024
    lines = b"".join(chunks).splitlines()
    assert len(lines) == 1201
    assert json.loads(lines[-1]) == {"rows": 1200}
