"""A character n-gram model: how likely a character is after the ones before it.

It helps beam search (`htr/beam.py`) to choose between readings that look alike. It knows no
words, so that historical spelling survives: what it has learnt is which letters follow which.
`htr/character_counts.py` builds it from texts, `htr/character_file.py` keeps it in a file.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from htr.errors import RecognitionError

EDGE = -1
"""Stands for the start of a line, which tells as much as a letter does."""

ORDER = 6
ORDERS = range(1, 11)
CACHE_CONTEXTS = 40_000  # about 35 MB with a hundred characters; a hundred lines need 20,000


@dataclass(frozen=True)
class Followers:
    """What followed each context of one length.

    contexts: (C,) int64, codes (see `code`) in ascending order. first: (C + 1,) where each
    context's followers begin in the other two. numbers: (N,) which character, or the number of
    characters for the end of the line. counts: (N,) how often, at least once.
    """

    contexts: np.ndarray
    first: np.ndarray
    numbers: np.ndarray
    counts: np.ndarray

    def place(self, context_code: int) -> int | None:
        """Return the place of the context, or None if it was never seen."""
        place = int(self.contexts.searchsorted(context_code))
        if place < len(self.contexts) and self.contexts[place] == context_code:
            return place
        return None


@dataclass(frozen=True)
class CharacterModel:
    """Counts of what followed each context in the texts it was built from.

    characters: those it knows; index i of every distribution is character i, the last index the
    end of a line. followers: by the length of the context, 0 to order - 1.

    Source: interpolated Witten-Bell smoothing (Witten and Bell 1991; Chen and Goodman 1999,
    section 2.7): P(c | h) = (count(h c) + types(h) P(c | shorter h)) / (count(h) + types(h)).
    """

    characters: tuple[str, ...]
    followers: tuple[Followers, ...]
    _cache: dict[tuple[int, ...], np.ndarray] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def order(self) -> int:
        """Characters looked at, the predicted one included."""
        return len(self.followers)

    def start(self) -> tuple[int, ...]:
        """Return the context of the first character of a line."""
        return self.known((EDGE,))

    def known(self, context: tuple[int, ...]) -> tuple[int, ...]:
        """Return the longest end of the context that the model has seen.

        It predicts the same as the whole context, and there are far fewer of them.
        """
        longest = min(len(context), len(self.followers) - 1)
        for first in range(len(context) - longest, len(context)):
            end = context[first:]
            if end in self._cache or self._place(end) is not None:
                return end
        return ()

    def probabilities(self, context: tuple[int, ...]) -> np.ndarray:
        """Return P of every character, and of the line's end, after the context.

        context: indices of the characters before, EDGE first if the line begins within reach;
        only what `known` returns of it counts. Result: float64 (len(characters) + 1,), never 0.
        """
        found = self._cache.get(context)
        return self._after(self.known(context)) if found is None else found

    def log_probabilities(self, context: tuple[int, ...]) -> np.ndarray:
        """Return ln of `probabilities`."""
        return np.log(self.probabilities(context))

    def bits_per_character(self, texts: Iterable[str]) -> float:
        """Return how surprising the texts are, in bits a character; characters it lacks count 0.

        Raises RecognitionError when the texts hold no known character.
        """
        index = {character: i for i, character in enumerate(self.characters)}
        bits, characters = 0.0, 0
        for text in texts:
            context = self.start()
            for character in unicodedata.normalize("NFC", text):
                if character not in index:
                    continue
                number = index[character]
                bits -= math.log2(self.probabilities(context)[number])
                context = self.known((*context, number))
                characters += 1
        if not characters:
            raise RecognitionError("The texts hold no character that the language model knows.")
        return bits / characters

    def _after(self, context: tuple[int, ...]) -> np.ndarray:
        """Return the distribution after a context that is known or empty."""
        found = self._cache.get(context)
        if found is not None:
            return found
        size = len(self.characters) + 1
        result = self._after(context[1:]) if context else np.full(size, 1.0 / size)
        place = self._place(context)
        if place is not None:
            table = self.followers[len(context)]
            first, end = table.first[place : place + 2].tolist()
            counts = table.counts[first:end]
            whole = counts.sum() + (end - first)
            result = result * ((end - first) / whole)
            result[table.numbers[first:end]] += counts / whole
        if len(self._cache) >= CACHE_CONTEXTS:
            self._cache.clear()
        self._cache[context] = result
        return result

    def _place(self, context: tuple[int, ...]) -> int | None:
        return self.followers[len(context)].place(code(context, len(self.characters)))


def code(context: tuple[int, ...], characters: int) -> int:
    """Return one number for a context of indices, EDGE included, of so many characters."""
    result = 0
    for number in context:
        result = result * (characters + 2) + number + 2
    return result


def highest_order(characters: int) -> int:
    """Return the largest order for so many characters: a context and a follower fit in 63 bits."""
    order = max(n for n in ORDERS if n == 1 or (characters + 2) ** n < 2**63)
    return order
