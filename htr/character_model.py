"""A character n-gram model: how likely a character is after the ones before it.

It helps beam search (`htr/beam.py`) to choose between readings that look alike. It knows no
words, so that historical spelling survives: what it has learnt is which letters follow which.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from htr.errors import RecognitionError

EDGE = -1
"""Stands for the start and the end of a line, which tell as much as a letter does."""

FORMAT = "htr-desk character model"
VERSION = 1
ORDER = 6
ORDERS = range(1, 11)
FILE_LIMIT_BYTES = 200_000_000
CACHE_CONTEXTS = 50_000  # about 40 MB with a hundred characters


@dataclass
class CharacterModel:
    """Counts of what followed each context in the texts it was built from.

    characters: those it knows; index i of every distribution is character i, the last index the
    end of a line. order: characters looked at, the predicted one included.
    followers: context of at most order - 1 indices (EDGE for the start) -> index -> count.

    Source: interpolated Witten-Bell smoothing (Witten and Bell 1991; Chen and Goodman 1999,
    section 2.7): P(c | h) = (count(h c) + types(h) P(c | shorter h)) / (count(h) + types(h)).
    """

    characters: tuple[str, ...]
    order: int
    followers: dict[tuple[int, ...], dict[int, int]]
    _cache: dict[tuple[int, ...], np.ndarray] = field(default_factory=dict, repr=False)

    def log_probabilities(self, context: tuple[int, ...]) -> np.ndarray:
        """Return ln P of every character, and of the line's end, after the context.

        context: indices of the characters before, EDGE first if the line begins within reach;
        only the last order - 1 count. Result: float64 (len(characters) + 1,), never -inf.
        """
        context = context[len(context) - self.order + 1 :] if self.order > 1 else ()
        known = self._cache.get(context)
        if known is None:
            if len(self._cache) >= CACHE_CONTEXTS:
                self._cache.clear()
            known = np.log(self._probabilities(context))
            self._cache[context] = known
        return known

    def start(self) -> tuple[int, ...]:
        """Return the context of the first character of a line."""
        return (EDGE,) if self.order > 1 else ()

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
                bits -= float(self.log_probabilities(context)[index[character]]) / math.log(2)
                context = (*context, index[character])
                characters += 1
        if not characters:
            raise RecognitionError("The texts hold no character that the language model knows.")
        return bits / characters

    def _probabilities(self, context: tuple[int, ...]) -> np.ndarray:
        size = len(self.characters) + 1
        result = np.full(size, 1.0 / size)
        for length in range(len(context) + 1):
            counts = self.followers.get(context[len(context) - length :])
            if counts is None:
                break  # a longer context cannot have been seen either
            total, types = sum(counts.values()), len(counts)
            result *= types / (total + types)
            result[list(counts)] += np.fromiter(counts.values(), float) / (total + types)
        return result


def build_character_model(
    texts: Iterable[str], characters: Sequence[str], order: int = ORDER
) -> CharacterModel:
    """Return the model of the texts, one line of text each.

    characters: of the recognition model; others in the texts break the context, as a new line does.
    Raises RecognitionError for an order out of range or texts without a known character.
    """
    if order not in ORDERS:
        raise RecognitionError(
            f"The order of the language model is {order}; expected {ORDERS[0]} to {ORDERS[-1]}."
        )
    index = {character: i for i, character in enumerate(characters)}
    end = len(index)
    followers: dict[tuple[int, ...], dict[int, int]] = {}
    seen = 0
    for text in texts:
        history: tuple[int, ...] = (EDGE,)
        for character in unicodedata.normalize("NFC", text).strip():
            number = index.get(character)
            if number is None:
                history = ()
                continue
            _count(followers, history, number, order)
            history = (*history, number)[-order:]
            seen += 1
        _count(followers, history, end, order)
    if not seen:
        raise RecognitionError(
            "The texts for the language model hold no character that the recognition model knows. "
            "Choose a text in the script that is read."
        )
    return CharacterModel(tuple(characters), order, followers)


def save_character_model(path: Path, model: CharacterModel) -> None:
    """Write the model as JSON lines: a heading, then one context a line."""
    with open(path, "w", encoding="utf-8") as file:
        heading = {
            "format": FORMAT,
            "version": VERSION,
            "order": model.order,
            "characters": list(model.characters),
        }
        file.write(json.dumps(heading, ensure_ascii=False) + "\n")
        for context, counts in sorted(model.followers.items()):
            file.write(json.dumps([context, sorted(counts.items())]) + "\n")


def load_character_model(path: Path) -> CharacterModel:
    """Return the model in a file that `save_character_model` wrote.

    Raises RecognitionError when it is too large, damaged or of another kind.
    """
    try:
        if path.stat().st_size > FILE_LIMIT_BYTES:
            raise RecognitionError(
                f"{path.name} is larger than {FILE_LIMIT_BYTES // 1_000_000} MB; "
                f"build the language model from less text or with a lower order."
            )
        with open(path, encoding="utf-8") as file:
            heading = json.loads(file.readline())
            if heading["format"] != FORMAT or heading["version"] != VERSION:
                raise ValueError("another format")
            characters, order = tuple(heading["characters"]), heading["order"]
            if order not in ORDERS or not all(isinstance(c, str) for c in characters):
                raise ValueError("its heading is out of range")
            followers = dict(_read_context(row, len(characters), order) for row in file)
    except OSError as error:
        raise RecognitionError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecognitionError(
            f"{path.name} is not a language model of this app or is damaged ({error}). "
            f"Build it again."
        ) from error
    return CharacterModel(characters, order, followers)


def _count(
    followers: dict[tuple[int, ...], dict[int, int]],
    history: tuple[int, ...],
    number: int,
    order: int,
) -> None:
    for length in range(min(order - 1, len(history)) + 1):
        counts = followers.setdefault(history[len(history) - length :], {})
        counts[number] = counts.get(number, 0) + 1


def _read_context(row: str, size: int, order: int) -> tuple[tuple[int, ...], dict[int, int]]:
    context, counts = json.loads(row)
    if len(context) >= order or not all(type(i) is int and EDGE <= i < size for i in context):
        raise ValueError("a context is out of range")
    for number, count in counts:
        if type(number) is not int or type(count) is not int:
            raise ValueError("a count is no whole number")
        if not (0 <= number <= size and count > 0):
            raise ValueError("a count is out of range")
    if not counts:
        raise ValueError("a context has no followers")
    return tuple(context), {number: count for number, count in counts}
