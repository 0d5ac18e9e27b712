"""Notes written along the edge of an upright page, up or down it: found where ink is unexplained.

The network follows writing that runs to the right and draws little on what stands on its side. So
the ink that none of its lines account for is gathered into upright bars, and only these are looked
at again, turned both ways; most pages have none, and their price is that of gathering the ink.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from segmentation.ink import ink_map
from segmentation.lines import ASIDE
from segmentation.vectorise import FoundLine, turned_back

WORKING_SPACING_PX = 12.0  # ink is gathered on the page made so small
INK = 0.35  # of the ink map: darker is ink
ABOVE, BELOW, BEYOND = 1.0, 0.6, 0.3  # of the spacing: the ink that a line accounts for
EXPLAINING = 3.0  # of the spacing: a shorter line may be a piece of a note's letters
SOLID = 0.6  # of the spacing: ink as wide and as tall as this is no writing but a border or a stain
RULE = 4.0  # of the spacing: straight strokes as long as this are rules
WORD_GAP = 0.9  # of the spacing: gaps along a note that are closed
LEAST_LENGTH = 3.0  # of the spacing: shorter bars are not looked at
MOST_WIDTH = 5.0  # of the spacing
LEAST_WIDTH = 0.25  # of the spacing: narrower ones are rules
MOST_SPACING = 1.7  # of the page's: notes are rather written smaller; seals have wider lines
MARGIN = 1.0  # of the spacing: paper around what is looked at
MOST_LOOKED_AT = 0.2  # of the page: longest bars first
LEAST_CONFIDENCE = 0.6
CROSSED = 1 / 3  # of the lines beside a note: most that may run through it
FEWEST_UPRIGHT = 2  # lines of an upright page

Look = Callable[[np.ndarray], list[FoundLine]]  # gray picture -> its lines


@dataclass(frozen=True)
class Bar:
    """A part of the page that may hold a note: its sides in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def with_side_notes(gray: np.ndarray, found: Sequence[FoundLine], look: Look) -> list[FoundLine]:
    """The lines of an upright page and the notes along its sides that were not among them.

    gray: uint8 (H, W). look: finds the lines that run to the right in a part of the page. What was
    set aside and turns out to be letters of a note is left out; so is what the page itself showed
    of a note, if the closer look shows as much of it or more.
    """
    upright = [line for line in found if line.quarter_turns == 0 and line.kind != ASIDE]
    if len(upright) < FEWEST_UPRIGHT:
        return list(found)
    spacing = float(np.median([line.spacing_px for line in upright]))
    seen = [
        note for bar in bars(gray, upright, spacing) for note in _notes_in(gray, bar, spacing, look)
    ]
    # Figures one above the other look like a note, but each of them was found upright; so do the
    # first letters of lines far apart, but the lines run through them.
    notes = [
        note
        for note in seen
        if not any(_lies_on(line, note) for line in upright) and not _is_crossed(note, upright)
    ]
    standing = [line for line in found if line.quarter_turns % 2 and line.kind != ASIDE]
    notes = [
        note
        for note in notes
        if not any(_is_within(note, line) and _length(line) > _length(note) for line in standing)
    ]

    def is_of_a_note(line: FoundLine) -> bool:
        if line.kind == ASIDE:
            return any(_lies_on(line, note) for note in notes)
        return bool(line.quarter_turns % 2) and any(_is_within(line, note) for note in notes)

    return [*(line for line in found if not is_of_a_note(line)), *notes]


def bars(gray: np.ndarray, lines: Sequence[FoundLine], spacing_px: float) -> list[Bar]:
    """Where upright bars of ink stand that none of the lines account for, the longest first.

    gray: uint8 (H, W). lines: those found on it. spacing_px: their usual spacing.
    """
    height, width = gray.shape
    scale = min(1.0, WORKING_SPACING_PX / spacing_px)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    spacing = spacing_px * scale
    ink = (ink_map(small, spacing) > INK).astype(np.uint8)
    _account_for(ink, lines, scale)
    _take_out_solid(ink, spacing)
    tall = np.ones((max(1, round(WORD_GAP * spacing)), max(1, round(0.3 * spacing))), np.uint8)
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, tall)
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    margin = MARGIN * spacing
    room = MOST_LOOKED_AT * size[0] * size[1]
    chosen = []
    for k in sorted(range(1, count), key=lambda k: -stats[k, cv2.CC_STAT_HEIGHT]):
        left, top, wide, tall_px, _ = stats[k]
        if tall_px < LEAST_LENGTH * spacing:
            break
        if not LEAST_WIDTH * spacing <= wide <= min(MOST_WIDTH * spacing, tall_px / 1.5):
            continue
        box = (left - margin, top - margin, left + wide + margin, top + tall_px + margin)
        room -= (box[2] - box[0]) * (box[3] - box[1])
        if room < 0:
            break
        chosen.append(box)
    return [_on_page(box, scale, width, height) for box in _united(chosen)]


def _account_for(ink: np.ndarray, lines: Sequence[FoundLine], scale: float) -> None:
    """Take the ink of the lines out of the map of ink (H, W), in place."""
    for line in lines:
        spacing = line.spacing_px * scale
        points = line.points * scale
        length = float(np.hypot(*(points[-1] - points[0])))
        if length < EXPLAINING * spacing:
            continue
        along = (points[-1] - points[0]) / max(length, 1e-6)
        points = points.copy()
        points[0] -= along * BEYOND * spacing
        points[-1] += along * BEYOND * spacing
        up = np.array([along[1], -along[0]])
        ring = np.concatenate(
            [points + up * ABOVE * spacing, (points - up * BELOW * spacing)[::-1]]
        )
        cv2.fillPoly(ink, [np.round(ring).astype(np.int32)], 0)


def _take_out_solid(ink: np.ndarray, spacing_px: float) -> None:
    """Take what is too thick or too straight for writing out of the map of ink, in place."""
    thick, long = max(2, round(SOLID * spacing_px)), max(2, round(RULE * spacing_px))
    for size in ((thick, thick), (long, 1), (1, long)):
        solid = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones(size, np.uint8))
        ink[cv2.dilate(solid, np.ones((3, 3), np.uint8)) > 0] = 0


def _united(boxes: Sequence[tuple[float, float, float, float]]) -> list[tuple[float, ...]]:
    """The boxes, those that overlap put together."""
    left = [list(box) for box in boxes]
    done: list[tuple[float, ...]] = []
    while left:
        box = left.pop()
        for other in left:
            apart = other[0] > box[2] or other[2] < box[0] or other[1] > box[3] or other[3] < box[1]
            if not apart:
                other[:2] = [min(other[k], box[k]) for k in (0, 1)]
                other[2:] = [max(other[k], box[k]) for k in (2, 3)]
                break
        else:
            done.append(tuple(box))
    return done


def _on_page(box: Sequence[float], scale: float, width_px: int, height_px: int) -> Bar:
    left, top, right, bottom = (value / scale for value in box)
    return Bar(
        max(0, int(left)),
        max(0, int(top)),
        min(width_px, int(right) + 1),
        min(height_px, int(bottom) + 1),
    )


def _notes_in(gray: np.ndarray, bar: Bar, spacing_px: float, look: Look) -> list[FoundLine]:
    """The notes of a bar, read up or down the page, whichever the network is surer of."""
    part = gray[bar.top : bar.bottom, bar.left : bar.right]
    height, width = part.shape
    ways = []
    for turns in (3, 1):
        found = look(np.ascontiguousarray(np.rot90(part, turns)))
        notes = [line for line in found if _is_note(line, spacing_px)]
        ways.append([turned_back(line, turns, width, height) for line in notes])
    best = max(ways, key=_sureness)
    corner = np.array([bar.left, bar.top], float)
    # Without lines beside it the network takes a note's spacing for larger than it is.
    return [
        replace(line, points=line.points + corner, spacing_px=min(line.spacing_px, spacing_px))
        for line in best
    ]


def _is_note(line: FoundLine, spacing_px: float) -> bool:
    return (
        line.quarter_turns == 0
        and line.kind != ASIDE
        and line.confidence >= LEAST_CONFIDENCE
        and line.spacing_px <= MOST_SPACING * spacing_px
        and _length(line) >= LEAST_LENGTH * min(spacing_px, line.spacing_px)
    )


def _sureness(lines: Sequence[FoundLine]) -> float:
    """Mean log odds along the lines; without any, less than that of any line."""
    if not lines:
        return -math.inf
    lengths = np.array([_length(line) for line in lines])
    sure = np.clip([line.confidence for line in lines], 0.01, 0.9999)
    return float((lengths * np.log(sure / (1 - sure))).sum() / lengths.sum())


def _length(line: FoundLine) -> float:
    return float(np.hypot(*np.diff(line.points, axis=0).T).sum())


def _lies_on(line: FoundLine, note: FoundLine) -> bool:
    """Whether a short line stands where a note is written."""
    return _length(line) < EXPLAINING * line.spacing_px and _is_within(line, note)


def _is_within(line: FoundLine, note: FoundLine) -> bool:
    """Whether the middle of a line lies where a note is written."""
    at = line.points.mean(axis=0)
    reach = 0.8 * note.spacing_px
    return bool(
        (note.points.min(axis=0) - reach <= at).all()
        and (at <= note.points.max(axis=0) + reach).all()
    )


def _is_crossed(note: FoundLine, lines: Sequence[FoundLine]) -> bool:
    """Whether many of the lines at the note's height run through it instead of standing beside."""
    x = note.points[:, 0].mean()
    top, bottom = note.points[:, 1].min(), note.points[:, 1].max()
    beside = [line.points for line in lines if top <= line.points[:, 1].mean() <= bottom]
    through = sum(bool(points[:, 0].min() <= x <= points[:, 0].max()) for points in beside)
    return through > CROSSED * len(beside)
