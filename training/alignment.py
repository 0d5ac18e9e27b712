"""What was misread as what: a reading laid beside its reference, character by character."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from htr.metrics import normalise

StepKind = Literal["same", "substitution", "deletion", "insertion"]

MAX_CELLS = 200_000  # of the table: lines of 440 characters; longer ones become a single step
MAX_EXAMPLES = 5


@dataclass(frozen=True)
class Step:
    """One step of an alignment. deletion: `true` was not read; insertion: `read` is not there."""

    kind: StepKind
    true: str
    read: str


@dataclass(frozen=True)
class Confusion:
    """A misreading, how often it occurs, and in which lines, by their keys."""

    kind: StepKind
    true: str
    read: str
    count: int
    examples: tuple[str, ...]


def align(reference: str, reading: str) -> list[Step]:
    """Return the steps that turn the normalised reference into the reading, with fewest edits.

    Of several ways with as few edits, the one is taken that, from the end, keeps a letter before
    it substitutes, and substitutes before it drops or inserts.

    Source: Levenshtein 1966; Wagner and Fischer 1974 (the table and the way back).
    """
    true, read = normalise(reference), normalise(reading)
    if (len(true) + 1) * (len(read) + 1) > MAX_CELLS:
        return [Step("same" if true == read else "substitution", true, read)]
    table = _distances(true, read)
    steps: list[Step] = []
    row, column = len(true), len(read)
    while row or column:
        here = table[row][column]
        if row and column and true[row - 1] == read[column - 1]:
            if here == table[row - 1][column - 1]:
                steps.append(Step("same", true[row - 1], read[column - 1]))
                row, column = row - 1, column - 1
                continue
        if row and column and here == table[row - 1][column - 1] + 1:
            steps.append(Step("substitution", true[row - 1], read[column - 1]))
            row, column = row - 1, column - 1
        elif row and here == table[row - 1][column] + 1:
            steps.append(Step("deletion", true[row - 1], ""))
            row -= 1
        else:
            steps.append(Step("insertion", "", read[column - 1]))
            column -= 1
    return steps[::-1]


def confusions(alignments: Iterable[tuple[str, Sequence[Step]]]) -> list[Confusion]:
    """Return the misreadings in (key, alignment) pairs, most frequent first."""
    counts: Counter[tuple[StepKind, str, str]] = Counter()
    examples: dict[tuple[StepKind, str, str], list[str]] = {}
    for key, steps in alignments:
        for step in steps:
            if step.kind == "same":
                continue
            what = (step.kind, step.true, step.read)
            counts[what] += 1
            keys = examples.setdefault(what, [])
            if len(keys) < MAX_EXAMPLES and key not in keys:
                keys.append(key)
    ordered = sorted(counts, key=lambda what: (-counts[what], what))
    return [Confusion(*what, counts[what], tuple(examples[what])) for what in ordered]


def recalled(alignment: Sequence[Step], character: str) -> tuple[int, int]:
    """Return how often the character was read where it stands, and how often it stands there."""
    there = [step for step in alignment if step.true == character]
    return sum(step.kind == "same" for step in there), len(there)


def _distances(true: str, read: str) -> list[list[int]]:
    """Return the edits between all beginnings of both texts: (len(true) + 1, len(read) + 1)."""
    table = [list(range(len(read) + 1))]
    for row, letter in enumerate(true, start=1):
        above, here = table[-1], [row]
        for column, other in enumerate(read, start=1):
            here.append(
                min(
                    above[column] + 1,
                    here[column - 1] + 1,
                    above[column - 1] + (letter != other),
                )
            )
        table.append(here)
    return table
