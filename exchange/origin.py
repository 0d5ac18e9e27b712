"""What a file says of a page and storage has no table for <-> JSON values, and back onto the page.

Regions, types in the words of the file, identifiers, tags, places and confidences of words: kept
when a page comes in, and said again when it goes out, as long as they still hold. A tag follows
its words when the text of its line has changed; places of words are forgotten then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

from exchange.errors import ExchangeError
from exchange.kinds import stored_kind
from exchange.records import Character, PageDocument, Points, Region, Tag, TextLine, Word

VERSION = 1
MAX_FOLLOWED = 2000  # characters of a text whose tags are moved along
_PLACE = ("offset", "length")  # values of a tag that count characters


def origin_of(page: PageDocument, line_ids: Sequence[int]) -> dict[str, Any]:
    """Return as JSON values what is said of a page; line_ids: the stored numbers of its lines."""
    return {
        "version": VERSION,
        "regions": [
            [region.id, _points(region.polygon), region.kind, region.content, region.parent_id,
             _tags(region.tags)]
            for region in page.regions
        ],
        "lines": {
            str(line_id): [line.id, line.kind, line.region_id, _tags(line.tags), line.text,
                           line.confidence, [_word(word) for word in line.words]]
            for line_id, line in zip(line_ids, page.lines, strict=True)
        },
    }  # fmt: skip


def with_origin(
    page: PageDocument,
    origin: Mapping[str, Any],
    line_ids: Sequence[int],
    as_found: Sequence[bool],
) -> PageDocument:
    """Return a stored page with what its file had said of it.

    line_ids: the stored number of each line of the page. as_found: for each line, whether its
    geometry is still that of the file.

    Raises: ExchangeError for an origin that this program has not written.
    """
    if not origin:
        return page
    try:
        if origin["version"] != VERSION:
            raise ValueError("its version is unknown")
        regions = tuple(_region(values) for values in origin["regions"])
        known = {region.id: region for region in regions}
        lines = tuple(
            _line(line, origin["lines"].get(str(line_id)), known, found)
            for line, line_id, found in zip(page.lines, line_ids, as_found, strict=True)
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ExchangeError(
            f"What is kept of the file of {page.image_name!r} is damaged: {error}. Restore the "
            "database from a backup."
        ) from error
    return replace(page, regions=regions, lines=lines)


def _line(line: TextLine, values: Any, regions: Mapping[str, Region], as_found: bool) -> TextLine:
    """Return a stored line with what its file had said of it; unchanged where it had none."""
    if values is None:
        return line
    line_id, kind, region_id, tags, text, confidence, words = values
    region = regions.get(region_id)
    same_kind = stored_kind(kind, region.kind if region else "") == stored_kind(line.kind)
    same_text = line.text == text
    return replace(
        line,
        id=_text(line_id),
        kind=_text(kind) if same_kind else line.kind,
        region_id=region.id if region else "",
        tags=_moved_tags(_read_tags(tags), _text(text), line.text),
        words=tuple(_read_word(w) for w in words) if words and same_text and as_found
        else line.words,
        # 0: an imported reading of which nobody said how sure it is
        confidence=line.confidence or _number(confidence) if same_text else line.confidence,
    )  # fmt: skip


def _moved_tags(tags: tuple[Tag, ...], before: str, after: str) -> tuple[Tag, ...]:
    """Return the tags with the places of their characters in the text as it is now."""
    if before == after or not any(key in _PLACE for tag in tags for key, _ in tag.values):
        return tags
    if max(len(before), len(after)) > MAX_FOLLOWED:
        return tags
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    ends = [0] * (len(before) + 1)
    for _, first, last, start, end in matcher.get_opcodes():
        for position in range(first, last + 1):
            share = (position - first) / (last - first) if last > first else 1
            ends[position] = start + round(share * (end - start))
    return tuple(_moved_tag(tag, ends, len(after)) for tag in tags)


def _moved_tag(tag: Tag, ends: Sequence[int], length: int) -> Tag:
    values = dict(tag.values)
    try:
        start = int(values["offset"])
        stop = start + int(values["length"])
    except (KeyError, ValueError):
        return tag
    if not 0 <= start <= stop < len(ends):
        return tag
    moved = {"offset": str(ends[start]), "length": str(min(length, ends[stop]) - ends[start])}
    return Tag(tag.name, tuple((key, moved.get(key, value)) for key, value in tag.values))


def _points(points: Points) -> list[list[float]]:
    return [[x, y] for x, y in points]


def _tags(tags: Sequence[Tag]) -> list[Any]:
    return [[tag.name, [list(pair) for pair in tag.values]] for tag in tags]


def _word(word: Word) -> list[Any]:
    characters = [[c.text, _points(c.polygon), c.confidence] for c in word.characters]
    return [word.text, _points(word.polygon), word.confidence, word.full_text, word.hyphen_part,
            characters]  # fmt: skip


def _region(values: Any) -> Region:
    region_id, polygon, kind, content, parent_id, tags = values
    return Region(
        _text(region_id), _read_points(polygon), _text(kind), _text(content), _text(parent_id),
        _read_tags(tags),
    )  # fmt: skip


def _read_word(values: Any) -> Word:
    text, polygon, confidence, full_text, hyphen_part, characters = values
    return Word(
        text=_text(text),
        polygon=_read_points(polygon),
        confidence=_number(confidence),
        characters=tuple(
            Character(_text(one), _read_points(points), _number(sure))
            for one, points, sure in characters
        ),
        full_text=_text(full_text),
        hyphen_part=int(hyphen_part),
    )


def _read_points(values: Any) -> Points:
    return tuple((float(x), float(y)) for x, y in values)


def _read_tags(values: Any) -> tuple[Tag, ...]:
    return tuple(
        Tag(_text(name), tuple((_text(key), _text(value)) for key, value in pairs))
        for name, pairs in values
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.40} is no text")
    return value


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
