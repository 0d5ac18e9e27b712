"""What kind of line each found line is, told by its place among the others.

Kinds are given only where the page leaves little doubt, so a table or a page in columns has no
margins: a wrong "text" costs nothing, a wrong "margin" puzzles whoever reads the export.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segmentation.vectorise import FoundLine

FEWEST_BODY_LINES = 5
BODY_LENGTH = 0.6  # of the usual length: lines this long make up the body
BODY_SHARE = 0.55  # of the length of all writing: what the body holds at least
NOTE_LENGTH = 0.5  # of the usual length: longest line of a margin note
NOTE_SHARE = 0.25  # of the length of all writing: all notes together
NOTE_COUNT = 0.4  # of the number of body lines: more of them are columns of a table
NOTE_GAP = 0.1  # of the spacing, between the body's edge and a note
INSERTED_LENGTH = 0.6  # of the line below: longest insertion
INSERTED_RISE = (0.2, 0.72)  # of the spacing of the line below: how far above it an insertion is
INSERTED_INSIDE = 0.8  # of the insertion's length that lies over the line below
MOST_TO_UPPER = 1.35  # of the spacing, from the line below to the one above the insertion


def kinds_of(lines: Sequence[FoundLine]) -> list[str]:
    """Return "text", "vertical", "interlinear" or "margin" for each line.

    lines: of a page turned upright, in pixels of that page, without what is set aside.
    """
    kinds = ["vertical" if line.quarter_turns % 2 else "text" for line in lines]
    upright = [k for k, line in enumerate(lines) if line.quarter_turns == 0]
    if len(upright) < 2:
        return kinds
    chosen = [lines[k] for k in upright]
    for place, k in enumerate(upright):
        if _is_inserted(place, chosen):
            kinds[k] = "interlinear"
    body = [line for k, line in zip(upright, chosen, strict=True) if kinds[k] == "text"]
    for k, noted in zip(upright, _in_margin(chosen, body), strict=True):
        if noted and kinds[k] == "text":
            kinds[k] = "margin"
    return kinds


def _in_margin(lines: Sequence[FoundLine], body: Sequence[FoundLine]) -> list[bool]:
    """Whether each line lies beside the block of long lines, on a page that has one such block."""
    nowhere = [False] * len(lines)
    spans = np.array([[line.points[:, 0].min(), line.points[:, 0].max()] for line in body])
    if len(spans) < FEWEST_BODY_LINES:
        return nowhere
    length = spans[:, 1] - spans[:, 0]
    usual = _weighted_median(length, length)
    long = length > BODY_LENGTH * usual
    left, right = np.median(spans[long], axis=0)
    within = long & (np.abs(spans - [left, right]).max(axis=1) < 0.5 * usual)
    if within.sum() < FEWEST_BODY_LINES or length[within].sum() < BODY_SHARE * length.sum():
        return nowhere
    # The body is as wide as nearly all of its lines, so that what hangs out a little is no note.
    edges = np.quantile(spans[within, 0], 0.1), np.quantile(spans[within, 1], 0.9)
    gap = NOTE_GAP * float(np.median([line.spacing_px for line in body]))
    noted = []
    for line in lines:
        first, last = line.points[:, 0].min(), line.points[:, 0].max()
        beside = last < edges[0] - gap or first > edges[1] + gap
        noted.append(bool(beside and last - first < NOTE_LENGTH * usual))
    taken = sum(np.ptp(line.points[:, 0]) for line, note in zip(lines, noted, strict=True) if note)
    few = sum(noted) <= NOTE_COUNT * within.sum() and taken < NOTE_SHARE * length.sum()
    return noted if few else nowhere


def _is_inserted(place: int, lines: Sequence[FoundLine]) -> bool:
    """Whether a short line stands just above a longer one, with the line above that close by."""
    own = lines[place]
    left, right = own.points[:, 0].min(), own.points[:, 0].max()
    level = float(own.points[:, 1].mean())
    below, above = False, False
    for other in lines:
        x, y = other.points.T
        low, high = max(left, x.min()), min(right, x.max())
        if other is own or high <= low or right - left > INSERTED_LENGTH * (x.max() - x.min()):
            continue
        rise = (float(np.interp((low + high) / 2, x, y)) - level) / other.spacing_px
        inside = (high - low) / max(right - left, 1e-6) >= INSERTED_INSIDE
        below |= inside and INSERTED_RISE[0] <= rise <= INSERTED_RISE[1]
        above |= -MOST_TO_UPPER + INSERTED_RISE[0] <= rise <= -INSERTED_RISE[0]
    return below and above


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
