"""Which found lines belong to the facing page: cut off by the image's side, beyond a gutter.

Photographs and scans of bound volumes show a strip of the neighbouring page. What is written there
is no line of this page, though the network sees writing. It is told by where it lies alone: several
lines run out of the image at one side, they are much shorter than those of the page itself, and an
empty strip parts the two. A page whose own writing is cut off has no such strip; both pages
of an open book have lines of like length. Neither is touched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segmentation.vectorise import FoundLine

AT_BORDER = 0.6  # of the spacing: a line that comes this near to the image's side is cut off by it
OVER_STRIP = 0.5  # of the spacing: how far single lines may reach over the edge of their strip
GUTTER = 0.9  # of the spacing: least empty width between the strip and the lines beside it
FEWEST_CUT = 3  # lines cut off: one or two may be a flourish or a page number
CUT_SHARE = 0.5  # of the strip's lines that are cut off
NARROW = 0.6  # of the page's own line length: longest strip
OWN_SHARE = 1.5  # length of the page's own lines over that of the strip's


def facing_page(lines: Sequence[FoundLine], width_px: int) -> list[bool]:
    """Whether each line lies on the facing page; a note along the side of the page never does.

    lines: of a page turned upright, in pixels of that page. width_px: of that page.
    """
    upright = [line for line in lines if line.quarter_turns % 2 == 0]
    found = iter(_facing(upright, width_px))
    return [line.quarter_turns % 2 == 0 and next(found) for line in lines]


def _facing(lines: Sequence[FoundLine], width_px: int) -> list[bool]:
    facing = np.zeros(len(lines), bool)
    if len(lines) < 2 * FEWEST_CUT:
        return facing.tolist()
    box = np.array([[*line.points.min(0), *line.points.max(0)] for line in lines])
    spacing = float(np.median([line.spacing_px for line in lines]))
    left, right = box[:, 0], box[:, 2]
    facing |= _strip(left, right, box[:, [1, 3]], spacing)
    facing |= _strip(width_px - right, width_px - left, box[:, [1, 3]], spacing)
    return facing.tolist()


def _strip(near: np.ndarray, far: np.ndarray, heights: np.ndarray, spacing: float) -> np.ndarray:
    """Lines of the strip at one side of the image; near, far: their ends' distances from it."""
    none = np.zeros(len(near), bool)
    length = far - near
    cut = near < AT_BORDER * spacing
    own = length[~cut]
    if cut.sum() < FEWEST_CUT or len(own) < FEWEST_CUT:
        return none
    usual = _long_length(own)
    cut &= far < NARROW * usual
    if cut.sum() < FEWEST_CUT:
        return none
    edge = float(far[cut].max())
    strip = far <= edge + OVER_STRIP * spacing
    beyond = ~strip
    if cut[strip].mean() < CUT_SHARE or length[beyond].sum() < OWN_SHARE * length[strip].sum():
        return none
    # Lines of the page beside the strip have to keep away from it, all but a few strays.
    beside = beyond & (heights[:, 1] > heights[strip, 0].min() - spacing)
    beside &= heights[:, 0] < heights[strip, 1].max() + spacing
    gap = near[beside] - edge
    if (gap < GUTTER * spacing).sum() > 0.1 * len(gap):
        return none
    return strip


def _long_length(lengths: np.ndarray) -> float:
    """Median length of the lines, weighed by their length: that of the text, not of its notes."""
    order = np.sort(lengths)
    total = np.cumsum(order)
    return float(order[np.searchsorted(total, total[-1] / 2)])
