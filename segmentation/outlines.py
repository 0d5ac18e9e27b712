"""Baselines and ink -> the polygon around each text line.

Every line is looked at in its own straightened strip. Two seams run through it where they cut the
least ink, one above the line and one below, and stay between the neighbouring baselines; then
the outline is drawn in to the ink that lies between the seams. Ascenders and descenders are
followed, and a neighbour's descender stays with the neighbour where a seam gets round it.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from segmentation.ink import gray_page, ink_map
from segmentation.lines import Point, SegmentationError
from segmentation.paths import BaselinePath, checked_baseline, extended_path

Polygon = tuple[Point, ...]

TOP, BOTTOM = -1.15, 0.65  # of the spacing: the strip that is looked at, 0 = the baseline
BEYOND_ENDS = 0.3  # of the spacing: how far a stroke may reach over the end of the baseline
ROWS_A_SPACING = 20  # resolution of the strip
ROWS = np.linspace(TOP, BOTTOM, round((BOTTOM - TOP) * ROWS_A_SPACING) + 1)[:, None]  # spacings
COLUMNS_A_SPACING = 10
MAX_COLUMNS = 600
LINES_AT_ONCE = 64  # bounds the memory
CORE_TOP, CORE_BOTTOM = -0.35, 0.08  # always inside: the middle zone of the letters
REST_TOP, REST_BOTTOM = -0.72, 0.32  # where a seam lies that no ink pushes away
PULL = 0.12  # cost of a seam at a spacing from its rest, in units of ink
STEP_COST = 0.02  # of a seam for every row it moves
NEIGHBOUR_SHARE = 0.62  # how far down to the next baseline a line may reach
MARGIN = 0.07  # of the spacing: air left around the ink
SMOOTHING = 0.5  # of the spacing: the outline follows words, not letters
INK_THRESHOLD = 0.35
TOLERANCE = 0.04  # of the spacing: how much the polygon is simplified
WORKING_SPACING_PX = 24.0


def outline_lines(
    page_gray: np.ndarray,
    baselines: Sequence[Sequence[Point]],
    spacings_px: Sequence[float],
) -> list[Polygon]:
    """Return one polygon a baseline, in pixels of the page, first point not repeated.

    page_gray: uint8 (H, W); colour (H, W, 3) is turned gray.
    spacings_px: local line spacing of each baseline.
    A baseline that has no crop (see `checked_baseline`) or is off the page gets an empty polygon.
    """
    paths = [_path(line, s) for line, s in zip(baselines, spacings_px, strict=True)]
    usable = [s for s, path in zip(spacings_px, paths, strict=True) if path is not None]
    if not usable:
        return [()] * len(paths)
    # strips take a fixed number of samples a spacing, so the ink is prepared at about that scale
    scale = min(1.0, WORKING_SPACING_PX / float(np.median(usable)))
    gray = gray_page(page_gray)
    if scale < 1.0:
        size = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    ink = ink_map(gray, float(np.median(usable)) * scale)
    found = [(path, s) for path, s in zip(paths, spacings_px, strict=True) if path is not None]
    strips = [_strip(ink, page_gray.shape[:2], path, s) for path, s in found]
    boxes = np.array([(p.x.min(), p.y.min(), p.x.max(), p.y.max()) for p, _ in found])
    limits = [_limits(found, boxes, k) for k in range(len(found))]
    seams = []
    for k in range(0, len(found), LINES_AT_ONCE):
        seams += _seams(strips[k : k + LINES_AT_ONCE], limits[k : k + LINES_AT_ONCE])
    outlines = iter(
        _outline(strip, seam, page_gray.shape[:2], path, s)
        for strip, seam, (path, s) in zip(strips, seams, found, strict=True)
    )
    return [() if path is None else next(outlines) for path in paths]


def _path(baseline: Sequence[Point], spacing_px: float) -> BaselinePath | None:
    try:
        points = checked_baseline(baseline, spacing_px)
    except SegmentationError:
        return None
    path = extended_path(points, spacing_px, BEYOND_ENDS * spacing_px)
    count = max(8, round((path.at_px[-1] - path.at_px[0]) / spacing_px * COLUMNS_A_SPACING))
    at = np.linspace(path.at_px[0], path.at_px[-1], min(count, MAX_COLUMNS))
    return BaselinePath(at, *path.at(at))


def _strip(
    ink: np.ndarray, page_size: tuple[int, int], path: BaselinePath, spacing_px: float
) -> np.ndarray:
    """Return the straightened ink around a line, float32 (ROWS, columns of the path)."""
    x = path.x - path.direction_y * ROWS * spacing_px
    y = path.y + path.direction_x * ROWS * spacing_px
    map_x = (x + 0.5) * ink.shape[1] / page_size[1] - 0.5
    map_y = (y + 0.5) * ink.shape[0] / page_size[0] - 0.5
    return cv2.remap(ink, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR)


def _outline(
    strip: np.ndarray,
    seam: tuple[np.ndarray, np.ndarray],
    page_size: tuple[int, int],
    path: BaselinePath,
    spacing_px: float,
) -> Polygon:
    """Return the polygon of one line; page_size is height, width in pixels."""
    height, width = page_size
    top, bottom = seam
    index = np.arange(len(ROWS))[:, None]
    inside = (index >= top) & (index <= bottom) & (strip > INK_THRESHOLD)
    upper, lower = _drawn_in(inside, spacing_px, path)
    first, last = _ends(inside, path, spacing_px)
    columns = slice(first, last + 1)
    upper, lower = upper[columns], lower[columns]
    side = [
        np.stack(
            [
                path.x[columns] - path.direction_y[columns] * v * spacing_px,
                path.y[columns] + path.direction_x[columns] * v * spacing_px,
            ],
            axis=1,
        )
        for v in (upper, lower)
    ]
    ring = np.concatenate([side[0], side[1][::-1]])
    ring = np.clip(ring, 0, [width - 1, height - 1]).astype(np.float32)
    simple = cv2.approxPolyDP(ring[:, None], TOLERANCE * spacing_px, True)[:, 0]
    if len(simple) < 3:
        return ()  # the line lies off the page
    return tuple((round(float(px), 1), round(float(py), 1)) for px, py in simple)


def _limits(
    found: list[tuple[BaselinePath, float]], boxes: np.ndarray, own: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return how far up and down each column may reach, in spacings: (columns,) each.

    boxes: left, top, right, bottom of every path.
    """
    path, spacing_px = found[own]
    reach = 2.0 * spacing_px
    near = (boxes[:, :2] < boxes[own, 2:] + reach) & (boxes[:, 2:] > boxes[own, :2] - reach)
    others = [found[k][0] for k in np.flatnonzero(near.all(axis=1)) if k != own]
    above, below = np.full(len(path.x), TOP), np.full(len(path.x), BOTTOM)
    if not others:
        return above, below
    x, y, direction_x, direction_y = (v[::2, None].astype(np.float32) for v in path[1:])
    dx = np.concatenate([other.x for other in others]).astype(np.float32) - x
    dy = np.concatenate([other.y for other in others]).astype(np.float32) - y
    along = dx * direction_x + dy * direction_y  # (columns / 2, points of the other lines)
    across = (dy * direction_x - dx * direction_y) / spacing_px
    across[np.abs(along) > 0.2 * spacing_px] = np.nan
    up = np.max(across, axis=1, where=across < -0.2, initial=-np.inf)
    down = np.min(across, axis=1, where=across > 0.2, initial=np.inf)
    up, down = (np.repeat(v, 2)[: len(path.x)] for v in (up, down))
    # the letters of the line below stand on its baseline: its upper part is theirs
    down = np.maximum(NEIGHBOUR_SHARE * down, CORE_BOTTOM + 0.1)
    return np.maximum(above, np.minimum(up, CORE_TOP - 0.05)), np.minimum(below, down)


def _seams(
    strips: list[np.ndarray], limits: list[tuple[np.ndarray, np.ndarray]]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for every strip the row of its upper and of its lower seam in each column."""
    longest = max(strip.shape[1] for strip in strips)
    cost = np.zeros((2 * len(strips), len(ROWS), longest), np.float32)
    for k, (strip, (above, below)) in enumerate(zip(strips, limits, strict=True)):
        forbidden = (ROWS < above) | (ROWS > CORE_TOP)
        cost[2 * k, :, : strip.shape[1]] = strip + PULL * np.abs(ROWS - REST_TOP) + 10 * forbidden
        forbidden = (ROWS > below) | (ROWS < CORE_BOTTOM)
        cost[2 * k + 1, :, : strip.shape[1]] = (
            strip + PULL * np.abs(ROWS - REST_BOTTOM) + 10 * forbidden
        )
    rows = _cheapest_paths(cost)
    return [
        (rows[2 * k, : strip.shape[1]], rows[2 * k + 1, : strip.shape[1]])
        for k, strip in enumerate(strips)
    ]


def _cheapest_paths(cost: np.ndarray) -> np.ndarray:
    """Return the row of the cheapest path from left to right, int (B, columns).

    cost: (B, rows, columns). A path moves by one row a column at most.
    """
    batch, rows, columns = cost.shape
    came_from = np.zeros((columns, batch, rows), dtype=np.int8)
    total = np.full((batch, rows + 2), np.inf, np.float32)  # a row of infinity on both sides
    total[:, 1:-1] = cost[:, :, 0]
    for column in range(1, columns):
        up, stay, down = total[:, :-2] + STEP_COST, total[:, 1:-1], total[:, 2:] + STEP_COST
        move = came_from[column]
        move[up < stay] = -1
        best = np.minimum(up, stay)
        move[down < best] = 1
        total[:, 1:-1] = np.minimum(best, down) + cost[:, :, column]
    path = np.zeros((batch, columns), dtype=np.int64)
    path[:, -1] = total[:, 1:-1].argmin(axis=1)
    each = np.arange(batch)
    for column in range(columns - 1, 0, -1):
        path[:, column - 1] = path[:, column] + came_from[column, each, path[:, column]]
    return path


def _drawn_in(
    inside: np.ndarray, spacing_px: float, path: BaselinePath
) -> tuple[np.ndarray, np.ndarray]:
    """Return the upper and lower edge of the ink in spacings, smoothed along the line."""
    rows = ROWS[:, 0]
    any_ink = np.asarray(inside.any(axis=0))
    top = np.where(any_ink, rows[inside.argmax(axis=0)] - MARGIN, CORE_TOP)
    bottom = np.where(
        any_ink, rows[len(rows) - 1 - inside[::-1].argmax(axis=0)] + MARGIN, CORE_BOTTOM
    )
    top, bottom = np.minimum(top, CORE_TOP), np.maximum(bottom, CORE_BOTTOM)
    step_px = (path.at_px[-1] - path.at_px[0]) / max(1, len(path.at_px) - 1)
    size = max(1, round(SMOOTHING * spacing_px / step_px)) | 1
    kernel = np.ones((1, size), np.uint8)
    upper = cv2.erode(top[None].astype(np.float32), kernel)
    lower = cv2.dilate(bottom[None].astype(np.float32), kernel)
    blur = (size // 2 | 1, 1)
    return cv2.blur(upper, blur)[0], cv2.blur(lower, blur)[0]


def _ends(inside: np.ndarray, path: BaselinePath, spacing_px: float) -> tuple[int, int]:
    """Return the first and the last column: those of the baseline, or of ink that reaches over."""
    length_px = path.at_px[-1] - BEYOND_ENDS * spacing_px
    first = int(np.searchsorted(path.at_px, 0.0, side="right")) - 1
    last = int(np.searchsorted(path.at_px, length_px, side="left"))
    inked = np.asarray(inside.any(axis=0))
    while first > 0 and inked[first - 1]:
        first -= 1
    while last < len(inked) - 1 and inked[last + 1]:
        last += 1
    return max(0, first), min(len(inked) - 1, last)
