"""Gray page -> the usual distance between its text lines, before any line is known."""

from __future__ import annotations

import math

import cv2
import numpy as np

from segmentation.ink import ink_map

HEIGHT_PIXELS = 1_500_000  # size of the page at which letters are measured
LAG_PIXELS = 750_000  # size at which rows are correlated
MAX_LAG_PX = 200
SPACING_A_HEIGHT = 2.2  # line spacing over the height of connected strokes, seen on many hands
PRIOR_WIDTH = 0.7  # of the natural logarithm of that ratio
PEAK = 0.03  # least score of a peak: less is chance
MULTIPLE = 0.4  # of a peak's score: a peak this high at a half or third of its lag wins
MIN_STROKES = 5


def estimated_spacing(gray: np.ndarray) -> float | None:
    """Return the line spacing in px of the page, or None where there is no writing to measure.

    Letter heights say about how large the writing is; near that, the rows of the page, correlated
    with themselves in narrow columns, say at which distance they repeat. Tables and pages of a
    line or two can mislead it by half.
    """
    height_px = _stroke_height(gray)
    if height_px is None:
        return None
    expected_px = SPACING_A_HEIGHT * height_px
    small, scale = _reduced(gray, LAG_PIXELS)
    correlation = _row_correlation(ink_map(small, expected_px * scale))
    lags = np.arange(len(correlation))
    distance = np.log(np.maximum(lags, 1) / scale / expected_px) / PRIOR_WIDTH
    score = correlation * np.exp(-0.5 * distance**2)
    middle = correlation[1:-1]
    peak = (middle >= correlation[:-2]) & (middle > correlation[2:]) & (score[1:-1] > PEAK)
    peaks = np.flatnonzero(peak) + 1
    peaks = peaks[peaks >= 5]
    if not len(peaks):
        return expected_px
    best = int(peaks[np.argmax(score[peaks])])
    while True:  # two or three lines apart a text repeats as well
        near = np.zeros(len(peaks), dtype=bool)
        for part, width in ((best / 2, 0.14), (best / 3, 0.1)):
            near |= np.abs(peaks - part) <= max(1.5, width * part)
        finer = peaks[near & (score[peaks] > MULTIPLE * score[best]) & (peaks < best)]
        if not len(finer):
            return best / scale
        best = int(finer[np.argmax(correlation[finer])])


def _stroke_height(gray: np.ndarray) -> float | None:
    """Return the median height in px of connected strokes, weighted by their width."""
    small, scale = _reduced(gray, HEIGHT_PIXELS)
    inked = (ink_map(small, 30.0) > 0.4).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(inked, connectivity=8)
    width, height, area = stats[1:, 2], stats[1:, 3], stats[1:, 4]
    page_height, page_width = small.shape
    letters = (area >= 8) & (height >= 4) & (width * 8 > height)
    letters &= (height < page_height / 6) & (width < page_width / 3)
    if letters.sum() < MIN_STROKES:
        return None
    order = np.argsort(height[letters])
    total = np.cumsum(width[letters][order])
    return float(height[letters][order][np.searchsorted(total, total[-1] / 2)]) / scale


def _row_correlation(ink: np.ndarray) -> np.ndarray:
    """Return how much the rows are like those k px below, for k = 0, 1, ...; 1 at k = 0."""
    height, width = ink.shape
    lags = max(3, min(height // 2, MAX_LAG_PX))
    strip = max(3, width // 12)
    total = np.zeros(lags)
    for left in range(0, max(1, width - strip // 2), max(1, strip // 2)):
        rows = ink[:, left : left + strip].mean(axis=1).astype(np.float64)
        rows = rows - cv2.GaussianBlur(rows[:, None], (1, 129), 32)[:, 0]
        rows = cv2.GaussianBlur(rows[:, None], (1, 5), 1.0)[:, 0]
        energy = float((rows * rows).sum())
        if energy > 1e-6:
            spectrum = np.abs(np.fft.rfft(rows, 2 * height)) ** 2
            same = np.fft.irfft(spectrum)[:lags] / np.arange(height, height - lags, -1) * height
            total += same / np.sqrt(energy)
    return total / max(total[0], 1e-9)


def _reduced(gray: np.ndarray, pixels: int) -> tuple[np.ndarray, float]:
    """Return the page with at most so many pixels, and its scale."""
    scale = min(1.0, math.sqrt(pixels / gray.size))
    if scale == 1.0:
        return gray, 1.0
    size = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
    return cv2.resize(gray, size, interpolation=cv2.INTER_AREA), scale
