"""The flat sheet of ink: written lines laid on it, each with its true baseline and outline."""

from __future__ import annotations

import cv2
import numpy as np

from synthesis.hand import SCALE, Hand, Strip
from synthesis.warp import Wave, smooth_noise

INK_FROM = 24  # of 255: paler pixels are not counted as a line's ink
EDGE_PX = 2.0  # room between ink and polygon


def lay_strip(
    ink: np.ndarray,
    strip: Strip,
    x: float,
    y: float,
    wave: Wave,
    hand: Hand,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Adds a written line to a page's ink, uint8 (H, W), in place, with its baseline from (x, y).

    Returns its baseline and polygon, both float64 (N, 2), px of the page. Parts outside the page
    are cut off, in the ink only.
    """
    high, wide = (side / SCALE for side in strip.ink.shape)
    left, top = strip.origin[0] / SCALE, strip.origin[1] / SCALE
    bend = wave.at(np.arange(int(wide) + 1, dtype=np.float64))
    x0, y0 = int(x - left) - 4, int(y - top + bend.min()) - 4
    shape = (int(high + np.ptp(bend)) + 9, int(wide) + 9)
    reach = hand.jitter * 0.05 * hand.x_height_px
    slide = reach * smooth_noise(rng, *shape, cell_px=1.7 * hand.x_height_px)
    lift = reach * smooth_noise(rng, *shape, cell_px=1.7 * hand.x_height_px)
    columns = np.arange(shape[1], dtype=np.float32)[None, :] + (x0 - x)
    rows = np.arange(shape[0], dtype=np.float32)[:, None] + (y0 - y)
    from_x = ((columns + slide + left) * SCALE).astype(np.float32)
    fall = wave.at(columns).astype(np.float32)
    from_y = ((rows - fall + lift + top) * SCALE).astype(np.float32)
    soft = cv2.GaussianBlur(strip.ink, (3, 3), 0.8)
    part = cv2.remap(soft, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    _add(ink, part, x0, y0)

    points = strip.baseline + (x, y)
    moved = points.copy()
    for _ in range(4):
        column = np.clip(moved[:, 0] - x0, 0, shape[1] - 1).astype(int)
        row = np.clip(moved[:, 1] - y0, 0, shape[0] - 1).astype(int)
        moved[:, 0] = points[:, 0] - slide[row, column]
        moved[:, 1] = points[:, 1] + wave.at(moved[:, 0] - x) - lift[row, column]
    return moved, _outline(part, hand) + (x0, y0)


def _add(ink: np.ndarray, part: np.ndarray, x0: int, y0: int) -> None:
    """Adds part to ink at (x0, y0), in place, as far as it lies on the page."""
    y1, x1 = min(ink.shape[0], y0 + part.shape[0]), min(ink.shape[1], x0 + part.shape[1])
    top, left = max(0, y0), max(0, x0)
    if top < y1 and left < x1:
        target = ink[top:y1, left:x1]
        np.maximum(target, part[top - y0 : y1 - y0, left - x0 : x1 - x0], out=target)


def _outline(part: np.ndarray, hand: Hand) -> np.ndarray:
    """A polygon around all ink of the part that follows its upper and lower edge."""
    inked = part >= INK_FROM
    if not inked.any():
        inked[:] = True
    columns = np.flatnonzero(inked.any(axis=0))
    first, last = int(columns[0]), int(columns[-1]) + 1
    step = max(2.0, hand.x_height_px * 0.8)
    edges = np.linspace(first, last, max(2, round((last - first) / step)) + 1)
    upper, lower = [], []
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        rows = np.flatnonzero(inked[:, int(start) : int(np.ceil(end))].any(axis=1))
        upper.append(float(rows[0]) if rows.size else np.nan)
        lower.append(float(rows[-1]) if rows.size else np.nan)
    top = _reaching(np.array(upper), np.minimum) - EDGE_PX
    bottom = _reaching(np.array(lower), np.maximum) + EDGE_PX
    middles = (edges[:-1] + edges[1:]) / 2
    x = np.concatenate([[first - EDGE_PX], middles, [last + EDGE_PX]])
    above = np.stack([x, np.concatenate([top[:1], top, top[-1:]])], axis=1)
    below = np.stack([x, np.concatenate([bottom[:1], bottom, bottom[-1:]])], axis=1)
    return np.concatenate([above, below[::-1]])


def _reaching(values: np.ndarray, outer: np.ufunc) -> np.ndarray:
    """Each value widened to its neighbours', so that straight edges between them cut no ink."""
    known = np.flatnonzero(~np.isnan(values))
    filled = np.interp(np.arange(len(values)), known, values[known])
    padded = np.pad(filled, 1, mode="edge")
    return outer(outer(padded[:-2], padded[2:]), filled)
