"""How a document writes quotation marks, dashes and spaces, and texts brought into that form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

QUOTES = ("keep", "straight", "curly", "guillemets", "low")
DASHES = ("keep", "hyphen", "en", "em")
SPACES = ("keep", "single")
LONG_S = ("keep", "round")

_DOUBLE = '"“”„‟«»'
_SINGLE = "'‘’‚‛ʼ`´"
_OPENING = "“„‟«"
_PAIRS = {"curly": ("“", "”"), "guillemets": ("«", "»"), "low": ("„", "“")}
_DASHES = re.compile("[‒–—―−-]{2,}|[‒–—―−]|(?<= )-(?= )")
_DASH = {"hyphen": "-", "en": "–", "em": "—"}
_SPACES = re.compile(r"[ \u00a0\u2000-\u200a\u202f\u205f\u3000]+")


@dataclass(frozen=True)
class TextRules:
    """What a document's texts are brought to; "keep" leaves them as they are typed.

    quotes: straight ' ", curly ‘ ’ “ ”, guillemets « », or low „ “; apostrophes follow.
    dashes: all but hyphens within words become a hyphen, an en or an em dash.
    spaces: single: one plain space between words, none at the ends. long_s: round: ſ becomes s.
    """

    quotes: str = "keep"
    dashes: str = "keep"
    spaces: str = "keep"
    long_s: str = "keep"


_CHOICES = {"quotes": QUOTES, "dashes": DASHES, "spaces": SPACES, "long_s": LONG_S}


def rules_from(values: Mapping[str, Any]) -> TextRules:
    """Return the rules that the values name; what is unknown or missing is "keep"."""
    known = {
        field.name: values[field.name]
        for field in fields(TextRules)
        if values.get(field.name) in _CHOICES[field.name]
    }
    return TextRules(**known)


def rules_json(rules: TextRules) -> dict[str, str]:
    """Return the rules as JSON says them."""
    return asdict(rules)


def tidied(text: str, rules: TextRules) -> str:
    """Return the text as the rules want it; always NFC. Doing it again changes nothing more."""
    found = unicodedata.normalize("NFC", text)
    if rules.spaces == "single":
        found = _SPACES.sub(" ", found).strip(" ")
    if rules.dashes != "keep":
        found = _DASHES.sub(_DASH[rules.dashes], found)
    if rules.long_s == "round":
        found = found.replace("ſ", "s")
    if rules.quotes != "keep":  # last: whether a mark opens depends on what stands before it
        found = _with_quotes(found, rules.quotes)
    return found


def _with_quotes(text: str, kind: str) -> str:
    """Return the text with one kind of quotation marks; a mark that begins a word opens."""
    apostrophe = "'" if kind == "straight" else "’"
    out = []
    for place, character in enumerate(text):
        if character in _SINGLE:
            out.append("‘" if kind == "curly" and _begins_word(text, place) else apostrophe)
        elif character not in _DOUBLE:
            out.append(character)
        elif kind == "straight":
            out.append('"')
        else:
            opening, closing = _PAIRS[kind]
            out.append(opening if _opens(text, place, opening, closing) else closing)
    return "".join(out)


def _opens(text: str, place: int, opening: str, closing: str) -> bool:
    """Return whether a double mark opens.

    One with a space on both sides, as in « mot », says so by itself. The marks of the kind that is
    wanted come first: “ closes where „ opens.
    """
    character = text[place]
    if character in (opening, closing) and _stands_alone(text, place):
        return character == opening
    if character in _OPENING and _stands_alone(text, place):
        return True
    return _begins_word(text, place)


def _begins_word(text: str, place: int) -> bool:
    return _after_gap(text, place) and not _before_gap(text, place)


def _stands_alone(text: str, place: int) -> bool:
    return _after_gap(text, place) and _before_gap(text, place)


def _after_gap(text: str, place: int) -> bool:
    before = text[place - 1] if place else " "
    return before.isspace() or before in "([⟨⟦—–"


def _before_gap(text: str, place: int) -> bool:
    after = text[place + 1 : place + 2] or " "
    return after.isspace() or after in ".,;:!?…)]⟩⟧"
