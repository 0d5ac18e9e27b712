"""Kinds of lines come from their place among the others, and only where that is plain."""

from __future__ import annotations

import numpy as np

from segmentation.kinds import kinds_of
from segmentation.vectorise import FoundLine


def row(left: float, right: float, y: float, turns: int = 0, spacing: float = 50.0) -> FoundLine:
    return FoundLine(np.array([[left, y], [right, y]]), spacing, 0.9, turns)


def body(count: int = 12, left: float = 300.0, right: float = 950.0) -> list[FoundLine]:
    return [row(left, right, 100 + 50.0 * k) for k in range(count)]


def test_plain_page_is_all_text() -> None:
    assert set(kinds_of(body())) == {"text"}
    assert kinds_of([]) == []


def test_note_beside_the_text_is_a_margin_note() -> None:
    notes = [row(40, 220, 180), row(40, 210, 215)]
    assert kinds_of(body() + notes) == ["text"] * 12 + ["margin"] * 2


def test_short_last_lines_and_indented_lines_are_no_margin() -> None:
    lines = [*body(), row(300, 480, 700), row(620, 950, 750), row(290, 500, 800)]
    assert set(kinds_of(lines)) == {"text"}


def test_columns_of_a_table_are_no_margin() -> None:
    table = [*body(), *(row(20, 120, 100 + 50.0 * k) for k in range(12))]
    assert set(kinds_of(table)) == {"text"}


def test_two_columns_are_no_margin() -> None:
    assert set(kinds_of(body(12, 60, 480) + body(12, 540, 960))) == {"text"}


def test_words_between_two_lines_are_interlinear() -> None:
    lines = [*body(), row(400, 560, 375, spacing=30.0)]
    assert kinds_of(lines)[-1] == "interlinear"
    assert set(kinds_of(lines)[:-1]) == {"text"}


def test_short_line_in_its_own_row_is_not_interlinear() -> None:
    lines = [row(300, 950, 100.0), row(400, 560, 150), row(300, 950, 200.0), *body(3)]
    assert kinds_of(lines)[1] == "text"


def test_note_along_the_side_is_vertical() -> None:
    note = FoundLine(np.array([[60.0, 600.0], [60.0, 200.0]]), 40.0, 0.9, 3)
    assert kinds_of([*body(), note])[-1] == "vertical"
