"""Lists of points as the files write them, read with suspicion, and written as whole pixels."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from exchange.records import Point, Points
from exchange.xml_input import MAX_VALUE

MAX_POINTS = 10_000  # as many as storage keeps for a line
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
_BETWEEN = re.compile(r"[\s,;()]*")  # ALTO leaves the separators open; all of these are seen


def parse_numbers(text: str) -> list[float] | None:
    """Return the numbers of a list; None if anything else is in it, or far too many are."""
    numbers: list[float] = []
    at = 0
    while at < len(text):
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
        if at == len(text):
            break
        found = _NUMBER.match(text, at)
        if found is None or len(numbers) >= 2 * MAX_POINTS:
            return None
        value = float(found.group())
        if not abs(value) < MAX_VALUE:
            return None
        numbers.append(value)
        at = found.end()
    return numbers


def parse_points(text: str) -> Points | None:
    """Return the points of "x,y x,y", "x y x y" or the like; None if it is no list of points."""
    numbers = parse_numbers(text)
    if numbers is None or len(numbers) % 2:
        return None
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def rectangle(left: float, top: float, width: float, height: float) -> Points:
    """Return the corners of a box, from its upper left one clockwise."""
    right, bottom = left + width, top + height
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def bounds(points: Iterable[Point]) -> tuple[float, float, float, float] | None:
    """Return left, top, right and bottom of all the points; None without points."""
    points = list(points)
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def length_px(points: Sequence[Point]) -> float:
    """Return the length of the way along the points."""
    return sum(math.dist(a, b) for a, b in zip(points, points[1:], strict=False))


def is_baseline(points: Sequence[Point] | None) -> bool:
    """Return whether these points can be a baseline: two or more, and some way between them."""
    return points is not None and len(points) >= 2 and length_px(points) > 0


def whole_points(points: Sequence[Point], width: float, height: float) -> list[tuple[int, int]]:
    """Return the points in whole pixels inside the image, within half a pixel of where they were.

    Whole, because several programs of the field cut decimals off or refuse them; inside, because
    PAGE asks for it. width, height: 0 for an image of unknown size, which has no far edge.
    """
    right, bottom = width or MAX_VALUE, height or MAX_VALUE
    return [(round(min(max(x, 0.0), right)), round(min(max(y, 0.0), bottom))) for x, y in points]
