"""Baselines cut, joined and compared: what the line editor computes. Pure; points in pixels."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np

from segmentation.lines import Line, Point
from segmentation.order import reading_order

Baseline = tuple[Point, ...]

SAMPLES = 32  # along a baseline, where its overlap with others is measured
NEIGHBOURS = 4  # whose spacing a drawn line takes over
SAME_DIRECTION = 0.8  # cosine: below it, a neighbour is written in another direction
SPACINGS_A_PAGE = 30  # of a page without any line: about as many as fit on a letter
SHORTEST_PX = 3.0  # shorter pieces come from a slip of the hand


def split_baseline(baseline: Baseline, at: Point) -> tuple[Baseline, Baseline] | None:
    """Return the two parts of a baseline, cut at its point nearest to `at`.

    None where one part would be shorter than SHORTEST_PX.
    """
    points = np.asarray(baseline, dtype=np.float64)
    steps = np.diff(points, axis=0)
    share = ((np.asarray(at) - points[:-1]) * steps).sum(1) / np.maximum((steps**2).sum(1), 1e-12)
    nearest = points[:-1] + np.clip(share, 0, 1)[:, None] * steps
    k = int(np.hypot(*(nearest - np.asarray(at)).T).argmin())
    cut = _rounded(nearest[k])
    first = _without_repeats((*baseline[: k + 1], cut))
    second = _without_repeats((cut, *baseline[k + 1 :]))
    if min(length_px(first), length_px(second)) < SHORTEST_PX:
        return None
    return first, second


def joined_baselines(baselines: Sequence[Baseline]) -> tuple[Baseline, list[int]]:
    """Return one baseline through all of them, and their indices in the order along it.

    The direction is that of the longest. Where two overlap, the one that begins first is followed.
    """
    longest = max(baselines, key=length_px)
    direction = np.subtract(longest[-1], longest[0])
    direction = direction / max(1e-9, float(np.hypot(*direction)))

    def along(point: Point) -> float:
        return float(np.dot(point, direction))

    turned = [b if along(b[-1]) >= along(b[0]) else b[::-1] for b in baselines]
    order = sorted(range(len(turned)), key=lambda k: along(turned[k][0]))
    joined: list[Point] = []
    for k in order:
        reached = along(joined[-1]) if joined else -math.inf
        joined += [point for point in turned[k] if along(point) > reached]
    return tuple(joined), order


def covered_share(baseline: Baseline, others: Sequence[tuple[Baseline, float]]) -> float:
    """Return how much of a baseline (0-1) runs along others, each within its own distance.

    others: baselines with the distance in px within which they count.
    """
    points = _sampled(baseline)
    covered = np.zeros(len(points), dtype=bool)
    for other, within_px in others:
        covered |= _distance_px(points, other) <= within_px
    return float(covered.mean())


def estimated_spacing_px(baseline: Baseline, lines: Sequence[Line], page_height_px: int) -> float:
    """Return the spacing that a line drawn by hand takes over from its nearest neighbours."""
    middle = _sampled(baseline)[SAMPLES // 2 : SAMPLES // 2 + 1]
    direction = _direction(baseline)
    alike = [
        line for line in lines if float(_direction(line.baseline) @ direction) > SAME_DIRECTION
    ]
    nearest = sorted(
        alike or lines, key=lambda line: float(_distance_px(middle, line.baseline)[0])
    )[:NEIGHBOURS]
    if not nearest:
        return max(8.0, page_height_px / SPACINGS_A_PAGE)
    return round(statistics.median(line.spacing_px for line in nearest), 1)


def place_in_order(line: Line, lines: Sequence[Line], width_px: int, height_px: int) -> int:
    """Return before which of `lines` (in the order that people read them) a new line belongs.

    It comes after the line that automatic reading order puts before it.
    """
    order = reading_order([*lines, line], width_px, height_px)
    at = order.index(len(lines))
    if at > 0:
        return order[at - 1] + 1
    return order[1] if len(order) > 1 else 0


def length_px(baseline: Sequence[Point]) -> float:
    """Return the length of a polyline."""
    return sum(math.dist(a, b) for a, b in zip(baseline, baseline[1:], strict=False))


def _direction(baseline: Baseline) -> np.ndarray:
    step = np.subtract(baseline[-1], baseline[0]).astype(np.float64)
    return step / max(1e-9, float(np.hypot(*step)))


def _sampled(baseline: Baseline) -> np.ndarray:
    """Return SAMPLES points (N, 2) at equal distances along the baseline."""
    points = np.asarray(baseline, dtype=np.float64)
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.linspace(0, reached[-1], SAMPLES)
    return np.stack([np.interp(at, reached, points[:, k]) for k in (0, 1)], axis=1)


def _distance_px(points: np.ndarray, baseline: Baseline) -> np.ndarray:
    """Return for each of the points (N, 2) its distance to the polyline, (N,)."""
    path = np.asarray(baseline, dtype=np.float64)
    start, step = path[None, :-1], np.diff(path, axis=0)[None]
    share = ((points[:, None] - start) * step).sum(2) / np.maximum((step**2).sum(2), 1e-12)
    nearest = start + np.clip(share, 0, 1)[..., None] * step
    return np.asarray(np.hypot(*(points[:, None] - nearest).transpose(2, 0, 1)).min(axis=1))


def _rounded(point: np.ndarray) -> Point:
    return (round(float(point[0]), 1), round(float(point[1]), 1))


def _without_repeats(points: Baseline) -> Baseline:
    return tuple(p for k, p in enumerate(points) if k == 0 or p != points[k - 1])
