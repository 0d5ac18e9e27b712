"""How many characters that a model lacked are read, once it has learned them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from training.alignment import align, recalled
from training.lines import TrainLine


def new_character_recall(
    new: Collection[str], lines: Sequence[TrainLine], readings: Sequence[str]
) -> tuple[int, int]:
    """Return how many of the `new` characters are read in their place, and how many are written.

    new: single code points, as the texts hold them in NFC. Give only those that could be learned:
    what stands on the test pages alone tells nothing about learning.
    """
    steps = [
        step
        for line, reading in zip(lines, readings, strict=True)
        for step in align(line.text, reading)
    ]
    counts = [recalled(steps, character) for character in new]
    return sum(read for read, _ in counts), sum(written for _, written in counts)
