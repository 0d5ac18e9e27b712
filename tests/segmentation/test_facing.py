"""A strip of the facing page is set aside; a page whose own writing is cut off is not."""

from __future__ import annotations

import numpy as np

from segmentation.facing import facing_page
from segmentation.vectorise import FoundLine

WIDTH_PX = 1000


def rows(left: float, right: float, count: int = 12, first: float = 100.0) -> list[FoundLine]:
    """Level lines 40 px apart from left to right."""
    return [
        FoundLine(np.array([[left, y], [right, y]]), 40.0, 0.9, 0)
        for y in first + 40.0 * np.arange(count)
    ]


def test_strip_cut_off_by_the_left_side_is_the_facing_page() -> None:
    strip, own = rows(2, 150), rows(300, 950, 18)
    assert facing_page(strip + own, WIDTH_PX) == [True] * 12 + [False] * 18


def test_strip_cut_off_by_the_right_side_is_the_facing_page() -> None:
    own, strip = rows(40, 700, 18), rows(880, 995)
    assert facing_page(own + strip, WIDTH_PX) == [False] * 18 + [True] * 12


def test_text_that_runs_to_the_border_stays_where_it_is_all_there_is() -> None:
    assert not any(facing_page(rows(1, 700, 20), WIDTH_PX))
    assert not any(facing_page(rows(0, 999, 20), WIDTH_PX))


def test_both_pages_of_an_open_book_stay() -> None:
    assert not any(facing_page(rows(5, 470, 20) + rows(540, 995, 20), WIDTH_PX))


def test_column_without_a_gutter_is_part_of_the_page() -> None:
    cells, text = rows(5, 120, 20), rows(140, 900, 20)
    assert not any(facing_page(cells + text, WIDTH_PX))


def test_margin_notes_that_keep_off_the_border_stay() -> None:
    assert not any(facing_page(rows(60, 180, 5) + rows(300, 950, 20), WIDTH_PX))


def test_two_strokes_at_the_border_are_no_page() -> None:
    assert not any(facing_page(rows(2, 90, 2) + rows(300, 950, 20), WIDTH_PX))


def test_page_of_few_lines_is_left_alone() -> None:
    assert facing_page([], WIDTH_PX) == []
    assert facing_page(rows(2, 90, 3) + rows(300, 900, 2), WIDTH_PX) == [False] * 5


def test_note_along_the_border_is_no_part_of_the_facing_page() -> None:
    strip, own = rows(0, 200), rows(260, 900)
    note = FoundLine(np.array([[10.0, 600], [10, 100]]), 40.0, 0.9, 3)
    assert facing_page([note, *strip, *own], 1000) == [False, *[True] * 12, *[False] * 12]
