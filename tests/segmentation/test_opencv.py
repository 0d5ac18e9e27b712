"""The classical segmenter on drawn pages and on input that holds no text."""

from __future__ import annotations

import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

import segmentation
from segmentation import Line, SegmentationError, segment

SPACING_PX = 50


def words(page: np.ndarray, left: int, right: int, y: int, seed: int) -> None:
    """Write a row of letter-like strokes with its baseline at y."""
    dice = np.random.default_rng(seed)
    x = left
    while x < right - 60:
        for _ in range(int(dice.integers(3, 8))):
            if x > right - 14:
                break
            cv2.ellipse(page, (x + 6, y - 8), (6, 8), 0, 0, 300, 40, 2, cv2.LINE_AA)
            if dice.random() < 0.2:
                cv2.line(page, (x + 11, y - 26), (x + 11, y), 40, 2, cv2.LINE_AA)
            elif dice.random() < 0.15:
                cv2.line(page, (x + 11, y), (x + 9, y + 14), 40, 2, cv2.LINE_AA)
            x += 14
        x += 16


def written_page(rows: int = 10, columns: int = 1, ruled: bool = False) -> np.ndarray:
    page = np.full((120 + rows * SPACING_PX, 900), 225, np.uint8)
    width = (800 - 100 * (columns - 1)) // columns
    for column in range(columns):
        left = 50 + column * (width + 100)
        for row in range(rows):
            y = 80 + row * SPACING_PX
            words(page, left, left + width, y, 100 * column + row)
            if ruled:
                cv2.line(page, (left, y + 3), (left + width, y + 3), 150, 1)
    return page


def heights(lines: list[Line]) -> list[float]:
    return [float(np.mean([y for _, y in line.baseline])) for line in lines]


@pytest.mark.parametrize("ruled", [False, True])
def test_lines_are_found_at_their_baselines(ruled: bool) -> None:
    lines = segment(written_page(ruled=ruled), "opencv")
    assert len(lines) == 10
    expected = 80 + SPACING_PX * np.arange(10)
    assert np.abs(np.array(heights(lines)) - expected).max() < 0.15 * SPACING_PX
    for line in lines:
        assert line.baseline[0][0] < 90 and line.baseline[-1][0] > 750
        assert abs(line.spacing_px - SPACING_PX) < 4
        assert len(line.polygon) >= 4


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_size_of_the_image_does_not_matter(scale: float) -> None:
    page = cv2.resize(written_page(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    lines = segment(np.dstack([page] * 3), "opencv")
    assert len(lines) == 10
    assert abs(np.median([line.spacing_px for line in lines]) - SPACING_PX * scale) < 4 * scale


def test_columns_are_kept_apart_and_read_in_turn() -> None:
    lines = segment(written_page(columns=2), "opencv")
    assert len(lines) == 20
    assert all(line.baseline[-1][0] < 460 for line in lines[:10])
    assert all(line.baseline[0][0] > 460 for line in lines[10:])
    assert heights(lines[:10]) == sorted(heights(lines[:10]))


def test_slanted_page_is_followed() -> None:
    page = written_page()
    turn = cv2.getRotationMatrix2D((450, 300), 5.0, 1.0)
    slanted = cv2.warpAffine(page, turn, page.shape[::-1], borderValue=225)
    lines = segment(slanted, "opencv")
    assert len(lines) == 10
    for line in lines:
        (x0, y0), (x1, y1) = line.baseline[0], line.baseline[-1]
        assert abs((y1 - y0) / (x1 - x0) + np.tan(np.radians(5))) < 0.02


@pytest.mark.parametrize(
    "page",
    [
        np.full((800, 600), 255, np.uint8),
        np.zeros((800, 600), np.uint8),
        np.zeros((1, 1), np.uint8),
        np.full((1, 3000), 90, np.uint8),
        np.full((3000, 1, 3), 90, np.uint8),
        np.tile(np.linspace(60, 250, 700).astype(np.uint8), (900, 1)),
    ],
    ids=["white", "black", "one pixel", "row", "column", "shaded"],
)
def test_page_without_text_has_no_lines(page: np.ndarray) -> None:
    assert segment(page, "opencv") == []


def test_noise_and_huge_pages_end_in_bounded_time() -> None:
    dice = np.random.default_rng(1)
    noise = dice.integers(0, 256, (1500, 1200), dtype=np.uint8)
    wide = np.full((700, 20_000), 230, np.uint8)
    for left in range(0, 18_000, 3000):
        for row in range(8):
            words(wide, left + 100, left + 2800, 90 + 70 * row, left + row)
    for page in (noise, wide):
        start = time.process_time()  # work, not waiting: the machine may be busy
        lines = segment(page, "opencv")
        assert time.process_time() - start < 30
        assert all(np.isfinite(line.spacing_px) and line.spacing_px > 0 for line in lines)
    assert len(lines) >= 8


def test_unknown_method_is_named() -> None:
    with pytest.raises(SegmentationError, match='^There is no segmentation method "magic"; choose'):
        segment(np.zeros((9, 9), np.uint8), "magic")


@pytest.mark.parametrize(
    "page",
    [
        np.zeros((0, 9), np.uint8),
        np.zeros((9, 9, 4), np.uint8),
        np.zeros((9, 9)),
        np.zeros(9, np.uint8),
    ],
)
def test_array_that_is_no_page_is_refused(page: np.ndarray) -> None:
    with pytest.raises(SegmentationError, match="^A page image is uint8"):
        segment(page, "opencv")


def test_network_without_weights_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(segmentation, "_WEIGHTS_FOLDER", tmp_path)
    assert not segmentation.has_network()
    with pytest.raises(SegmentationError, match='weights of the method "network" are missing'):
        segment(written_page(), "network")
    assert len(segment(written_page(), "auto")) == 10


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, segmentation; "
        "print([m for m in ('cv2', 'numpy', 'torch', 'PIL', 'pypdfium2') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
    for name in segmentation.__all__:
        assert getattr(segmentation, name) is not None
