"""Lines of a page -> the order in which a person reads them.

Columns are read one after the other, and a line that spans them before what stands below it: of
two lines that share some width the upper one is first; of two side by side the left one, unless a
line that spans both stands between them, or what stands on the right ends before anything on the
left begins, as a date does above the salutation of a letter.

Source: T. Breuel 2003, "High performance document layout analysis", section on reading order.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np

from segmentation.entries import entries_of
from segmentation.lines import ASIDE, Line

LEVEL = 0.5  # of the spacing: lines whose heights differ by less stand side by side
SHARED_WIDTH = 0.15  # of the narrower line: less is an overhang, not the same column


def reading_order(lines: Sequence[Line], page_width_px: int, page_height_px: int) -> list[int]:
    """Return the indices of `lines` in reading order, every index once.

    Writing from left to right and from top to bottom is assumed, in the direction of most of the
    baselines: a page that lies on its side or upside down is read as if it were turned upright.
    What is written up or down along its sides comes after the text, read in its own direction.
    """
    if len(lines) < 2:
        return list(range(len(lines)))
    each = [_quarter_turns(line) for line in lines]
    total = np.zeros(4)
    for line, turns in zip(lines, each, strict=True):
        total[turns] += math.dist(line.baseline[0], line.baseline[-1])
    main = int(np.argmax(total))
    aside = ((main + 3) % 4, (main + 1) % 4)  # up the page, as most notes run, and down
    order: list[int] = []
    for turns in (main, *aside):
        members = [
            k for k, own in enumerate(each) if own == turns or (turns == main and own not in aside)
        ]
        if not members:
            continue
        curves = [_upright(lines[k], turns, page_width_px, page_height_px) for k in members]
        spacing_px = float(np.median([lines[k].spacing_px for k in members]))
        sure = np.array([lines[k].kind != ASIDE for k in members])
        entries = entries_of(curves, spacing_px, sure)
        if entries is None:
            entries = np.zeros(len(curves), dtype=int)
        for number in np.unique(entries):
            own = np.flatnonzero(entries == number)
            chosen = [curves[k] for k in own]
            before = _precedence(chosen, spacing_px)
            order += [members[own[k]] for k in _sorted_lines(before, chosen)]
    return order


def _quarter_turns(line: Line) -> int:
    """Return how many quarter turns clockwise the line's writing is from upright, 0-3."""
    (x0, y0), (x1, y1) = line.baseline[0], line.baseline[-1]
    return round(math.atan2(y1 - y0, x1 - x0) / (math.pi / 2)) % 4


def _upright(line: Line, turns: int, page_width_px: int, page_height_px: int) -> np.ndarray:
    """Return the baseline (N, 2) sorted by x, on the page turned upright."""
    x, y = np.asarray(line.baseline, dtype=np.float64).reshape(-1, 2).T
    width, height = page_width_px, page_height_px
    x, y = ((x, y), (y, width - x), (width - x, height - y), (height - y, x))[turns]
    return _by_x(np.stack([x, y], axis=1))


def _by_x(points: np.ndarray) -> np.ndarray:
    return points[np.argsort(points[:, 0], kind="stable")]


def _precedence(curves: list[np.ndarray], spacing_px: float) -> np.ndarray:
    """Return (N, N) booleans: whether line a has to be read before line b."""
    left = np.array([curve[0, 0] for curve in curves])
    right = np.array([curve[-1, 0] for curve in curves])
    low, high = np.maximum(left[:, None], left), np.minimum(right[:, None], right)
    narrower = np.minimum((right - left)[:, None], right - left)
    share = high - low > SHARED_WIDTH * narrower
    # heights are compared in the middle of the shared width, as slanted lines demand
    middle = (low + high) / 2
    height = np.stack([np.interp(middle[a], *curve.T) for a, curve in enumerate(curves)])
    index = np.arange(len(curves))
    tie = (height == height.T) & (index[:, None] < index)
    above = share & ((height < height.T) | tie)
    np.fill_diagonal(above, False)
    steps = above.astype(np.float32)
    between = steps @ steps > 0  # some line below a and above b
    centre = left + right
    beside = ~share & (centre[:, None] < centre) & ~between & ~between.T
    heading = _headings(beside, share, np.array([c[:, 1].mean() for c in curves]), spacing_px)
    return above | (beside & ~heading) | heading.T


def _headings(
    beside: np.ndarray, share: np.ndarray, heights: np.ndarray, spacing_px: float
) -> np.ndarray:
    """Return (N, N) booleans: b, to the right of a, is read before it all the same.

    Nothing in the column of a reaches up to b, and nothing in that of b down to a, so that they are
    no columns side by side. beside: whether a is to the left of b. share: whether they share width.
    """
    level = LEVEL * spacing_px
    higher = beside & (heights[None, :] < heights[:, None] - level)
    if not higher.any():
        return higher
    widths = share.astype(np.float32)
    reaches_up = ~share & (heights[:, None] <= heights[None, :] + level)  # (line, b)
    reaches_down = ~share & (heights[:, None] >= heights[None, :] - level)  # (line, a)
    left_reaches = widths.T @ (reaches_up & beside) > 0  # (a, b)
    right_reaches = (reaches_down & beside.T).astype(np.float32).T @ widths > 0  # (a, b)
    return higher & ~left_reaches & ~right_reaches


def _sorted_lines(before: np.ndarray, curves: list[np.ndarray]) -> list[int]:
    """Return the lines sorted so that `before` holds; the uppermost first where it leaves a choice.

    Where lines wait for one another in a ring, the one that waits for the fewest goes first.
    """
    position = [(float(c[:, 1].mean()), float(c[0, 0]), k) for k, c in enumerate(curves)]
    waiting = before.sum(axis=0)
    ready = [position[k] for k in np.flatnonzero(waiting == 0)]
    heapq.heapify(ready)
    unread = np.ones(len(curves), dtype=bool)
    order: list[int] = []
    while len(order) < len(curves):
        if ready:
            line = heapq.heappop(ready)[2]
        else:
            left = np.flatnonzero(unread)
            line = int(min(left, key=lambda k: (waiting[k], position[k])))
        if not unread[line]:
            continue
        unread[line] = False
        order.append(line)
        freed = np.flatnonzero(before[line] & unread)
        waiting[freed] -= 1
        for k in freed[waiting[freed] == 0]:
            heapq.heappush(ready, position[k])
    return order
