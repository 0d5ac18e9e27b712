"""Pages that hold nothing, or nothing sensible, are answered by either method within seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from segmentation import has_network, segment
from segmentation.crops import crop_line
from segmentation.lines import SegmentationError

LIMIT_S = 20.0  # of CPU time, on one thread; a page of a book takes about half a second


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (height, width)).astype(np.uint8)


def grid() -> np.ndarray:
    """Squared paper: rules as long and as regular as lines of writing."""
    page = np.full((1400, 1000), 240, np.uint8)
    page[::40] = 120
    page[:, ::40] = 120
    return page


BROKEN: dict[str, Callable[[], np.ndarray]] = {
    "all black": lambda: np.zeros((2400, 1700), np.uint8),
    "all white": lambda: np.full((2400, 1700), 255, np.uint8),
    "one pixel": lambda: np.full((1, 1), 128, np.uint8),
    "one row": lambda: noise(1, 5000),
    "one column": lambda: noise(5000, 1),
    "20,000 px wide": lambda: noise(600, 20_000),
    "20,000 px high": lambda: np.full((20_000, 500), 230, np.uint8),
    "noise": lambda: noise(2400, 1700),
    "salt": lambda: np.where(noise(2000, 1500) > 250, 0, 235).astype(np.uint8),
    "grid": grid,
    "half black": lambda: np.repeat(np.uint8([[0], [255]]), 1000, axis=0).repeat(1500, axis=1),
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


@pytest.mark.parametrize("method", ["network", "opencv"])
@pytest.mark.parametrize("name", BROKEN)
def test_broken_page_is_answered_in_time_with_lines_that_can_be_worked_with(
    name: str, method: str
) -> None:
    if method == "network" and not has_network():
        pytest.skip("the weights are not installed")
    page = BROKEN[name]()
    began_s = time.process_time()
    lines = segment(page, method)
    assert time.process_time() - began_s < LIMIT_S
    if name in ("all black", "all white", "one pixel", "half black"):
        assert [line for line in lines if line.kind != "aside"] == []
    for line in lines[:20]:
        assert np.isfinite(line.baseline).all()
        assert line.spacing_px > 0
        try:
            crop_line(page, line.baseline, line.spacing_px)
        except SegmentationError:
            assert "no-crop" in line.flags or not line.polygon
