"""Baselines -> paths that can be walked by arc length, with the direction of writing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from segmentation.lines import Point, SegmentationError

DIRECTION_WINDOW = 1.0  # of the spacing: directions are averaged over it, so corners do not tear
MAX_PATH_POINTS = 8192
MIN_BASELINE_PX = 1.0
MAX_COORDINATE = 1e7


class BaselinePath(NamedTuple):
    """Points along a baseline and the unit direction of writing at each; arrays of shape (N,).

    Turned clockwise by a quarter, as y points down, the direction points below the line.
    """

    at_px: np.ndarray  # arc length, negative before the first point of the baseline
    x: np.ndarray
    y: np.ndarray
    direction_x: np.ndarray
    direction_y: np.ndarray

    def at(self, arc_px: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return x, y, direction_x and direction_y at the given arc lengths."""
        x, y, dx, dy = (np.interp(arc_px, self.at_px, values) for values in self[1:])
        return x, y, dx, dy


def checked_baseline(baseline: Sequence[Point], spacing_px: float) -> np.ndarray:
    """Return the baseline as float64 (N, 2) without repeated points.

    Raises: SegmentationError, its message starting with "no-crop", for a baseline without length
    or with points that are no numbers, and for a spacing that is not above 0.
    """
    if not math.isfinite(spacing_px) or spacing_px <= 0:
        raise SegmentationError(
            f"no-crop: the line spacing is {spacing_px:g} px; it must be above 0. "
            "Draw the line anew."
        )
    points = np.asarray(baseline, dtype=np.float64).reshape(-1, 2)
    if len(points) < 2 or not (np.abs(points) < MAX_COORDINATE).all():  # refuses NaN as well
        raise SegmentationError(
            f"no-crop: the baseline has {len(points)} points; it needs two or more, and every "
            f"coordinate below {MAX_COORDINATE:,.0f}. Draw the line anew."
        )
    step = np.hypot(*np.diff(points, axis=0).T)
    if step.sum() < MIN_BASELINE_PX:
        raise SegmentationError(
            f"no-crop: the baseline is {step.sum():.1f} px long, shorter than {MIN_BASELINE_PX:g} "
            "px. Draw the line anew."
        )
    return points[np.concatenate([[True], step > 1e-6])]


def extended_path(points: np.ndarray, spacing_px: float, beyond_px: float) -> BaselinePath:
    """Return the baseline sampled every pixel or so, carried on straight at both ends.

    points: float64 (N, 2) as `checked_baseline` returns them.
    beyond_px: how far it goes on before the first and after the last point.
    """
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    length = reached[-1]
    count = int(min(MAX_PATH_POINTS, max(8, math.ceil(length + 2 * beyond_px))))
    at = np.linspace(-beyond_px, length + beyond_px, count)
    inner = np.clip(at, 0.0, length)
    x, y = (np.interp(inner, reached, points[:, axis]) for axis in (0, 1))
    # the ends go on as the last spacing went: the last two points alone may be a pen's jitter
    window = min(length, spacing_px)
    for end, towards in ((0.0, window), (length, length - window)):
        dx, dy = (
            np.interp(end, reached, points[:, k]) - np.interp(towards, reached, points[:, k])
            for k in (0, 1)
        )
        norm = math.hypot(dx, dy) or 1.0
        outside = np.abs(at - inner) * ((at < 0) if end == 0.0 else (at > length))
        x, y = x + outside * dx / norm, y + outside * dy / norm
    step = (length + 2 * beyond_px) / (count - 1)
    half = max(0, round(DIRECTION_WINDOW * spacing_px / step / 2))
    direction_x, direction_y = (_averaged(np.gradient(v), half) for v in (x, y))
    norm = np.maximum(np.hypot(direction_x, direction_y), 1e-9)
    return BaselinePath(at, x, y, direction_x / norm, direction_y / norm)


def _averaged(values: np.ndarray, half: int) -> np.ndarray:
    """Return the mean over 2 * half + 1 neighbours; the ends are repeated."""
    half = min(half, len(values))
    total = np.cumsum(np.concatenate([[0.0], np.pad(values, half, mode="edge")]))
    return (total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1)
