r"""The `custom` attribute of PAGE, as Transkribus and eScriptorium write it.

`readingOrder {index:0;} structure {type:heading;} person {offset:3; length:5; firstname:Ann;}`;
characters that would end a value are written as \u003b and the like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from exchange.records import Tag

MAX_CUSTOM = 200_000  # characters; a line full of tags has some thousand
_TAG = re.compile(r"([^\s{};:]{1,100})\s*\{([^{}]*)\}")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_RESERVED = re.compile(r"[{};:\\\s]")
_NAME = re.compile(r"[^\w.-]")


def parse_custom(text: str | None) -> tuple[Tag, ...]:
    """Return the tags of a `custom` attribute in its order; what is no tag is passed over."""
    if not text or len(text) > MAX_CUSTOM:
        return ()
    return tuple(Tag(name, parse_values(body)) for name, body in _TAG.findall(text))


def parse_values(body: str) -> tuple[tuple[str, str], ...]:
    """Return (key, value) of "key:value; key:value;"."""
    pairs = (part.partition(":") for part in body.split(";"))
    return tuple((key.strip(), _unescaped(value.strip())) for key, _, value in pairs if key.strip())


def custom_text(tags: Iterable[Tag]) -> str:
    """Return the tags as a `custom` attribute."""
    return " ".join(f"{_NAME.sub('_', tag.name)} {{{values_text(tag)}}}" for tag in tags)


def values_text(tag: Tag) -> str:
    """Return the values of a tag as "key:value; key:value;"."""
    return " ".join(f"{_NAME.sub('_', key)}:{_escaped(value)};" for key, value in tag.values)


def tag_value(tags: Iterable[Tag], name: str, key: str) -> str | None:
    """Return the value of `key` in the first tag called `name` that has one."""
    for tag in tags:
        if tag.name == name:
            for found, value in tag.values:
                if found == key:
                    return value
    return None


def tag_index(tags: Iterable[Tag]) -> int | None:
    """Return the place in the reading order that the tags give; None if they give none."""
    text = tag_value(tags, "readingOrder", "index") or ""
    return int(text) if re.fullmatch(r"\d{1,9}", text) else None


def without_value(tags: Iterable[Tag], name: str, key: str) -> tuple[Tag, ...]:
    """Return the tags without this value, and without a tag that had nothing else to say."""
    kept = []
    for tag in tags:
        if tag.name == name and any(found == key for found, _ in tag.values):
            tag = Tag(name, tuple(pair for pair in tag.values if pair[0] != key))
            if not tag.values:
                continue
        kept.append(tag)
    return tuple(kept)


def _escaped(value: str) -> str:
    """Return the value with what would end it, and spaces at its ends, written as \\uXXXX."""
    inner = value.strip(" ")
    start = value.index(inner) if inner else len(value)
    ends = (0, start), (start + len(inner), len(value))
    return "".join(
        f"\\u{ord(character):04x}"
        if (_RESERVED.match(character) and character != " ")
        or any(low <= position < high for low, high in ends)
        else character
        for position, character in enumerate(value)
    )


def _unescaped(value: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = int(match.group(1), 16)
        # half a surrogate pair, or a character that XML has no place for, is no text
        allowed = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE
        return chr(code) if allowed else "\ufffd"

    return _ESCAPED.sub(character, value)
