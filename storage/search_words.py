"""Words as the search compares them: folded, and by the shape that hands give to their letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

# Letters that stand for others, where Unicode does not say so itself.
_SAME = {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ħ": "h", "ł": "l", "ı": "i", "ꝛ": "r", "ꝑ": "p"}
# Letters that look alike in running hands: minims above all, then bows and tall strokes. A
# machine takes one for another; words that are the same by these are offered as misread.
_ALIKE = str.maketrans(
    {
        "n": "ii", "u": "ii", "v": "ii", "m": "iii", "w": "iii",
        "j": "i", "y": "i", "t": "l", "1": "l",
        "f": "s", "e": "c", "o": "a", "0": "a",
        "h": "b", "k": "b", "q": "g", "z": "r",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Word:
    """A folded word and where it stands: text[start:end]."""

    text: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """Return the words of a text in their order: letters, digits and marks of private use.

    Folded: no case, no diacritics, ligatures and the long s as plain letters.
    """
    words: list[Word] = []
    letters: list[str] = []
    start = 0
    for place, character in enumerate(text):
        folded = _folded(character)
        if folded == " ":
            if letters:
                words.append(Word("".join(letters), start, place))
                letters = []
        elif folded or letters:
            if not letters:
                start = place
            letters.append(folded)
    if letters:
        words.append(Word("".join(letters), start, len(text)))
    return words


def folded_text(text: str) -> str:
    """Return the folded words of a text with one space between them."""
    return " ".join(word.text for word in words_of(text))


def skeleton_of(word: str) -> str:
    """Return a folded word with one letter for all that look alike in running hands."""
    return word.translate(_ALIKE)


def one_apart(text: str, letters: Collection[str]) -> set[str]:
    """Return all texts that one of the letters put in or exchanged, or one left out, makes."""
    made: set[str] = set()
    for place in range(len(text) + 1):
        head, tail = text[:place], text[place:]
        made.update(head + letter + tail for letter in letters)
        if tail:
            made.update(head + letter + tail[1:] for letter in letters)
            made.add(head + tail[1:])
    return made - {text}


def edits_between(first: str, second: str) -> int:
    """Return how many letters must be put in, left out or exchanged to make one of the other."""
    row = list(range(len(second) + 1))
    for index, letter in enumerate(first, start=1):
        diagonal, row[0] = row[0], index
        for place, other in enumerate(second, start=1):
            cost = min(row[place] + 1, row[place - 1] + 1, diagonal + (letter != other))
            diagonal, row[place] = row[place], cost
    return row[-1]


@lru_cache(maxsize=10_000)
def _folded(character: str) -> str:
    """Return what a character is in a folded word; "" for marks on letters, " " between words."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    kept = []
    for part in folded:
        category = unicodedata.category(part)
        if category[0] in "LN" or category == "Co":
            kept.append(_SAME.get(part, part))
        elif category[0] != "M" and category != "Cf":
            # A fraction holds a stroke: ½ is a word with 1 and 2.
            if kept:
                continue
            return " "
    return "".join(kept)
