"""Drawn pages carry their truth: ink lies on every line, and the kinds that real truth lacks."""

from __future__ import annotations

import numpy as np
import pytest

from training.drawn_pages import drawn_pages
from training.segmentation_data import TruthPage


@pytest.fixture(scope="module")
def pages() -> list[TruthPage]:
    return drawn_pages(6, seed=3)


def test_drawn_pages_are_repeatable_and_differ(pages: list[TruthPage]) -> None:
    again = drawn_pages(2, seed=3)
    assert np.array_equal(pages[0].image, again[0].image)
    assert np.array_equal(pages[1].image, again[1].image)
    assert pages[0].image.shape != pages[1].image.shape
    assert {page.source for page in pages} == {"drawn"}


def test_every_line_of_a_drawn_page_lies_on_ink(pages: list[TruthPage]) -> None:
    for page in pages:
        height, width = page.image.shape
        paper = float(np.median(page.image))
        assert len(page.baselines) >= 10
        for points, spacing in zip(page.baselines, page.spacings_px, strict=True):
            middle = points[len(points) // 2]
            assert 0 <= middle[0] < width
            assert 0 <= middle[1] < height
            x, y, reach = int(middle[0]), int(middle[1]), int(0.6 * spacing)
            near = page.image[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach]
            assert near.min() < paper - 15


def test_drawn_pages_hold_tables_vertical_notes_and_insertions(pages: list[TruthPage]) -> None:
    vertical = inserted = cells = 0
    for page in pages:
        steps = [points[-1] - points[0] for points in page.baselines]
        vertical += sum(abs(step[1]) > 2 * abs(step[0]) for step in steps)
        inserted += min(page.spacings_px) < 0.7 * float(np.median(page.spacings_px))
        cells += len(page.baselines) > 60
    assert vertical >= 2
    assert inserted >= 2
    assert cells >= 1
