"""What the segmentation network draws: maps of baselines, line ends, spacing and direction.

A page of (H, W) working pixels has fine maps of (H / 2, W / 2) and coarse maps of (H / 4, W / 4):

    fine    baseline   1 on a stroke a quarter of the line spacing wide along each baseline
            start, end 1 on a bar across the baseline where a line begins and where it ends
    coarse  spacing    log2 of the local line spacing in working pixels, near baselines
            direction  cosine and sine of the reading direction, near baselines
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

FINE = 2  # working pixels a pixel of the fine maps
COARSE = 4
STROKE_SHARE = 0.25  # width of a baseline's stroke, of the spacing
BAR_SHARE = 0.2  # thickness of a start or end bar, of the spacing
BAR_ABOVE, BAR_BELOW = 0.35, 0.15  # reach of a bar from the baseline, of the spacing
NEAR_SHARE = 0.5  # width of the band in which spacing and direction are defined, of the spacing
_SHIFT = 4  # OpenCV draws with coordinates in 1/16 px


@dataclass(frozen=True)
class Targets:
    """Maps to be learned for one image.

    fine: (3, H / 2, W / 2) uint8, 0 or 1: baseline, start, end.
    coarse: (3, H / 4, W / 4) float32: log2 spacing, cosine, sine; 0 where `known` is 0.
    known: (H / 4, W / 4) uint8, 1 where the coarse maps are defined.
    """

    fine: np.ndarray
    coarse: np.ndarray
    known: np.ndarray


@dataclass(frozen=True)
class PageMaps:
    """Maps that the network drew of one page.

    fine: (3, H / 2, W / 2) float32 probabilities: baseline, start, end.
    coarse: (3, H / 4, W / 4) float32: log2 spacing, cosine, sine; of use near baselines only.
    scale_x, scale_y: working pixels a pixel of the page.
    """

    fine: np.ndarray
    coarse: np.ndarray
    scale_x: float
    scale_y: float


def draw_targets(
    baselines: Sequence[np.ndarray], spacings_px: Sequence[float], height_px: int, width_px: int
) -> Targets:
    """Maps of the lines, drawn for an image of height_px x width_px (multiples of 4).

    baselines: (n, 2) float arrays of x, y in reading direction; points may lie outside the image.
    """
    fine = np.zeros((3, height_px // FINE, width_px // FINE), np.uint8)
    near = (height_px // COARSE, width_px // COARSE)
    coarse, known = np.zeros((3, *near), np.float32), np.zeros(near, np.uint8)
    for points, spacing in zip(baselines, spacings_px, strict=True):
        points = np.asarray(points, np.float32)
        if len(points) < 2 or not _touches(points, spacing, height_px, width_px):
            continue
        steps = np.diff(points, axis=0)
        lengths = np.maximum(np.hypot(steps[:, 0], steps[:, 1]), 1e-6)
        directions = steps / lengths[:, None]
        # Strokes have round caps: trimmed, they end where the line ends; table cells stay apart.
        trim = np.minimum(STROKE_SHARE / 2 * spacing, lengths / 4)
        trimmed = points.copy()
        trimmed[0] += directions[0] * trim[0]
        trimmed[-1] -= directions[-1] * trim[-1]
        _stroke(fine[0], trimmed / FINE, 1, STROKE_SHARE * spacing / FINE)
        for channel, at, direction in ((1, 0, directions[0]), (2, -1, directions[-1])):
            up = np.array([direction[1], -direction[0]])
            bar = np.stack(
                [points[at] + up * BAR_ABOVE * spacing, points[at] - up * BAR_BELOW * spacing]
            )
            _stroke(fine[channel], bar / FINE, 1, BAR_SHARE * spacing / FINE)
        band = NEAR_SHARE * spacing / COARSE
        _stroke(coarse[0], points / COARSE, float(np.log2(max(spacing, 1.0))), band)
        _stroke(known, points / COARSE, 1, band)
        for segment, (cosine, sine) in enumerate(directions):
            piece = points[segment : segment + 2] / COARSE
            _stroke(coarse[1], piece, float(cosine), band)
            _stroke(coarse[2], piece, float(sine), band)
    return Targets(fine, coarse, known)


def _touches(points: np.ndarray, margin: float, height_px: int, width_px: int) -> bool:
    low, high = points.min(0) - margin, points.max(0) + margin
    return bool(high[0] >= 0 and high[1] >= 0 and low[0] <= width_px and low[1] <= height_px)


def _stroke(canvas: np.ndarray, points: np.ndarray, value: float, width: float) -> None:
    # Pixel centres: a coordinate x of the page lies at x - 0.5 in OpenCV's raster.
    fixed = np.round((np.clip(points, -8000, 8000) - 0.5) * (1 << _SHIFT)).astype(np.int32)
    thickness = max(1, round(width))
    cv2.polylines(canvas, [fixed], False, value, thickness, cv2.LINE_8, _SHIFT)
