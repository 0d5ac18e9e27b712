"""What follows from a line's outline or baseline where a file gives only one of the two."""

from __future__ import annotations

import statistics

from exchange.points import bounds, is_baseline, length_px
from exchange.records import Points

# Of the height of an outline, what lies below the baseline: with outlines that reach from the
# ascenders to the descenders, 0.36 of the spacing of 1.16 in the geometry of our line images,
# less for the many outlines that are cut close below.
DESCENT = 0.25
SAMPLES = 12
ABOVE_BASELINE = 0.80  # of the line spacing; as segmentation cuts line images
BELOW_BASELINE = 0.36


def derived_baseline(polygon: Points) -> Points:
    """Return a baseline that follows the lower edge of an outline, a quarter of its height above.

    From left to right; empty if the outline has no width.
    """
    box = bounds(polygon)
    if len(polygon) < 3 or box is None or box[2] <= box[0]:
        return ()
    left, right = box[0], box[2]
    at = [left + (right - left) * (k + 0.5) / SAMPLES for k in range(SAMPLES)]
    edges = [_edges_at(polygon, x) for x in at]
    height = statistics.median(bottom - top for top, bottom in edges)
    low = [bottom - DESCENT * height for _, bottom in edges]
    points = [(left, low[0]), *zip(at[1:-1], low[1:-1], strict=True), (right, low[-1])]
    return _without_straight(points)


def band(baseline: Points, spacing_px: float) -> Points:
    """Return an outline around a baseline, as high as our images of lines are."""
    above, below = ABOVE_BASELINE * spacing_px, BELOW_BASELINE * spacing_px
    upper = tuple((x, y - above) for x, y in baseline)
    return upper + tuple((x, y + below) for x, y in reversed(baseline))


def outline_of(polygon: Points, baseline: Points, spacing_px: float | None) -> Points:
    """Return the outline itself, else a band around the baseline: PAGE wants one for every line."""
    if len(polygon) >= 3:
        return polygon
    if not is_baseline(baseline):
        return polygon
    return band(baseline, spacing_px or min(50.0, max(10.0, length_px(baseline) / 10)))


def _edges_at(polygon: Points, x: float) -> tuple[float, float]:
    """Return the y of the outline's upper and lower edge at x, which is inside its width."""
    crossed = []
    for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if min(x0, x1) <= x <= max(x0, x1):
            crossed += [y0, y1] if x0 == x1 else [y0 + (y1 - y0) * (x - x0) / (x1 - x0)]
    return min(crossed), max(crossed)


def _without_straight(points: list[tuple[float, float]]) -> Points:
    """Return the points without those that lie on the way between their neighbours."""
    kept = [points[0]]
    for point, after in zip(points[1:], points[2:], strict=False):
        (x0, y0), (x1, y1) = kept[-1], after
        expected = y0 + (y1 - y0) * (point[0] - x0) / (x1 - x0) if x1 != x0 else point[1]
        if abs(point[1] - expected) > 0.25:
            kept.append(point)
    return (*kept, points[-1])
