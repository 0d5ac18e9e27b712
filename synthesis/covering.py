"""Texts that need given characters: real words with rare letters and signs worked into them.

Running text of four languages hardly ever holds Å, § or {}; a network that is to write them has to
see them. Letters take the place of the letter that they come from; signs stand where they do in
real text: brackets around a word, € beside a number, a dash between words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from synthesis.text import sample_words

PLAIN = {
    "æ": "a", "œ": "o", "ø": "o", "ð": "d", "þ": "p", "ß": "s", "ſ": "s",
    "Æ": "A", "Œ": "O", "Ø": "O", "Ð": "D", "Þ": "P",
}  # fmt: skip
"""Letters that Unicode does not take apart, and the letter whose place they take."""

AROUND = {"«": "»", "„": "“", "“": "”", "‘": "’", "[": "]", "{": "}", "<": ">", "(": ")"}
APART = "–—&+=*|~^#_<>"
BEFORE_NUMBER = "£§#"
AFTER_NUMBER = "€%°"
AFTER_WORD = "…!?;:,."
RARE_LEAST, RARE_MOST = 2, 6  # characters worked into a line


def covering_text(rng: np.random.Generator, characters: Sequence[str]) -> str:
    """Some words, NFC, with a few of the given characters worked into them."""
    words = sample_words(rng, None, int(rng.integers(2, 8))).split()
    count = int(rng.integers(RARE_LEAST, RARE_MOST + 1))
    for number in rng.integers(len(characters), size=count if characters else 0):
        _work_in(words, characters[int(number)], rng)
    return " ".join(words)


def _work_in(words: list[str], character: str, rng: np.random.Generator) -> None:
    """Put the character into one of the words, or beside them, in place."""
    at = int(rng.integers(len(words)))
    word = words[at]
    opening = {closing: opening for opening, closing in AROUND.items()}
    if character.isalpha():
        words[at] = _with_letter(word, character, rng)
    elif character.isdigit():
        words.insert(at, character + _number(rng)[1:])
    elif character in AFTER_NUMBER:
        words.insert(at, f"{_number(rng)}{' ' if rng.random() < 0.5 else ''}{character}")
    elif character in BEFORE_NUMBER:
        words.insert(at, f"{character}{' ' if rng.random() < 0.5 else ''}{_number(rng)}")
    elif character in APART and rng.random() < 0.6:
        words.insert(at, character)
    elif character in AROUND and rng.random() < 0.8:
        words[at] = f"{character}{word}{AROUND[character]}"
    elif character in opening and rng.random() < 0.8:
        words[at] = f"{opening[character]}{word}{character}"
    elif character in AFTER_WORD:
        words[at] = word + character
    else:
        cut = int(rng.integers(len(word) + 1))
        words[at] = word[:cut] + character + word[cut:]


def _with_letter(word: str, letter: str, rng: np.random.Generator) -> str:
    """The word with the letter in place of the one that it comes from, else somewhere in it."""
    plain = PLAIN.get(letter) or unicodedata.normalize("NFD", letter)[0]
    capital = letter != letter.lower()
    if capital and (plain == letter or plain.lower() not in word.lower()):
        return letter + word[1:]
    places = [place for place, other in enumerate(word) if other.lower() == plain.lower()]
    if not places:
        places = [place for place, other in enumerate(word) if other.isalpha()] or [0]
    place = places[int(rng.integers(len(places)))]
    changed = word[:place] + letter + word[place + 1 :]
    # A capital within a small word is rare: mostly the whole word is written in capitals.
    return changed.upper() if capital and place and "ß" not in changed else changed


def _number(rng: np.random.Generator) -> str:
    return str(int(10 ** rng.uniform(0, 4)))
