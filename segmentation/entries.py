"""Registers: tables whose rows are entries, each with a number or a date at its left.

A register is read entry by entry: number, date, kind of deed, names over several lines, fee. Column
by column, as prose is, the numbers of all entries would come first and their fees last.
"""

from __future__ import annotations

import math

import numpy as np

# All in spacings of the lines, measured from one line to the next: cells have none of their own.
KEY_WIDTH = 4.0  # widest number or date that begins an entry
CELL_WIDTH = 4.5  # widest cell beside it that shows that this is a table
TEXT_WIDTH = 5.0  # narrowest line of the entry's text
LEVEL = 0.6  # how far the cells of a row may differ in height
COLUMN = 2.0  # how far the keys of a column may stand from its middle
REACH = 0.5  # how far above its key an entry may begin
KEYS_LEAST = 4  # fewer are no register
ROWS_SHARE = 0.6  # of the keys: so many stand at the beginning of a row
TEXT_SHARE = 0.4  # of the keys: so many have text in their row
ACROSS_SHARE = 0.25  # of the keys: so many wide lines may cross their column, as headings do


def entries_of(curves: list[np.ndarray], spacing_px: float, sure: np.ndarray) -> np.ndarray | None:
    """Return which entry each line is of, (N,) from 1, 0 above the first; None: no register.

    curves: baselines (N, 2) of an upright page, sorted by x. sure: (N,) booleans; what is doubtful
    belongs to an entry, but does not tell that there are any.
    """
    if len(curves) < 3 * KEYS_LEAST or spacing_px <= 0:
        return None
    left, right, height = _straightened(curves, spacing_px)
    spacing_px = min(spacing_px, _pitch(left, right, height))
    width = (right - left) / spacing_px
    level = np.abs(height[:, None] - height) < LEVEL * spacing_px
    follows = level & (left[None, :] > right[:, None] - spacing_px / 2)  # (key, line beside it)
    np.fill_diagonal(follows, False)
    follows &= sure
    in_row = follows.sum(1) >= 2
    in_row &= (follows & (width <= CELL_WIDTH)).any(1)
    has_text = (follows & (width >= TEXT_WIDTH)).any(1)
    narrow = (width <= KEY_WIDTH) & sure
    centre = (left + right) / 2
    for seed in sorted(np.flatnonzero(narrow & in_row), key=lambda k: centre[k]):
        middle = np.median(centre[narrow & in_row & _near(centre, centre[seed], spacing_px)])
        keys = np.flatnonzero(narrow & _near(centre, middle, spacing_px))
        if len(keys) < KEYS_LEAST:
            continue
        across = (
            (left < middle)
            & (right > middle)
            & (width > KEY_WIDTH)
            & (height >= height[keys].min())
        )
        if across.sum() > ACROSS_SHARE * len(keys):
            continue
        if in_row[keys].mean() >= ROWS_SHARE and has_text[keys].mean() >= TEXT_SHARE:
            starts = np.sort(height[keys])
            starts = starts[np.diff(starts, prepend=-np.inf) > LEVEL * spacing_px]
            return np.searchsorted(starts, height + REACH * spacing_px)
    return None


def _near(centre: np.ndarray, middle: float, spacing_px: float) -> np.ndarray:
    return np.abs(centre - middle) <= COLUMN * spacing_px


def _straightened(
    curves: list[np.ndarray], spacing_px: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where lines begin and end, and how low they are, with the page's skew taken out."""
    ends = np.array([(curve[0], curve[-1]) for curve in curves])  # (N, begin or end, x or y)
    run, rise = (ends[:, 1] - ends[:, 0]).T
    long = run > TEXT_WIDTH * spacing_px
    slope = float(np.median(rise[long] / run[long])) if long.any() else 0.0
    x, y = ends.mean(1).T
    shift = slope * y
    return ends[:, 0, 0] + shift, ends[:, 1, 0] + shift, y - slope * x


def _pitch(left: np.ndarray, right: np.ndarray, height: np.ndarray) -> float:
    """Return the median distance of lines to the next one below that they share width with."""
    low, high = np.maximum(left[:, None], left), np.minimum(right[:, None], right)
    share = high - low > 0.5 * np.minimum((right - left)[:, None], right - left)
    below = height[None, :] - height[:, None]
    below = np.where(share & (below > 0), below, np.inf).min(1)
    found = below[np.isfinite(below)]
    return float(np.median(found)) if len(found) else math.inf
