"""Pieces of ridges -> whole rows of writing, cut where columns part."""

from __future__ import annotations

import cv2
import numpy as np

MAX_OVERLAP = 1.6  # of the spacing: ridges run over the ends of the ink and past each other
MAX_GAP = 2.6  # of the spacing: widest gap between words that is bridged
MAX_RISE = 0.33  # of the spacing: how far two pieces of a row may differ in height
SLOPE_WINDOW = 2.0  # of the spacing: the end of a piece that tells where it is heading
BAND = 0.4  # of the spacing: ink this near to a ridge belongs to it
INKED = 0.3  # least ink that counts as a stroke
GUTTER = 0.9  # of the spacing: width of a gap that may be a gutter
GUTTER_HEIGHT = 2.6  # of the spacing, up and down: how far a gutter is empty at least
ALWAYS_CUT = 2.6  # of the spacing: a gap that is a gutter anyway
MIN_LENGTH = 0.6  # of the spacing
MIN_THICKNESS = 0.08  # of the spacing: standard deviation of the ink's height; rules have less
CROOKED = 0.1  # slope against that of the page's lines
FAINT = 0.42  # of the usual strength of the page's ridges
ECHO_SHARE = 0.4  # of a part's length that runs along another line
ECHO_NEAR, ECHO_LENGTH = 0.6, 2.5  # of the spacing: a part as short and as near is an echo
ECHO_FAR, ECHO_WEAK_LENGTH, ECHO_STRENGTH = 0.75, 4.0, 0.7  # so is a longer one if it is weaker
MIN_INK = 0.04  # mean ink of the band under a line


def joined_curves(curves: list[np.ndarray], spacing_px: float) -> list[np.ndarray]:
    """Return the curves joined end to start, int (N, 2) of x, y, one y a column.

    Every end takes the start that lies most nearly in its direction, the best pairs first.
    """
    if not curves:
        return []
    starts = np.array([c[0] for c in curves], dtype=np.float64)
    ends = np.array([c[-1] for c in curves], dtype=np.float64)
    heading_out = np.array([_slope(c[-_window(spacing_px) :]) for c in curves])
    heading_in = np.array([_slope(c[: _window(spacing_px)]) for c in curves])
    gap = starts[None, :, 0] - ends[:, None, 0]  # (end of, start of)
    # both are led to the middle between them
    meet = (starts[None, :, 0] + ends[:, None, 0]) / 2
    height_out = ends[:, None, 1] + heading_out[:, None] * (meet - ends[:, None, 0])
    height_in = starts[None, :, 1] + heading_in[None, :] * (meet - starts[None, :, 0])
    rise = np.abs(height_out - height_in)
    fits = (gap > -MAX_OVERLAP * spacing_px) & (gap < MAX_GAP * spacing_px)
    fits &= rise < MAX_RISE * spacing_px
    fits &= (starts[:, None, 0] < starts[None, :, 0]) & (ends[:, None, 0] < ends[None, :, 0])
    cost = np.where(fits, rise / spacing_px + 0.12 * np.maximum(gap, 0) / spacing_px, np.inf)
    following: dict[int, int] = {}
    taken: set[int] = set()
    for flat in np.argsort(cost, axis=None):
        end, start = divmod(int(flat), len(curves))
        if not np.isfinite(cost[end, start]):
            break
        if end not in following and start not in taken:
            following[end] = start
            taken.add(start)
    rows = []
    for first in range(len(curves)):
        if first in taken:
            continue
        chain = [first]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        rows.append(_one_row([curves[k] for k in chain]))
    return rows


def parts_of_row(
    row: np.ndarray, ink: np.ndarray, posts: np.ndarray, spacing_px: float
) -> list[np.ndarray]:
    """Return the parts of a row between gutters, each from its first to its last ink.

    posts: uint8 (H, W), not 0 on the vertical rules that were taken out of the ink.
    Parts too short, too faint or as thin as a rule are left out.
    """
    x, y = row[:, 0], row[:, 1]
    inked = _band(ink, row, BAND * spacing_px).max(axis=1) > INKED
    columns = np.flatnonzero(inked)
    if not len(columns):
        return []
    cuts = [-1]
    for before, after in zip(columns[:-1], columns[1:], strict=True):
        if after - before - 1 >= GUTTER * spacing_px:
            gap = slice(before + 1, after)
            if _is_gutter(x[gap], y[gap], ink, posts, spacing_px):
                cuts.append(before)
    for k in np.flatnonzero(_crossed(row, posts, spacing_px)):
        cuts.append(int(k))
    edges = sorted({*cuts, len(x) - 1})
    parts = []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = columns[(columns > low) & (columns <= high)]
        if len(inside) and inside[-1] - inside[0] >= MIN_LENGTH * spacing_px:
            part = row[inside[0] : inside[-1] + 1]
            if _is_writing(part, ink, spacing_px):
                parts.append(part)
    return parts


def likely_parts(
    parts: list[np.ndarray], strength: np.ndarray, spacing_px: float
) -> list[np.ndarray]:
    """Return the parts that are likely lines of writing, by their neighbours on the page.

    strength: float32 (H, W) of the ridges. Left out are the echoes of a line in its tall letters
    (short ridges too near to a longer or stronger one), short strokes across the direction of
    the page's lines, and short faint ones.
    """
    if not parts:
        return []
    strong = np.array([float(strength[part[:, 1], part[:, 0]].mean()) for part in parts])
    length = np.array([len(part) / spacing_px for part in parts])
    slope = np.array([_slope(part) for part in parts])
    tilt = _weighted_median(slope, length)
    usual = _weighted_median(strong, length)
    near = neighbours(parts, ECHO_FAR * spacing_px)
    kept = []
    for k, part in enumerate(parts):
        across = abs(slope[k] - tilt) > CROOKED and length[k] < 4
        faint = strong[k] < FAINT * usual and length[k] < 4
        if not across and not faint and not _is_echo(k, near[k], parts, strong, length, spacing_px):
            kept.append(part)
    return kept


def neighbours(curves: list[np.ndarray], reach_px: float) -> list[np.ndarray]:
    """Return for every curve the indices of those that share some width and come that near."""
    left = np.array([curve[0, 0] for curve in curves])
    right = np.array([curve[-1, 0] for curve in curves])
    top = np.array([curve[:, 1].min() for curve in curves])
    bottom = np.array([curve[:, 1].max() for curve in curves])
    found = []
    for k in range(len(curves)):
        near = (left < right[k]) & (right > left[k])
        near &= (top < bottom[k] + reach_px) & (bottom > top[k] - reach_px)
        near[k] = False
        found.append(np.flatnonzero(near))
    return found


def _is_echo(
    k: int,
    near: np.ndarray,
    parts: list[np.ndarray],
    strong: np.ndarray,
    length: np.ndarray,
    spacing_px: float,
) -> bool:
    """Return whether a longer part runs along part k, nearer than lines of writing do."""
    x, y = parts[k].T
    for other in near[length[near] >= length[k]]:
        line = parts[other]
        left, right = max(x[0], line[0, 0]), min(x[-1], line[-1, 0])
        if right - left < ECHO_SHARE * len(x):
            continue
        at = np.arange(left, right + 1)
        apart = np.median(np.abs(np.interp(at, x, y) - np.interp(at, *line.T))) / spacing_px
        if apart < ECHO_NEAR and length[k] < ECHO_LENGTH:
            return True
        weaker = strong[k] < ECHO_STRENGTH * strong[other]
        if apart < ECHO_FAR and weaker and length[k] < ECHO_WEAK_LENGTH:
            return True
    return False


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _window(spacing_px: float) -> int:
    return max(3, round(SLOPE_WINDOW * spacing_px))


def _slope(points: np.ndarray) -> float:
    """Return the slope of the points' least-squares line, within the page's plausible tilt."""
    if len(points) < 3:
        return 0.0
    x = points[:, 0] - points[:, 0].mean()
    return float(np.clip((x * points[:, 1]).sum() / (x * x).sum(), -0.2, 0.2))


def _one_row(curves: list[np.ndarray]) -> np.ndarray:
    """Return the curves as one; where two lie side by side, their mean."""
    if len(curves) == 1:
        return curves[0]
    points = np.concatenate(curves)
    columns, inverse = np.unique(points[:, 0], return_inverse=True)
    mean = np.bincount(inverse, points[:, 1]) / np.bincount(inverse)
    x = np.arange(columns[0], columns[-1] + 1)
    return np.stack([x, np.rint(np.interp(x, columns, mean)).astype(np.int64)], axis=1)


def _band(image: np.ndarray, row: np.ndarray, reach_px: float) -> np.ndarray:
    """Return the pixels up to reach_px above and below a row, (columns, height of the band)."""
    reach = np.arange(-round(reach_px), round(reach_px) + 1)
    rows = np.clip(row[:, 1:] + reach, 0, image.shape[0] - 1)
    return image[rows, np.clip(row[:, :1], 0, image.shape[1] - 1)]


def _is_gutter(
    x: np.ndarray, y: np.ndarray, ink: np.ndarray, posts: np.ndarray, spacing_px: float
) -> bool:
    """Return whether a gap in a row goes on in the lines above and below, or holds a post."""
    if len(x) >= ALWAYS_CUT * spacing_px:
        return True
    middle, reach = int(np.median(y)), round(GUTTER_HEIGHT * spacing_px)
    rows = slice(max(0, middle - reach), middle + reach + 1)
    columns = slice(int(x[0]), int(x[-1]) + 1)
    if (posts[rows, columns] > 0).mean(axis=0).max(initial=0.0) > 0.5:
        return True
    empty = ink[rows, columns].max(axis=0) < INKED
    run, longest = 0, 0
    for column in empty:
        run = run + 1 if column else 0
        longest = max(longest, run)
    return longest >= 0.5 * GUTTER * spacing_px


def _crossed(row: np.ndarray, posts: np.ndarray, spacing_px: float) -> np.ndarray:
    """Return where a vertical rule crosses the row: bool (columns,), one column a rule."""
    crossing = (_band(posts, row, 0.5 * spacing_px) > 0).mean(axis=1) > 0.8
    crossing[1:] &= ~crossing[:-1]
    return crossing


def _is_writing(part: np.ndarray, ink: np.ndarray, spacing_px: float) -> bool:
    """Return whether the ink along a part is as much and as tall as writing."""
    reach_px = 0.5 * spacing_px
    band = _band(ink, part, reach_px)
    total = float(band.sum())
    if total / band.size < MIN_INK:
        return False
    offset = np.arange(band.shape[1]) - band.shape[1] // 2
    # heights are compared within each stretch of a spacing: a slanting rule is thin there
    size = max(3, round(spacing_px) | 1)
    weight = cv2.blur(np.ascontiguousarray(band), (1, size))
    mass = np.maximum(weight.sum(axis=1), 1e-6)
    mean = (weight * offset).sum(axis=1) / mass
    spread = np.sqrt(np.maximum((weight * offset**2).sum(axis=1) / mass - mean**2, 0))
    return float(np.average(spread, weights=mass)) > MIN_THICKNESS * spacing_px
