"""Which lines of a set a fine-tuning learns, which it is tested on, and what it may forget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.pages import BenchmarkError
from htr.errors import RecognitionError
from htr.lines_data import LabelledLine, open_line_set
from training.lines import TrainLine

TEST_LINES_MOST = 64  # more would cost reading time and tell little more about a single hand
REFERENCE_SEED = 5
ORDER_SEED = 77


@dataclass(frozen=True)
class Hand:
    """A hand's lines: those of the held-out pages, and those that lines to learn come from."""

    name: str
    pool: tuple[TrainLine, ...]
    test: tuple[TrainLine, ...]

    def drawn(self, count: int, seed: int) -> list[TrainLine]:
        """Return `count` lines to learn, drawn at random from all pages that are not held out.

        Smaller draws of a seed are part of its larger ones. Not page by page: one of our sets has
        another writer on every page, and a page of one tells little about the others.
        """
        order = np.random.default_rng([seed, ORDER_SEED]).permutation(len(self.pool))
        return [self.pool[at] for at in sorted(order[:count])]


def read_hands(archive: Path, largest: int) -> list[Hand]:
    """Return the hands of a line set, each with held-out pages that leave `largest` lines to learn.

    The held-out pages are those with the most lines, `TEST_LINES_MOST` together at most.
    Raises BenchmarkError if the set cannot be read or a hand is too small.
    """
    lines = _read(archive)
    names = sorted({line.group for line in lines})
    return [_hand(name, [line for line in lines if line.group == name], largest) for name in names]


def read_reference(archive: Path, count: int) -> list[TrainLine]:
    """Return `count` lines drawn from a set at random, always the same."""
    return _read(archive, count)


def held_out_pages(lines_on: dict[str, int], most: int) -> set[str]:
    """Return the pages that together hold the most lines, `most` at most.

    Of several such choices it is the first by the names of the pages.
    """
    found: dict[int, tuple[str, ...]] = {0: ()}
    for page in sorted(lines_on):
        for total, pages in sorted(found.items(), reverse=True):
            if total + lines_on[page] <= most:
                found.setdefault(total + lines_on[page], (*pages, page))
    return set(found[max(found)])


def _hand(name: str, lines: Sequence[TrainLine], largest: int) -> Hand:
    lines_on: dict[str, int] = {}
    for line in lines:
        lines_on[line.page] = lines_on.get(line.page, 0) + 1
    test = held_out_pages(lines_on, min(TEST_LINES_MOST, len(lines) - largest))
    if not test:
        raise BenchmarkError(
            f"The hand {name or '(unnamed)'} has {len(lines)} lines on {len(lines_on)} pages; no "
            f"page can be held out if {largest} lines are to be learned. Give smaller --sizes."
        )
    return Hand(
        name,
        tuple(line for line in lines if line.page not in test),
        tuple(line for line in lines if line.page in test),
    )


def _read(archive: Path, count: int | None = None) -> list[TrainLine]:
    try:
        with open_line_set(archive) as lines:
            chosen: Sequence[LabelledLine] = lines.lines
            if count is not None and count < len(chosen):
                order = np.random.default_rng(REFERENCE_SEED).permutation(len(chosen))[:count]
                chosen = [chosen[at] for at in sorted(order)]
            return [
                TrainLine(line.file, lines.image(line), line.text, line.page, line.source)
                for line in chosen
            ]
    except RecognitionError as error:
        raise BenchmarkError(f"{archive} cannot be used: {error}") from error
