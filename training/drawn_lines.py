"""The endless stream of drawn lines: number n is the same line every time, for any n.

Drawn lines teach what the real ones lack: characters that hardly any source holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from multiprocessing import get_context
from typing import overload

import cv2
import numpy as np

from htr.alphabet import Alphabet
from htr.config import ModelConfig
from synthesis.covering import covering_text
from synthesis.font import Font, fonts
from synthesis.line import draw_line, sample_line_settings
from synthesis.text import sample_words
from training.line_batches import PreparedLine, prepare_lines
from training.lines import TrainLine

ENDLESS = 2**31 - 1  # as many as a whole number for an index can count
COVERING_SHARE = 0.5  # of the lines have rare characters worked in; the others are plain prose
LONGEST = 80  # characters; a line of more is squashed until nobody could read it
TRIES = 20
AT_ONCE = 25  # lines that a process draws before it hands them over
KEPT = 256  # drawn lines, so that sorting and batching do not draw twice


class DrawnLines(Sequence[PreparedLine]):
    """Drawn lines, prepared for a network. rare: characters that are worked into many of them."""

    def __init__(
        self,
        config: ModelConfig,
        alphabet: Alphabet,
        seed: int,
        rare: Sequence[str] = (),
        count: int = ENDLESS,
        more_fonts: Sequence[Font] = (),
    ) -> None:
        """Make a stream of so many lines; those of `rare` that no font can draw are left out.

        more_fonts: beside those of the project.
        """
        self.pool = (*fonts(), *more_fonts)
        self._again = partial(DrawnLines, config, alphabet, seed, rare, count, more_fonts)
        self.rare = tuple(c for c in rare if any(font.covers(c) for font in self.pool))
        self._config = config
        self._alphabet = alphabet
        self._seed = seed
        self._count = count
        self._draw = lru_cache(KEPT)(self._drawn)

    def __len__(self) -> int:
        """Return how many lines there are."""
        return self._count

    @overload
    def __getitem__(self, number: int) -> PreparedLine: ...
    @overload
    def __getitem__(self, number: slice) -> list[PreparedLine]: ...

    def __getitem__(self, number: int | slice) -> PreparedLine | list[PreparedLine]:
        """Return the line of that number."""
        if isinstance(number, slice):
            return [self[n] for n in range(*number.indices(self._count))]
        if not -self._count <= number < self._count:
            raise IndexError(number)
        return self._draw(number % self._count)

    def drawn_ahead(self, count: int, processes: int) -> list[PreparedLine]:
        """Return the first so many lines, drawn by several processes at once."""
        count = min(count, self._count)
        if processes <= 1:
            return self[:count]
        parts = [range(begin, min(begin + AT_ONCE, count)) for begin in range(0, count, AT_ONCE)]
        # Fresh processes: forked ones would inherit the locks of threads, and of a GPU.
        with ProcessPoolExecutor(
            processes, get_context("spawn"), _begin_drawing, (self._again,)
        ) as pool:
            return [line for part in pool.map(_draw_part, parts) for line in part]

    def _drawn(self, number: int) -> PreparedLine:
        rng = np.random.default_rng([self._seed, number])
        image, text = self._strip(rng)
        line = TrainLine(f"drawn-{number}", image, text, "drawn")
        return prepare_lines([line], self._config, self._alphabet)[0]

    def _strip(self, rng: np.random.Generator) -> tuple[np.ndarray, str]:
        """Return a strip whose text the alphabet can write, and the text."""
        for _ in range(TRIES):
            text = self._text(rng)
            if len(text) > LONGEST or self._alphabet.unknown(text):
                continue
            image, written = draw_line(rng, text, sample_line_settings(rng), self.pool)
            if written and not self._alphabet.unknown(written):
                return image, written
        # An alphabet without Latin letters: paper without writing says nothing, which is true.
        return np.full((self._config.image_height, 64), 225, np.uint8), ""

    def _text(self, rng: np.random.Generator) -> str:
        if self.rare and rng.random() < COVERING_SHARE:
            return covering_text(rng, self.rare)
        return sample_words(rng, None, int(rng.integers(1, 10)))


_drawing: list[DrawnLines] = []  # the stream that this process draws for


def _begin_drawing(again: Callable[[], DrawnLines]) -> None:
    """Prepare a process of its own for `_draw_part`."""
    cv2.setNumThreads(1)
    _drawing[:] = [again()]


def _draw_part(numbers: range) -> list[PreparedLine]:
    return [_drawing[0][number] for number in numbers]
