"""How the work goes on: lines decided a day, how well the machine reads, what typing it saves.

The machine's reading is measured against the text that a person made of it: character error rate
as in `htr.metrics`. Typed by hand, a line takes as many key presses as it has characters, and one
to go on; beside the machine's reading it takes one for each edit, and one to go on. The difference
is what is saved; moving the caret to the place of an edit is not counted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeVar

import storage
from htr.metrics import line_errors

MAX_OFFSET_MIN = 24 * 60
Key = TypeVar("Key")


@dataclass(frozen=True)
class Tally:
    """Sums over some lines.

    lines: decided by people; confirmed: of them as the machine had read them. measured: lines that
    a machine had read before; edits, characters: of their readings against their texts.
    """

    lines: int = 0
    confirmed: int = 0
    measured: int = 0
    edits: int = 0
    characters: int = 0

    @property
    def cer(self) -> float | None:
        """Character error rate of the machine's readings; None where nothing was measured."""
        return self.edits / self.characters if self.characters else None

    @property
    def typed(self) -> int:
        """Key presses that the measured lines would have taken without a machine."""
        return self.characters + self.measured

    @property
    def saved(self) -> int:
        """Key presses that the machine's readings have spared; negative where they cost some."""
        return self.characters - self.edits


@dataclass(frozen=True)
class Progress:
    """The work so far: by day, the oldest first, by model, the oldest first, and all of it."""

    days: tuple[tuple[date, Tally], ...]
    models: tuple[tuple[int, Tally], ...]
    total: Tally


class ProgressBook:
    """Tells how the work goes on; what it has measured once it remembers."""

    def __init__(self, store: storage.Store) -> None:
        """Tell of the work in `store`."""
        self._store = store
        self._lock = threading.Lock()
        self._errors: dict[tuple[str, str], tuple[int, int]] = {}

    def progress(self, offset_min: int = 0) -> Progress:
        """Return how the work goes on.

        offset_min: minutes that the reader's clock is ahead of UTC: their days are counted.
        """
        ahead = timedelta(minutes=max(-MAX_OFFSET_MIN, min(MAX_OFFSET_MIN, offset_min)))
        lines = storage.decided_lines(self._store)
        with self._lock:
            self._measure(lines)
            tallies = [self._tally(line) for line in lines]
        days = _sums(((line.decided + ahead).date(), one) for line, one in _zip(lines, tallies))
        models = _sums(
            (line.model_id, one)
            for line, one in _zip(lines, tallies)
            if line.model_id is not None and one.measured
        )
        total = _sums(("", one) for one in tallies)
        return Progress(
            tuple(sorted(days.items())), tuple(sorted(models.items())), total.get("", Tally())
        )

    def _measure(self, lines: Sequence[storage.DecidedLine]) -> None:
        """Measure what was not measured yet, and forget what is not asked for any more."""
        pairs = {(line.text, line.reading) for line in lines if line.reading is not None}
        known = {pair: found for pair, found in self._errors.items() if pair in pairs}
        for text, reading in pairs - known.keys():
            errors = line_errors(text, reading or "")
            known[text, reading or ""] = (errors.character_edits, errors.characters)
        self._errors = known

    def _tally(self, line: storage.DecidedLine) -> Tally:
        tally = Tally(lines=1, confirmed=int(line.status == "confirmed"))
        if line.reading is None or not line.text.strip():
            return tally
        edits, characters = self._errors[line.text, line.reading]
        return replace(tally, measured=1, edits=edits, characters=characters)


def _zip(
    lines: Sequence[storage.DecidedLine], tallies: Sequence[Tally]
) -> Iterable[tuple[storage.DecidedLine, Tally]]:
    return zip(lines, tallies, strict=True)


def _sums(tallies: Iterable[tuple[Key, Tally]]) -> dict[Key, Tally]:
    """Return the sums of tallies by key."""
    found: dict[Key, list[int]] = {}
    for key, one in tallies:
        sums = found.setdefault(key, [0] * 5)
        for place, number in enumerate(
            (one.lines, one.confirmed, one.measured, one.edits, one.characters)
        ):
            sums[place] += number
    return {key: Tally(*sums) for key, sums in found.items()}
