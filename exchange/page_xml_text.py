"""Texts and places of the lines, words and glyphs of PAGE XML."""

from __future__ import annotations

import re

from exchange.custom import parse_custom, tag_value
from exchange.points import parse_points
from exchange.records import Character, Points, Word
from exchange.xml_input import (
    Element,
    child,
    children,
    confidence,
    content,
    integer,
    number,
)

_SPACES = re.compile(r"\s*[\r\n\t]\s*")


def text_of(element: Element, text_index: int | None) -> tuple[str, float | None]:
    """Return the text of a line, word or glyph, and its confidence.

    text_index: which of several TextEquiv counts, by its `index`; None, or where no index is like
    it: the one with the lowest index, else the first.
    """
    choices = list(children(element, "TextEquiv"))
    if not choices:
        return "", None
    chosen = min(choices, key=lambda one: integer(one, "index") or 0)
    for one in choices:
        if text_index is not None and integer(one, "index") == text_index:
            chosen = one
            break
    for part in ("Unicode", "PlainText"):
        text = _one_line(content(child(chosen, part)))
        if text:
            return text, confidence(chosen, "conf")
    return "", confidence(chosen, "conf")


def words_of(element: Element, text_index: int | None) -> tuple[Word, ...]:
    """Return the words of a line with their characters; `text_index` as for `text_of`."""
    words = []
    for word in children(element, "Word"):
        text, word_confidence = text_of(word, text_index)
        glyphs = tuple(
            Character(glyph_text, points_of(child(glyph, "Coords")) or (), glyph_confidence)
            for glyph in children(word, "Glyph")
            for glyph_text, glyph_confidence in (text_of(glyph, text_index),)
        )
        tags = parse_custom(word.get("custom"))
        part = tag_value(tags, "hyphenation", "part") or ""
        words.append(
            Word(
                text=text or "".join(glyph.text for glyph in glyphs),
                polygon=points_of(child(word, "Coords")) or (),
                confidence=word_confidence,
                characters=glyphs,
                full_text=tag_value(tags, "hyphenation", "expansion")
                or tag_value(tags, "abbrev", "expansion")
                or "",
                hyphen_part=int(part) if part in ("1", "2") else 0,
            )
        )
    return tuple(word for word in words if word.text.strip())  # kraken has words of a space


def points_of(element: Element | None) -> Points | None:
    """Return the points of Coords or Baseline, also where each is an element of its own."""
    if element is None:
        return None
    if element.get("points") is not None:
        return parse_points(element.get("points"))
    pairs = [(number(one, "x"), number(one, "y")) for one in children(element, "Point")]
    return tuple((x, y) for x, y in pairs if x is not None and y is not None)


def _one_line(text: str) -> str:
    """Return the text without line breaks and tabs, which are the file's layout."""
    return _SPACES.sub(" ", text).strip() if _SPACES.search(text) else text
