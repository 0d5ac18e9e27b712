"""Characters of the corrections that the model cannot write yet, told before training starts."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from htr.alphabet import Alphabet
from htr.metrics import normalise

MAX_EXAMPLES = 5
CONTEXT_CHARACTERS = 16  # shown on either side of the character
FEW_EXAMPLES = 5  # fewer seldom suffice to learn a character


class WrittenLine(Protocol):
    """What is asked of a line; `storage.TrainingLine` has it."""

    @property
    def line_id(self) -> int:
        """The number of the line."""

    @property
    def text(self) -> str:
        """What a person wrote."""


@dataclass(frozen=True)
class Example:
    """Where a character stands; text: its surroundings. start: its index in that text."""

    line_id: int
    text: str
    start: int


@dataclass(frozen=True)
class UnknownCharacter:
    """A character that the model cannot write, and how much there is to learn it from.

    character: in NFC, one code point. code_point: such as "U+1EBD". name: of Unicode.
    count: how often it stands in the corrections; lines: in how many of them.
    decomposed: the code points that NFC joined in it, such as ("e", U+0303); () for a plain one.
    combines_with: for a combining mark that NFC leaves alone, the letters it stands on and how
    often, most frequent first; () for all other characters.
    """

    character: str
    code_point: str
    name: str
    count: int
    lines: int
    combining: bool
    decomposed: tuple[str, ...]
    combines_with: tuple[tuple[str, int], ...]
    examples: tuple[Example, ...]

    @property
    def is_rare(self) -> bool:
        """Whether there are too few examples to expect that it will be learned."""
        return self.count < FEW_EXAMPLES


def unknown_characters(lines: Sequence[WrittenLine], alphabet: Alphabet) -> list[UnknownCharacter]:
    """Return the characters of the lines that the alphabet lacks, most frequent first."""
    counts: Counter[str] = Counter()
    line_counts: Counter[str] = Counter()
    bases: dict[str, Counter[str]] = {}
    examples: dict[str, list[Example]] = {}
    for line in lines:
        text = normalise(line.text)
        found = alphabet.unknown(text)
        line_counts.update({unknown.character for unknown in found})
        seen: set[str] = set()
        for unknown in found:
            character = unknown.character
            counts[character] += 1
            if unicodedata.combining(character):
                bases.setdefault(character, Counter())[_base(text, unknown.position)] += 1
            if character not in seen and len(examples.setdefault(character, [])) < MAX_EXAMPLES:
                examples[character].append(_example(line.line_id, text, unknown.position))
            seen.add(character)
    ordered = sorted(counts, key=lambda character: (-counts[character], character))
    return [
        _described(
            character,
            counts[character],
            line_counts[character],
            bases.get(character, Counter()),
            tuple(examples[character]),
        )
        for character in ordered
    ]


def _described(
    character: str,
    count: int,
    lines: int,
    bases: Counter[str],
    examples: tuple[Example, ...],
) -> UnknownCharacter:
    pieces = tuple(unicodedata.normalize("NFD", character))
    return UnknownCharacter(
        character=character,
        code_point=f"U+{ord(character):04X}",
        name=unicodedata.name(character, "unnamed"),
        count=count,
        lines=lines,
        combining=unicodedata.combining(character) != 0,
        decomposed=pieces if len(pieces) > 1 else (),
        combines_with=tuple(sorted(bases.items(), key=lambda item: (-item[1], item[0]))),
        examples=examples,
    )


def _base(text: str, position: int) -> str:
    """Return the letter that the combining mark at `position` stands on; "" if on none."""
    for character in reversed(text[:position]):
        if not unicodedata.combining(character):
            return "" if character.isspace() else character
    return ""


def _example(line_id: int, text: str, position: int) -> Example:
    start = max(0, position - CONTEXT_CHARACTERS)
    return Example(line_id, text[start : position + CONTEXT_CHARACTERS + 1], position - start)
