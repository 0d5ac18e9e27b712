"""Distorted lines: repeatable, within their bounds, still legible as ink on paper."""

from __future__ import annotations

import numpy as np
import pytest

from tests.htr_lines import drawn_line
from training.line_augmentation import distort_line

LINE = drawn_line("fine lines")


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_no_strength_leaves_the_line_as_it_is() -> None:
    assert np.array_equal(distort_line(LINE, rng(), strength=0.0), LINE)


def test_same_seed_gives_the_same_line_and_another_one_another() -> None:
    first, again, other = (distort_line(LINE, rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


@pytest.mark.parametrize("width_px", [1, 7, 30, 511, 512])
@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
def test_line_stays_64_high_and_within_the_widest(width_px: int, strength: float) -> None:
    image = np.full((64, width_px), 200, np.uint8)
    for seed in range(10):
        distorted = distort_line(image, rng(seed), strength, max_width_px=512)
        assert distorted.dtype == np.uint8
        assert distorted.shape[0] == 64
        assert 8 <= distorted.shape[1] <= 512


def test_what_comes_in_from_outside_is_paper() -> None:
    ink = np.zeros((64, 300), np.uint8)
    corners = [distort_line(ink, rng(seed), 1.0)[[0, 0, -1, -1], [0, -1, 0, -1]] for seed in
               range(20)]  # fmt: skip
    assert np.max(corners) > 200


def test_ink_stays_dark_on_light_paper() -> None:
    for seed in range(20):
        distorted = distort_line(LINE, rng(seed))
        assert np.percentile(distorted, 90) - np.percentile(distorted, 1) > 60


def test_original_is_not_changed() -> None:
    before = LINE.copy()
    distort_line(LINE, rng(), 2.0)
    assert np.array_equal(before, LINE)
