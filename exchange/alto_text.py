"""Texts and places of the lines and words of ALTO."""

from __future__ import annotations

from dataclasses import replace

from exchange.points import is_baseline, parse_numbers, parse_points, rectangle
from exchange.records import Character, Points, Word
from exchange.xml_input import Element, child, children, confidence, local_name, number

SOFT_HYPHEN = "\u00ad"  # what some files put for the hyphen that stands on the page


def box_of(element: Element) -> Points:
    """Return the corners of HPOS, VPOS, WIDTH and HEIGHT; empty where one is missing."""
    left, top, width, height = (
        number(element, name) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT")
    )
    if left is None or top is None or width is None or height is None:
        return ()
    return rectangle(left, top, width, height) if width >= 0 and height >= 0 else ()


def outline(element: Element) -> Points:
    """Return the polygon of an element, else its box; empty where it has neither."""
    polygon = child(element, "Shape", "Polygon")
    points = parse_points(polygon.get("POINTS") or "") if polygon is not None else None
    return points if points is not None and len(points) >= 3 else box_of(element)


def baseline_of(line: Element, polygon: Points) -> Points | None:
    """Return the baseline of a TextLine, None where it has none.

    Up to ALTO 4.1 it is one number, how far down it lies, and goes as far as the line does.
    """
    text = line.get("BASELINE") or ""
    points = parse_points(text)
    if points is not None and is_baseline(points):
        return points
    numbers = parse_numbers(text) or []
    if len(numbers) not in (1, 2) or not polygon:
        return None
    down = numbers[-1]
    ends = ((min(x for x, _ in polygon), down), (max(x for x, _ in polygon), down))
    return ends if is_baseline(ends) else None


def text_of(line: Element) -> tuple[str, tuple[Word, ...], float | None]:
    """Return the text of a TextLine as it stands on the page, its words and its confidence.

    Strings are separated where an SP is; in a line without any, they all are. A hyphen belongs to
    the word before it. Without words where a String holds several of them.
    """
    parts = [part for part in line if local_name(part) in ("String", "SP", "HYP")]
    has_spaces = any(local_name(part) == "SP" for part in parts)
    text = ""
    words: list[Word] = []
    for part in parts:
        name = local_name(part)
        if name == "SP":
            text += " "
            continue
        if name == "HYP":
            hyphen = (part.get("CONTENT") or "-").replace(SOFT_HYPHEN, "-")
            text += hyphen
            if words:
                words[-1] = _hyphenated(words[-1], hyphen, part)
            continue
        if words and not has_spaces:
            text += " "
        word = _word(part)
        text += word.text
        words.append(word)
    return text, _separate(words), _mean_confidence(words)


def _word(element: Element) -> Word:
    part = element.get("SUBS_TYPE") or ""
    return Word(
        text=" ".join((element.get("CONTENT") or "").split("\n")),
        polygon=outline(element),
        confidence=confidence(element, "WC"),
        characters=tuple(
            Character(glyph.get("CONTENT") or "", outline(glyph), confidence(glyph, "GC"))
            for glyph in children(element, "Glyph")
        ),
        full_text=element.get("SUBS_CONTENT") or "",
        hyphen_part={"HypPart1": 1, "HypPart2": 2}.get(part, 0),
    )


def _hyphenated(word: Word, hyphen: str, element: Element) -> Word:
    """Return the word with the hyphen at its end, which is one of its characters if they are."""
    characters = word.characters
    if characters:
        characters = (*characters, Character(hyphen, outline(element)))
    return replace(word, text=word.text + hyphen, characters=characters)


def _separate(words: list[Word]) -> tuple[Word, ...]:
    """Return the words without spaces around them, if each String is a word and has a place."""
    words = [replace(word, text=word.text.strip(" ")) for word in words if word.text.strip(" ")]
    if any(" " in word.text for word in words) or not any(word.polygon for word in words):
        return ()
    return tuple(words)


def _mean_confidence(words: list[Word]) -> float | None:
    """Return the mean over the characters of the words that have a confidence; None for none."""
    known = [(len(word.text), word.confidence) for word in words if word.confidence is not None]
    total = sum(length for length, _ in known)
    return sum(length * value for length, value in known) / total if total else None
