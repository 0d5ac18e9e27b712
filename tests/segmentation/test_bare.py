"""Empty rules of ruled paper are told from writing, faint writing included."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from segmentation.bare import bare_lines
from segmentation.vectorise import FoundLine

SPACING = 50.0


def line(y: float) -> FoundLine:
    return FoundLine(np.array([[50.0, y], [450.0, y]]), SPACING, 0.9, 0)


def page(written: list[int], faint: list[int], rules: list[int], ink: int) -> np.ndarray:
    paper = np.full((600, 500), 220, np.uint8)
    for y in rules:
        cv2.line(paper, (40, y), (460, y), 120, 1)
    for y in written + faint:
        tone = ink if y in written else 190
        for x in range(55, 440, 12):
            cv2.line(paper, (x, y), (x + 5, y - 20), tone, 3)
    return paper


@pytest.mark.parametrize("ink", [20, 195])
def test_rules_without_writing_are_bare(ink: int) -> None:
    rows = list(range(100, 500, 50))
    image = page(rows[:5], [], rows, ink)
    assert bare_lines(image, [line(y) for y in rows]) == [False] * 5 + [True] * 3


def test_faint_line_among_dark_ones_is_kept() -> None:
    rows = list(range(100, 400, 50))
    image = page(rows[:5], rows[5:], rows, 20)
    assert bare_lines(image, [line(y) for y in rows]) == [False] * 6


def test_two_lines_are_not_compared() -> None:
    image = page([100], [], [100, 150], 20)
    assert bare_lines(image, [line(100), line(150)]) == [False, False]


def test_no_lines() -> None:
    assert bare_lines(np.zeros((10, 10), np.uint8), []) == []
