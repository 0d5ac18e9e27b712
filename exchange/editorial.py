"""Text with editorial marks and tags -> pieces nested in each other, for formats that have markup.

Tags come from the file or the editor ("unclear" from character 4, 3 long); marks are in the text
itself, in the Leiden conventions that transcribers use most.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from exchange.records import Tag
from storage import marks

DELETED, SUPPLIED, GAP, UNCLEAR = "deleted", "supplied", "gap", "unclear"
_MARKS = {
    DELETED: marks.DELETED,
    SUPPLIED: marks.SUPPLIED,
    GAP: marks.GAP,
    UNCLEAR: marks.UNCLEAR,
}
MAX_RANGES = 100  # tags, and marks, of a line that are looked at; more would nest without end


@dataclass(frozen=True)
class Piece:
    """A stretch of text, or what a tag encloses; `parts` hold text and further pieces in order."""

    tag: Tag
    parts: tuple[str | Piece, ...] = ()


@dataclass(frozen=True)
class _Range:
    start: int
    end: int
    tag: Tag


def marked_up(text: str, tags: Sequence[Tag], with_marks: bool = True) -> tuple[str | Piece, ...]:
    """Return the text as parts: plain stretches, and pieces for what tags and marks enclose.

    Tags without offset and length, or beyond the text, are left out. Where two overlap, the later
    one is cut in two, so that pieces nest. with_marks: whether marks become pieces; they are then
    no part of the text any more.
    """
    ranges = [one for tag in tags if (one := _range_of(tag, len(text))) is not None][:MAX_RANGES]
    hidden: set[int] = set()
    for name, pattern in _MARKS.items() if with_marks else ():
        for match in islice(pattern.finditer(text), MAX_RANGES):
            ranges.append(_Range(match.start(), match.end(), Tag(name)))
            hidden.update(range(match.start(), match.start(1)))
            hidden.update(range(match.end(1), match.end()))
    ranges.sort(key=lambda one: (one.start, -one.end))
    return _parts(text, 0, len(text), ranges, hidden)


def _range_of(tag: Tag, length: int) -> _Range | None:
    values = dict(tag.values)
    numbers = [values.get(key, "") for key in ("offset", "length")]
    if not all(re.fullmatch(r"[0-9]{1,6}", number) for number in numbers):
        return None
    start, end = int(numbers[0]), int(numbers[0]) + int(numbers[1])
    return _Range(start, end, tag) if start < end <= length else None


def _parts(
    text: str, start: int, end: int, ranges: list[_Range], hidden: set[int]
) -> tuple[str | Piece, ...]:
    """Return the parts of text[start:end]; ranges are sorted and begin inside of it."""
    parts: list[str | Piece] = []
    at = start
    waiting = list(ranges)
    while waiting:
        first = waiting.pop(0)
        _append(parts, text, at, first.start, hidden)
        inner, after = [], []
        for other in waiting:
            if other.start >= first.end:
                after.append(other)
                continue
            inner.append(_Range(other.start, min(other.end, first.end), other.tag))
            if other.end > first.end:
                after.append(_Range(first.end, other.end, other.tag))
        waiting = sorted(after, key=lambda one: (one.start, -one.end))
        within = _parts(text, first.start, first.end, inner, hidden)
        if within or first.tag.name == GAP:  # nothing left of what a mark has hidden
            parts.append(Piece(first.tag, within))
        at = first.end
    _append(parts, text, at, end, hidden)
    return tuple(parts)


def _append(parts: list[str | Piece], text: str, start: int, end: int, hidden: set[int]) -> None:
    shown = "".join(text[at] for at in range(start, end) if at not in hidden)
    if shown:
        parts.append(shown)
