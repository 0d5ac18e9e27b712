"""Character and word error rates: the one definition that everything here uses.

Both texts are NFC; any run of white space counts as one space and none counts at the ends. Case
and punctuation count. A word is what stands between white space, punctuation included. The rate
of a set of lines is the sum of its edits (Levenshtein: insertions, deletions, substitutions, one
each) over the sum of its reference lengths, so a long line weighs more than a short one; it may
exceed 1.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

try:
    from editdistance import eval as edit_distance
except ModuleNotFoundError:
    # editdistance has no built package for Python 3.13, and a user's machine has no compiler;
    # requirements.txt installs rapidfuzz there, which computes the same distance.
    from rapidfuzz.distance.Levenshtein import distance as edit_distance

BOOTSTRAP_SAMPLES = 2000
BOOTSTRAP_BLOCK = 1 << 22  # entries of the table of draws held at once: 32 MB
INTERVAL_LEVEL = 0.95


@dataclass(frozen=True)
class LineErrors:
    """The edits that turn a line's reading into its reference, and the reference's lengths."""

    character_edits: int
    characters: int
    word_edits: int
    words: int


@dataclass(frozen=True)
class Interval:
    """Where a rate lies with the confidence level asked for, 0.95 by default."""

    low: float
    high: float


@dataclass(frozen=True)
class Score:
    """How well some lines were read; rates as fractions, 0 is perfect."""

    lines: int
    characters: int
    words: int
    cer: float
    wer: float


def normalise(text: str) -> str:
    """Return the text as it is compared: NFC, white space single, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def line_errors(reference: str, reading: str) -> LineErrors:
    """Return the edits of one line, of characters and of words."""
    true, read = normalise(reference), normalise(reading)
    true_words, read_words = true.split(), read.split()
    return LineErrors(
        character_edits=edit_distance(true, read),
        characters=len(true),
        word_edits=edit_distance(true_words, read_words),
        words=len(true_words),
    )


def cer(references: Iterable[str], readings: Iterable[str]) -> float:
    """Return the character error rate of the readings, over all lines together."""
    pairs = zip(references, readings, strict=True)
    return score([line_errors(reference, reading) for reference, reading in pairs]).cer


def wer(references: Iterable[str], readings: Iterable[str]) -> float:
    """Return the word error rate of the readings, over all lines together."""
    pairs = zip(references, readings, strict=True)
    return score([line_errors(reference, reading) for reference, reading in pairs]).wer


def score(errors: Sequence[LineErrors]) -> Score:
    """Return the rates of the lines together."""
    characters = sum(line.characters for line in errors)
    words = sum(line.words for line in errors)
    return Score(
        lines=len(errors),
        characters=characters,
        words=words,
        cer=error_rate(sum(line.character_edits for line in errors), characters),
        wer=error_rate(sum(line.word_edits for line in errors), words),
    )


def score_by_group(errors: Sequence[LineErrors], groups: Sequence[str]) -> dict[str, Score]:
    """Return the score of every group (a source, a hand), in the order of their names."""
    members: dict[str, list[LineErrors]] = {}
    for line, group in zip(errors, groups, strict=True):
        members.setdefault(group, []).append(line)
    return {group: score(members[group]) for group in sorted(members)}


def error_rate(edits: int, length: int) -> float:
    """Return edits / length; without any reference 0.0 if nothing was read, else 1.0."""
    if length == 0:
        return 0.0 if edits == 0 else 1.0
    return edits / length


def bootstrap_interval(
    edits: Sequence[int],
    lengths: Sequence[int],
    rng: np.random.Generator,
    groups: Sequence[Hashable] | None = None,
    samples: int = BOOTSTRAP_SAMPLES,
    level: float = INTERVAL_LEVEL,
) -> Interval:
    """Return the percentile bootstrap interval of sum(edits) / sum(lengths).

    edits, lengths: one entry a line. groups: the page of every line; lines of one page share a
    hand and a scan, so whole pages are drawn, which widens the interval honestly. Without groups
    lines are drawn. A draw without any reference characters counts as `error_rate` says.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    table = np.stack([np.asarray(edits, float), np.asarray(lengths, float)])  # (2, lines)
    if table.shape[1] == 0:
        return Interval(0.0, 0.0)
    if groups is not None:
        table = _sum_groups(table, groups)
    units = table.shape[1]
    rates = []
    block = max(1, BOOTSTRAP_BLOCK // units)
    for first in range(0, samples, block):
        draws = rng.integers(units, size=(min(block, samples - first), units))
        totals = table[:, draws].sum(axis=2)  # (2, draws)
        without = np.where(totals[0] > 0, 1.0, 0.0)
        rates.append(np.where(totals[1] > 0, totals[0] / np.maximum(totals[1], 1), without))
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(rates), [tail, 1 - tail])
    return Interval(float(low), float(high))


def _sum_groups(table: np.ndarray, groups: Sequence[Hashable]) -> np.ndarray:
    """Return the table with the lines of each group added up: (2, groups)."""
    numbers: Mapping[Hashable, int] = {group: n for n, group in enumerate(dict.fromkeys(groups))}
    index = np.array([numbers[group] for group in groups])
    return np.stack([np.bincount(index, row, len(numbers)) for row in table])
