"""Gray page -> text lines by classical image processing: the segmenter that needs no weights.

Lines of writing are ridges of the smoothed ink. They are followed, joined over word gaps, cut at
the gutters between columns, and the baseline is laid where the ink under each ridge ends.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from segmentation.ink import gray_page, ink_map
from segmentation.lines import Line
from segmentation.order import reading_order
from segmentation.outlines import outline_lines
from segmentation.ridges import ridge_curves, ridge_strength, rules_of
from segmentation.rows import joined_curves, likely_parts, neighbours, parts_of_row
from segmentation.spacing import estimated_spacing

WORKING_SPACING_PX = 20.0
WORKING_PIXELS = 4_500_000  # a page is not worked on larger, however small its writing seems
MIN_PAGE_PX = 16
MAX_LINES = 1000  # of a page: more is noise, and would take minutes
POINT_DISTANCE = 1.5  # of the spacing, between the points of a baseline
SEARCH_UP, SEARCH_DOWN = -0.05, 0.5  # of the spacing: where the baseline is sought under a ridge
EDGE = 0.22  # of the spacing: height of the bands compared above and below a baseline
WINDOW = 2.0  # of the spacing: the width over which ink speaks for one height
REST, REST_PULL = 0.2, 0.6  # of the spacing: usual drop from ridge to baseline, how much it counts
SURE_RANGE = (0.75, 1.3)  # of the first estimate: a spacing found outside is worked with anew
MIN_DISTANCES = 4  # between lines that tell the spacing
SPACING_RANGE = (0.55, 1.6)  # of the page's spacing: distances that neighbouring lines may have


def segment_with_opencv(page: np.ndarray) -> list[Line]:
    """Return the text lines of a page in reading order; none on a blank page.

    page: uint8 (H, W) gray or (H, W, 3) RGB. Lines within about 12 degrees of level are found.
    """
    gray = gray_page(page)
    height, width = gray.shape
    spacing_px = estimated_spacing(gray) if min(height, width) >= MIN_PAGE_PX else None
    if spacing_px is None:
        return []
    curves = _baselines(gray, spacing_px)
    measured_px = _measured_spacing(curves, spacing_px)
    if not SURE_RANGE[0] < measured_px / spacing_px < SURE_RANGE[1]:
        spacing_px = measured_px
        curves = _baselines(gray, spacing_px)
    if not curves:
        return []
    spacings = _local_spacings(curves, spacing_px)
    baselines = [tuple((round(float(x), 1), round(float(y), 1)) for x, y in c) for c in curves]
    polygons = outline_lines(gray, baselines, spacings)
    lines = [
        Line(baseline, polygon, round(s, 1))
        for baseline, polygon, s in zip(baselines, polygons, spacings, strict=True)
    ]
    return [lines[k] for k in reading_order(lines, width, height)]


def _baselines(gray: np.ndarray, spacing_px: float) -> list[np.ndarray]:
    """Return the baselines as float (N, 2) of x, y, in pixels of the page.

    The page is worked on at a size where its spacing is WORKING_SPACING_PX.
    """
    height, width = gray.shape
    scale = min(WORKING_SPACING_PX / spacing_px, math.sqrt(WORKING_PIXELS / gray.size))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    spacing_px = spacing_px * scale
    ink = ink_map(gray, spacing_px)
    rules, posts = rules_of(ink, spacing_px)
    writing = np.where((rules | posts) > 0, np.float32(0.0), ink)
    strength = ridge_strength(writing, spacing_px)
    curves = _longest(ridge_curves(strength, spacing_px), 2 * MAX_LINES)
    rows = joined_curves(curves, spacing_px)
    parts = [part for row in rows for part in parts_of_row(row, writing, posts, spacing_px)]
    likely = likely_parts(_longest(parts, MAX_LINES), strength, spacing_px)
    factor = np.array([width / size[0], height / size[1]])
    return [(_baseline(part, writing, spacing_px) + 0.5) * factor - 0.5 for part in likely]


def _longest(curves: list[np.ndarray], most: int) -> list[np.ndarray]:
    """Return the curves, without the shortest ones if there are more than `most`."""
    if len(curves) <= most:
        return curves
    order = sorted(range(len(curves)), key=lambda k: -len(curves[k]))
    return [curves[k] for k in sorted(order[:most])]


def _measured_spacing(curves: list[np.ndarray], expected_px: float) -> float:
    """Return the median distance from a line to the next below it, expected_px if few have one."""
    distances = []
    near = neighbours(curves, 3 * expected_px)
    for upper, others in zip(curves, near, strict=True):
        below = []
        for lower in (curves[k] for k in others):
            left, right = max(upper[0, 0], lower[0, 0]), min(upper[-1, 0], lower[-1, 0])
            if right - left > 0.5 * min(np.ptp(upper[:, 0]), np.ptp(lower[:, 0])):
                at = np.linspace(left, right, 5)
                apart = np.median(np.interp(at, *lower.T) - np.interp(at, *upper.T))
                if 0 < apart < 3 * expected_px:
                    below.append(float(apart))
        if below:
            distances.append(min(below))
    return float(np.median(distances)) if len(distances) >= MIN_DISTANCES else expected_px


def _baseline(curve: np.ndarray, ink: np.ndarray, spacing_px: float) -> np.ndarray:
    """Return the baseline under a ridge: float (N, 2), a point every POINT_DISTANCE or so.

    Below a baseline there is little ink and above it much; descenders are few, so that windows of
    a word's width tell the two apart.
    """
    x, y = curve[:, 0], curve[:, 1].astype(np.float64)
    offsets = np.arange(round(SEARCH_UP * spacing_px), round(SEARCH_DOWN * spacing_px) + 1)
    edge = max(1, round(EDGE * spacing_px))
    reach = np.arange(offsets[0] - edge, offsets[-1] + edge + 1)
    rows = np.clip(np.rint(y)[:, None].astype(np.int64) + reach, 0, ink.shape[0] - 1)
    strip = ink[rows, np.clip(x, 0, ink.shape[1] - 1)[:, None]]  # (columns, reach)
    window = max(3, round(WINDOW * spacing_px) | 1)
    strip = cv2.blur(np.ascontiguousarray(strip), (1, window), borderType=cv2.BORDER_REFLECT)
    total = np.cumsum(np.pad(strip, ((0, 0), (1, 0))), axis=1)
    k = np.arange(len(offsets)) + edge + 1  # rows up to and with the candidate count as above
    above, below = total[:, k] - total[:, k - edge], total[:, k + edge - 1] - total[:, k]
    contrast = (above - below) / np.maximum(strip.sum(axis=1, keepdims=True), 1e-6)
    contrast = contrast - REST_PULL * np.abs(offsets / spacing_px - REST)
    drop = offsets[contrast.argmax(axis=1)].astype(np.float64)
    smooth = max(3, round(3 * spacing_px) | 1)
    half = smooth // 2
    padded = np.pad(drop, half, mode="reflect" if len(drop) > half else "edge")
    drop = np.median(np.lib.stride_tricks.sliding_window_view(padded, smooth), axis=1)
    level = cv2.blur((y + drop)[:, None], (1, max(1, round(spacing_px) | 1)))[:, 0]
    count = max(2, round((x[-1] - x[0]) / (POINT_DISTANCE * spacing_px)) + 1)
    at = np.linspace(x[0], x[-1], count)
    return np.stack([at, np.interp(at, x, level)], axis=1)


def _local_spacings(curves: list[np.ndarray], usual_px: float) -> list[float]:
    """Return the line spacing around every line: the median distance to what is above and below.

    Distances out of SPACING_RANGE are those to insertions or over a paragraph's end.
    """
    low, high = SPACING_RANGE[0] * usual_px, SPACING_RANGE[1] * usual_px
    distances: list[list[float]] = [[] for _ in curves]
    near = neighbours(curves, high)
    for a, curve in enumerate(curves):
        for other in (curves[b] for b in near[a]):
            left, right = max(curve[0, 0], other[0, 0]), min(curve[-1, 0], other[-1, 0])
            if right - left < usual_px:
                continue
            at = np.linspace(left, right, 5)
            gap = float(np.median(np.interp(at, *other.T) - np.interp(at, *curve.T)))
            if low < abs(gap) < high:
                distances[a].append(abs(gap))
    return [float(np.median([usual_px, usual_px, *d])) if d else usual_px for d in distances]
