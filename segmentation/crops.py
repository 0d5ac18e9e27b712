"""Page image and baseline -> the straightened image of one text line.

The geometry is that of the line strips which the recogniser was trained on: from 0.80 of the
line spacing above the baseline to 0.36 below it, and 0.25 beyond both ends. It was fitted against
packed strips of the same lines; the edge of the page is repeated where a crop reaches over it,
which came closer to them than white or the page's median.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from segmentation.lines import MAX_CROP_WIDTH_PX, Point, SegmentationError
from segmentation.paths import checked_baseline, extended_path

ABOVE_BASELINE = 0.80  # of the line spacing
BELOW_BASELINE = 0.36
BEYOND_ENDS = 0.25
MAX_SAMPLING = 3  # samples a pixel of the crop, each way; a larger region is shrunk beforehand


def crop_line(
    page: np.ndarray,
    baseline: Sequence[Point],
    spacing_px: float,
    height_px: int = 64,
    max_width_px: int = MAX_CROP_WIDTH_PX,
) -> np.ndarray:
    """Return the straightened image of one line, uint8 (height_px, width) or (height_px, width, 3).

    page: uint8 (H, W) gray or (H, W, 3) colour; the crop has the same channels.
    baseline: points in reading direction; text lies on its left hand, so that a baseline from
    right to left gives the image of an upside-down line, turned upright.
    spacing_px: distance to the neighbouring baselines, which sets the height cut from the page.
    The width keeps the proportions of the page; a longer line is squeezed into max_width_px.

    Raises: SegmentationError, its message starting with "no-crop", for a baseline without length,
    with points that are no numbers, off the page, or with a spacing that is not above 0.
    """
    points = checked_baseline(baseline, spacing_px)
    path = extended_path(points, spacing_px, BEYOND_ENDS * spacing_px)
    length_px = float(path.at_px[-1] - path.at_px[0])
    cut_height_px = (ABOVE_BASELINE + BELOW_BASELINE) * spacing_px
    width_px = max(1, min(max_width_px, round(length_px * height_px / cut_height_px)))

    down = _samples(cut_height_px, height_px)
    along = _samples(length_px, width_px)
    offset = (np.arange(down) + 0.5) / down * cut_height_px - ABOVE_BASELINE * spacing_px
    at = (np.arange(along) + 0.5) / along * length_px + path.at_px[0]
    x, y, direction_x, direction_y = path.at(at)
    # the normal points down the page for a line from left to right
    map_x = x[None, :] - direction_y[None, :] * offset[:, None]  # (down, along)
    map_y = y[None, :] + direction_x[None, :] * offset[:, None]
    _check_on_page(map_x, map_y, page)

    shrink = math.floor(min(cut_height_px / height_px, length_px / width_px) / MAX_SAMPLING)
    samples = _sampled(page, map_x, map_y, max(1, shrink))
    return cv2.resize(samples, (width_px, height_px), interpolation=cv2.INTER_AREA)


def _samples(size_px: float, out_px: int) -> int:
    """Return how many samples to take along a side, so that shrinking averages, not skips."""
    return out_px * min(MAX_SAMPLING, max(1, math.ceil(size_px / out_px - 0.3)))


def _check_on_page(map_x: np.ndarray, map_y: np.ndarray, page: np.ndarray) -> None:
    height, width = page.shape[:2]
    inside = (map_x > -1) & (map_x < width) & (map_y > -1) & (map_y < height)
    if not inside.any():
        raise SegmentationError(
            f"no-crop: the line lies outside the page of {width} x {height} px. Delete it or draw "
            "it anew."
        )


def _sampled(page: np.ndarray, map_x: np.ndarray, map_y: np.ndarray, shrink: int) -> np.ndarray:
    """Return the page at the given coordinates; its edge is repeated outside of it."""
    height, width = page.shape[:2]
    map_x, map_y = np.clip(map_x, 0, width - 1), np.clip(map_y, 0, height - 1)
    margin = 2 * shrink
    left, top = (max(0, int(v.min()) - margin) for v in (map_x, map_y))
    right = min(width, int(map_x.max()) + 2 + margin)
    bottom = min(height, int(map_y.max()) + 2 + margin)
    region = page[top:bottom, left:right]  # cv2.remap refuses sources beyond 32,767 px
    map_x, map_y = map_x - left, map_y - top
    if shrink > 1:
        small = (max(1, (right - left) // shrink), max(1, (bottom - top) // shrink))
        map_x = (map_x + 0.5) * small[0] / (right - left) - 0.5
        map_y = (map_y + 0.5) * small[1] / (bottom - top) - 0.5
        region = cv2.resize(region, small, interpolation=cv2.INTER_AREA)
    return cv2.remap(
        np.ascontiguousarray(region),
        map_x.astype(np.float32),
        map_y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
