"""Where the characters of a line stand on the page, from where they stand in the line's crop.

A machine's reading says which columns of the straightened crop each character takes. Text that a
person has corrected is aligned to that reading: what stayed keeps its place, what changed shares
the place of what it replaced.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

from exchange.outlines import ABOVE_BASELINE, BELOW_BASELINE
from exchange.points import length_px
from exchange.records import Character, Point, Points, Word

BEYOND_ENDS = 0.25  # of the line spacing: how far a crop goes on at both ends of the baseline
MAX_ALIGNED = 2000  # characters; a longer text gets no places, as aligning it takes too long


@dataclass(frozen=True)
class Span:
    """One character and the columns that it takes; its confidence if the machine read just it."""

    text: str
    confidence: float | None
    start: float
    end: float


def placed_words(
    text: str, read: Sequence[Span], crop_width: float, baseline: Points, spacing_px: float
) -> tuple[Word, ...]:
    """Return the words of a text with the places of their characters on the page.

    read: what a machine read, in columns of a crop that is `crop_width` wide; the text may differ.
    Empty if nothing was read, or if the line has no length.
    """
    if not read or crop_width <= 0 or not text.strip() or len(text) > MAX_ALIGNED:
        return ()
    if spacing_px <= 0 or length_px(baseline) <= 0:
        return ()
    path = BaselinePath(baseline, spacing_px)
    total = path.length + 2 * BEYOND_ENDS * spacing_px

    def at(column: float) -> float:
        return column / crop_width * total - BEYOND_ENDS * spacing_px

    words = []
    for is_space, group in groupby(aligned(text, read), lambda span: span.text == " "):
        spans = list(group)
        if is_space:
            continue
        characters = tuple(
            Character(span.text, path.band(at(span.start), at(span.end)), span.confidence)
            for span in spans
        )
        known = [span.confidence for span in spans if span.confidence is not None]
        words.append(
            Word(
                text="".join(span.text for span in spans),
                polygon=path.band(at(spans[0].start), at(spans[-1].end)),
                confidence=sum(known) / len(known) if len(known) == len(spans) else None,
                characters=characters,
            )
        )
    return tuple(words)


def aligned(text: str, read: Sequence[Span]) -> list[Span]:
    """Return a span for each character of the text, in order.

    Characters that are in the reading, too, keep their columns and confidence. Those that replace
    others share their columns evenly; inserted ones take from the middle of the character before
    to the middle of the one after.
    """
    matcher = SequenceMatcher(None, [span.text for span in read], list(text), autojunk=False)
    spans: list[Span] = []
    for what, first, last, start, end in matcher.get_opcodes():
        if what == "equal":
            spans += read[first:last]
        elif what == "replace":
            spans += _shared(text[start:end], read[first].start, read[last - 1].end)
        elif what == "insert":
            before = _middle(read[first - 1]) if first else 0.0
            after = _middle(read[first]) if first < len(read) else read[-1].end
            spans += _shared(text[start:end], before, max(before, after))
    return spans


def _shared(text: str, start: float, end: float) -> list[Span]:
    step = (end - start) / len(text)
    return [
        Span(character, None, start + number * step, start + (number + 1) * step)
        for number, character in enumerate(text)
    ]


def _middle(span: Span) -> float:
    return (span.start + span.end) / 2


class BaselinePath:
    """A baseline by the way along it, carried on straight at both ends as crops are."""

    def __init__(self, baseline: Points, spacing_px: float) -> None:
        """Follow a baseline that has some length; spacing_px: of its line, above 0."""
        steps = [a for a, b in zip(baseline, baseline[1:], strict=False) if a != b]
        self.points = [*steps, baseline[-1]]
        self.spacing_px = spacing_px
        self.reached = [0.0]
        for a, b in zip(self.points, self.points[1:], strict=False):
            self.reached.append(self.reached[-1] + math.dist(a, b))
        self.length = self.reached[-1]

    def band(self, start: float, end: float) -> Points:
        """Return the part of the line between two distances along it, as high as a crop is."""
        upper, lower = [], []
        for distance in (start, end):
            (x, y), (dx, dy) = self.at(distance), self._direction(distance)
            above, below = ABOVE_BASELINE * self.spacing_px, BELOW_BASELINE * self.spacing_px
            upper.append((x + dy * above, y - dx * above))
            lower.append((x - dy * below, y + dx * below))
        return (*upper, *reversed(lower))

    def nearest(self, point: Point) -> float:
        """Return the distance along the line of its point that is nearest; beyond its ends, too."""
        best = (math.inf, 0.0)
        for number, (a, b) in enumerate(zip(self.points, self.points[1:], strict=False)):
            length = self.reached[number + 1] - self.reached[number]
            share = (
                (point[0] - a[0]) * (b[0] - a[0]) + (point[1] - a[1]) * (b[1] - a[1])
            ) / length**2
            low = -math.inf if number == 0 else 0.0
            high = math.inf if number == len(self.points) - 2 else 1.0
            share = min(max(share, low), high)
            foot = (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]))
            best = min(best, (math.dist(foot, point), self.reached[number] + share * length))
        return best[1]

    def at(self, distance: float) -> Point:
        """Return the point at a distance along the line."""
        inner = min(max(distance, 0.0), self.length)
        part = min(bisect.bisect_right(self.reached, inner), len(self.points) - 1)
        (x0, y0), (x1, y1) = self.points[part - 1], self.points[part]
        share = (inner - self.reached[part - 1]) / (self.reached[part] - self.reached[part - 1])
        x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
        if distance != inner:
            dx, dy = self._direction(inner)
            x, y = x + (distance - inner) * dx, y + (distance - inner) * dy
        return x, y

    def _direction(self, distance: float) -> Point:
        """Return the direction of writing there, averaged over one line spacing."""
        half = min(self.spacing_px, self.length) / 2
        middle = min(max(distance, half), self.length - half)
        # within the line, whatever rounding says: beyond it `at` would ask here again, forever
        start, end = max(0.0, middle - half), min(self.length, middle + half)
        (x0, y0), (x1, y1) = self.at(start), self.at(end)
        norm = math.hypot(x1 - x0, y1 - y0)
        return ((x1 - x0) / norm, (y1 - y0) / norm) if norm else (1.0, 0.0)
