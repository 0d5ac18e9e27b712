"""Registers are read entry by entry; what only looks a little like one is read by columns."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from segmentation.entries import entries_of
from segmentation.lines import ASIDE, Line
from segmentation.order import reading_order

SPACING_PX = 30.0


def line(left: float, y: float, right: float) -> Line:
    return Line(baseline=((left, y), (right, y)), polygon=(), spacing_px=SPACING_PX)


def register(entries: int = 5, text_lines: int = 3) -> list[Line]:
    """In reading order: a heading; then number, date, names, and the fee beside their last line."""
    lines = [line(300, 60, 700)]
    for entry in range(entries):
        y = 120 + 120 * entry
        lines += [line(20, y, 60), line(90, y - 6, 130)]
        lines += [line(250, y + 30 * k, 700) for k in range(text_lines)]
        lines.append(line(760, y + 30 * (text_lines - 1) + 5, 810))
    return lines


def tilted(one: Line, degrees: float) -> Line:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned = tuple((x * cosine - y * sine, x * sine + y * cosine) for x, y in one.baseline)
    return Line(baseline=turned, polygon=(), spacing_px=one.spacing_px)


def in_order(layout: list[Line]) -> list[int]:
    shuffled = list(enumerate(layout))
    random.Random(5).shuffle(shuffled)
    return [shuffled[k][0] for k in reading_order([one for _, one in shuffled], 900, 900)]


def entries(layout: list[Line]) -> np.ndarray | None:
    sure = np.array([one.kind != ASIDE for one in layout], dtype=bool)
    return entries_of([np.array(one.baseline) for one in layout], SPACING_PX, sure)


@pytest.mark.parametrize("degrees", [0.0, 1.5, -1.5])
@pytest.mark.parametrize("text_lines", [1, 3])
def test_register_is_read_entry_by_entry(degrees: float, text_lines: int) -> None:
    layout = [tilted(one, degrees) for one in register(text_lines=text_lines)]
    assert in_order(layout) == list(range(len(layout)))


def test_what_stands_above_the_first_entry_comes_first() -> None:
    found = entries(register())
    assert found is not None
    assert found[0] == 0 and set(found[1:]) == {1, 2, 3, 4, 5}


def test_few_rows_are_no_register() -> None:
    assert entries(register(entries=3)) is None


def test_columns_with_numbered_lines_are_read_by_columns() -> None:
    numbers = [line(20, 100 + 150 * k, 50) for k in range(5)]
    columns = [line(x, 100 + 30 * k, x + 330) for x in (80, 450) for k in range(25)]
    assert entries(numbers + columns) is None


def test_columns_of_names_are_read_by_columns() -> None:
    layout = [line(x, 100 + 30 * k, x + 110) for x in (50, 350, 650) for k in range(12)]
    assert entries(layout) is None
    assert in_order(layout) == list(range(len(layout)))


def test_notes_beside_a_letter_are_no_keys() -> None:
    notes = [line(20, 130 + 90 * k, 110) for k in range(6)]
    assert entries(notes + [line(150, 100 + 30 * k, 860) for k in range(25)]) is None


def test_doubtful_finds_at_the_left_are_no_keys() -> None:
    layout = [
        replace(one, kind=ASIDE) if one.baseline[0][0] < 200 and k else one
        for k, one in enumerate(register())
    ]
    assert sum(one.kind == ASIDE for one in layout) == 10  # five numbers and dates
    assert entries(layout) is None


def test_text_that_runs_across_is_no_register() -> None:
    prose = [line(20, 105 + 30 * k, 700) for k in range(20)]
    assert entries(register()) is not None
    assert entries(register() + prose) is None


def test_no_lines_are_no_register() -> None:
    assert entries([]) is None
    for spacing_px in (SPACING_PX, 0.0):
        assert entries_of([np.zeros((2, 2))] * 20, spacing_px, np.ones(20, dtype=bool)) is None
