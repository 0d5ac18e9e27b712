"""Words copied into real pages: each is a line of the truth, lies on ink, and hides none."""

from __future__ import annotations

import numpy as np
import pytest

from training.drawn_pages import drawn_pages
from training.inserted_words import LEAST_SPACING, with_inserted_words
from training.segmentation_data import TruthPage, truth_page


@pytest.fixture(scope="module")
def page() -> TruthPage:
    return drawn_pages(3, seed=3)[2]


@pytest.fixture(scope="module")
def copies(page: TruthPage) -> list[TruthPage]:
    return [with_inserted_words(page, np.random.default_rng(seed)) for seed in range(6)]


def test_copies_are_lines_of_the_truth_after_those_of_the_page(
    page: TruthPage, copies: list[TruthPage]
) -> None:
    count = len(page.baselines)
    for made in copies:
        assert len(made.baselines) > count
        for own, kept in zip(page.baselines, made.baselines, strict=False):
            assert np.array_equal(own, kept)
        assert made.image.shape == page.image.shape


def test_copies_darken_the_page_at_their_baseline_and_nowhere_lighten_it(
    page: TruthPage, copies: list[TruthPage]
) -> None:
    for made in copies:
        assert int((made.image.astype(int) - page.image).max()) <= 0
        for line, spacing in list(zip(made.baselines, made.spacings_px, strict=True))[
            len(page.baselines) :
        ]:
            low = np.floor(line.min(0) - 0.7 * spacing).astype(int).clip(0)
            high = np.ceil(line.max(0) + 0.7 * spacing).astype(int)
            box = np.s_[low[1] : high[1], low[0] : high[0]]
            assert int((page.image[box].astype(int) - made.image[box]).max()) > 20


def test_copies_are_of_the_three_kinds(page: TruthPage, copies: list[TruthPage]) -> None:
    usual = float(np.median(page.spacings_px))
    vertical = small = 0
    for made in copies:
        for line, spacing in list(zip(made.baselines, made.spacings_px, strict=True))[
            len(page.baselines) :
        ]:
            right, down = np.abs(line[-1] - line[0])
            vertical += down > right
            small += spacing < 0.8 * usual
            assert spacing >= 0.99 * LEAST_SPACING * usual
    assert vertical >= 1
    assert small >= 6


def test_page_without_level_lines_comes_back_as_it_is() -> None:
    blank = truth_page("blank", "drawn", np.full((200, 100), 220, np.uint8), [], [])
    assert with_inserted_words(blank, np.random.default_rng(1)) is blank
    image = np.full((200, 100), 220, np.uint8)
    upright = truth_page("tall", "drawn", image, [[(50, 180), (50, 20)]], [30.0])
    assert with_inserted_words(upright, np.random.default_rng(1)) is upright
