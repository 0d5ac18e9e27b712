"""Lines that tell whether a model forgets: drawn ones, and corrections of other documents.

A model that learns a hand may unlearn the others. Both models read these lines before and after;
a part of them that is never used for the test may be replayed in training, against forgetting.
The two parts share no font, no page and no line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from htr.alphabet import Alphabet
from htr.metrics import normalise
from synthesis.font import Font, fonts
from synthesis.line import draw_line, sample_line_settings
from synthesis.text import sample_words
from training.lines import TrainLine

Part = Literal["reference", "replay"]

DRAWN = "drawn"  # the group of drawn lines
OTHERS = "other documents"  # the group of corrected lines
REFERENCE_LINES = 48  # of each kind; reading them twice takes some ten seconds on two cores
REPLAY_LINES = 96
FONTS_A_TEST = 3  # every third font tests, the others may teach
MAX_WIDTH_PX = 768  # of a drawn line
ODD_WORD_SHARE = 0.25  # of the lines get a word of any characters, also of those no passage has
ODD_WORD_CHARACTERS = (2, 7)


def drawn_lines(alphabet: Alphabet, seed: int, count: int, part: Part) -> list[TrainLine]:
    """Return drawn lines that the alphabet can write; the same arguments give the same lines.

    alphabet: of the base model, so that no line asks for what it could never write. The fonts of
    "reference" and "replay" differ, and so do the draws of texts. page: the font, which is a hand
    here. Fewer lines, or none, where our fonts lack the script of the alphabet.
    """
    chosen = [font for number, font in enumerate(fonts()) if _part_of_font(number) == part]
    lines = []
    for number in range(count):
        rng = np.random.default_rng([seed, int(part == "replay"), number])
        font = chosen[int(rng.integers(len(chosen)))]
        line = _drawn_line(alphabet, rng, font, f"{DRAWN}-{part}-{number}")
        if line is not None:
            lines.append(line)
    return lines


def part_of_page(page: str) -> Part:
    """Return whether a page of another document tests for forgetting or may be replayed.

    page: the SHA-256 of its image, so that a page never changes sides.
    """
    return "reference" if hashlib.sha256(page.encode()).digest()[0] % 2 else "replay"


def corrected_ones(lines: Sequence[TrainLine]) -> list[TrainLine]:
    """Return the lines that people corrected, without those that were drawn."""
    return [line for line in lines if line.group != DRAWN]


def _part_of_font(number: int) -> Part:
    return "reference" if number % FONTS_A_TEST == 0 else "replay"


def _drawn_line(
    alphabet: Alphabet, rng: np.random.Generator, font: Font, key: str
) -> TrainLine | None:
    words = _words(alphabet, rng, font)
    settings = replace(sample_line_settings(rng), font=font.name)
    seed = int(rng.integers(2**31))
    while words:
        image, written = draw_line(seed, " ".join(words), settings)
        # A line squeezed into the width of a crop would be another task than on pages.
        if image.shape[1] <= MAX_WIDTH_PX:
            text = normalise(written)
            return TrainLine(key, image, text, font.name, DRAWN) if text else None
        words = words[:-1]
    return None


def _words(alphabet: Alphabet, rng: np.random.Generator, font: Font) -> list[str]:
    """Return words of a passage that the model and the font can write, some odd ones with them."""
    passage = sample_words(rng, count=int(rng.integers(2, 7))).split()
    words = [word for word in passage if font.covers(word) and not alphabet.unknown(word)]
    if not words or rng.random() < ODD_WORD_SHARE:
        letters = [
            character
            for character in alphabet.characters
            if len(character) == 1 and not character.isspace() and font.covers(character)
        ]
        if letters:
            size = int(rng.integers(*ODD_WORD_CHARACTERS))
            odd = "".join(letters[int(i)] for i in rng.integers(len(letters), size=size))
            words.insert(int(rng.integers(len(words) + 1)), odd)
    return words
