"""The characters that a model can write, and their CTC classes.

Class 0 is the CTC blank, class i + 1 is character i. Texts are compared in Unicode NFC. Some
alphabets (READ 2016) hold combining marks beside precomposed letters, so that one NFC character
may need several classes: `encode` takes the longest entry that matches the NFC text, and where
none does, takes the character apart (NFD) and spells it with the pieces that the alphabet has.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from htr.errors import AlphabetError, UnknownCharacterError

BLANK = 0
"""The CTC class that writes nothing."""

CHARACTERS_LIMIT = 20_000
"""More than any script needs; a longer list is a damaged or hostile file."""

ENTRY_LIMIT = 8
"""Code points in one entry: a letter with its marks, no words."""


@dataclass(frozen=True)
class UnknownCharacter:
    """A character that an alphabet lacks.

    character: in NFC. position: index in the NFC text, from 0.
    """

    character: str
    position: int

    @property
    def code_point(self) -> str:
        """The code point with its name, as in "U+00F1 LATIN SMALL LETTER N WITH TILDE"."""
        name = unicodedata.name(self.character, "unnamed")
        return f"U+{ord(self.character):04X} {name}"


@dataclass(frozen=True)
class Alphabet:
    """The characters of a model in the order of its classes; class i + 1 is character i.

    Raises AlphabetError if an entry is empty, repeated, a line break or no text.
    """

    characters: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse lists that could never be told apart or written on one line."""
        if not self.characters:
            raise AlphabetError("The alphabet is empty; a model needs at least one character.")
        if len(self.characters) > CHARACTERS_LIMIT:
            raise AlphabetError(
                f"The alphabet has {len(self.characters):,} characters; "
                f"the limit is {CHARACTERS_LIMIT:,}."
            )
        first_position: dict[str, int] = {}
        for position, character in enumerate(self.characters):
            _check_entry(character, position)
            if character in first_position:
                raise AlphabetError(
                    f"Character {character!r} stands twice in the alphabet, at positions "
                    f"{first_position[character]} and {position}; each may stand once."
                )
            first_position[character] = position

    @property
    def classes(self) -> int:
        """The number of CTC classes: the characters and the blank."""
        return len(self.characters) + 1

    def encode(self, text: str) -> list[int]:
        """Return the classes that write `text` in NFC, without blanks.

        Raises UnknownCharacterError at the first character that the alphabet lacks.
        """
        classes, unknown = self._match(unicodedata.normalize("NFC", text))
        if unknown:
            first = unknown[0]
            more = f" ({len(unknown) - 1} more follow)" if len(unknown) > 1 else ""
            raise UnknownCharacterError(
                f"Character {first.character!r} ({first.code_point}) at position "
                f"{first.position}{more} is not among the {len(self.characters)} characters "
                f"of the model. Correct the text, or train a model with this character.",
                first.character,
                first.position,
            )
        return classes

    def decode(self, classes: Iterable[int]) -> str:
        """Return the NFC text of `classes`; blanks write nothing and repeats are kept.

        Raises AlphabetError for a class outside the alphabet.
        """
        pieces = []
        for number in classes:
            if not 0 <= number < self.classes:
                raise AlphabetError(
                    f"Class {number} is outside the alphabet; its classes are 0 to "
                    f"{self.classes - 1}. The alphabet belongs to another model."
                )
            if number != BLANK:
                pieces.append(self.characters[number - 1])
        return unicodedata.normalize("NFC", "".join(pieces))

    def unknown(self, text: str) -> list[UnknownCharacter]:
        """Return every character of `text` that the alphabet lacks, in order, repeats kept."""
        return self._match(unicodedata.normalize("NFC", text))[1]

    def _match(self, text: str) -> tuple[list[int], list[UnknownCharacter]]:
        classes: list[int] = []
        unknown: list[UnknownCharacter] = []
        position = 0
        while position < len(text):
            length = self._longest_match(text, position)
            if length:
                classes.append(self._class_of[text[position : position + length]])
                position += length
                continue
            spelled = self._spell(text[position])
            if spelled is None:
                unknown.append(UnknownCharacter(text[position], position))
            else:
                classes.extend(spelled)
            position += 1
        return classes, unknown

    def _longest_match(self, text: str, position: int) -> int:
        for length in range(min(self._longest_entry, len(text) - position), 0, -1):
            if text[position : position + length] in self._class_of:
                return length
        return 0

    def _spell(self, character: str) -> list[int] | None:
        """Return the classes of the character taken apart, or None if a piece is missing.

        Prefixes are composed again before the look-up, so that U+01D6 (u, diaeresis, macron) is
        spelled with the letter U+00FC and the mark U+0304 where both are in the alphabet.
        """
        pieces = unicodedata.normalize("NFD", character)
        classes = []
        start = 0
        while start < len(pieces):
            for end in range(len(pieces), start, -1):
                found = self._class_of.get(unicodedata.normalize("NFC", pieces[start:end]))
                if found is not None:
                    classes.append(found)
                    start = end
                    break
            else:
                return None
        return classes

    @cached_property
    def _class_of(self) -> dict[str, int]:
        """Class of each entry by its NFC form; an entry already in NFC wins over an equivalent."""
        exact = {character: index + 1 for index, character in enumerate(self.characters)}
        composed: dict[str, int] = {}
        for character, number in exact.items():
            form = unicodedata.normalize("NFC", character)
            composed.setdefault(form, exact.get(form, number))
        return composed

    @cached_property
    def _longest_entry(self) -> int:
        return max(len(form) for form in self._class_of)


def _check_entry(character: object, position: int) -> None:
    """Raise AlphabetError unless the entry is one printable character with its marks."""
    if not isinstance(character, str):
        raise AlphabetError(
            f"Entry {position} of the alphabet is {type(character).__name__}, expected text."
        )
    if not 1 <= len(character) <= ENTRY_LIMIT:
        raise AlphabetError(
            f"Entry {position} of the alphabet has {len(character)} code points; "
            f"expected one character, 1 to {ENTRY_LIMIT} code points with its marks."
        )
    for letter in character:
        # Controls, line and paragraph separators, lone surrogates: none can be drawn on a line.
        if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp"):
            raise AlphabetError(
                f"Entry {position} of the alphabet is U+{ord(letter):04X}, which cannot be "
                f"written on a line."
            )
