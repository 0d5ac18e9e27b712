"""Two models on the same lines: how far apart their error rates are, and how sure that is.

The lines are the same, so the comparison is paired: what is resampled is the difference
of the two models' edits. Pages are drawn where there are enough of them, because lines of one page
succeed and fail together; else lines are.

The difference is that of the two micro CERs (sum of edits over sum of characters). Its interval
is the percentile bootstrap's, widened for few units: percentiles of n units are too narrow by
sqrt((n - 1) / n) and by what separates the normal from the t distribution; with five pages they
would call 15 % of all changes of nothing significant. p is two-sided: twice the smaller share of
the (likewise widened) resamples on either side of no difference, with one added to numerator and
denominator, at most 1. So p < 0.05 just when the 95 % interval leaves out 0.

Source: Efron and Tibshirani 1993, chapters 13 and 16; Hesterberg, "What Teachers Should Know About
the Bootstrap", The American Statistician 69(4), 2015, section 3.2 (expanded percentiles);
Davison and Hinkley 1997, section 4.2 (the added one).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from htr.metrics import error_rate, line_errors
from training.errors import TrainingError
from training.lines import TrainLine

Unit = Literal["pages", "lines"]

RESAMPLES = 10_000
MIN_PAGES = 5  # fewer pages make no distribution: lines are drawn instead
MIN_UNITS = 3  # fewer prove nothing at all
LEVEL = 0.95
_BLOCK = 1 << 22  # draws held at once: 32 MB
_Z_INTERVAL = 1.959964  # of the normal distribution, for 95 % both sides
_Z_POWER = 0.841621  # for a power of 80 %


@dataclass(frozen=True)
class LineScore:
    """How one model read one line: the edits that its reading needs, and the line's lengths."""

    key: str
    page: str
    character_edits: int
    characters: int
    word_edits: int
    words: int
    group: str = ""


@dataclass(frozen=True)
class Comparison:
    """Two models on the same lines; rates are 0-1.

    difference: cer_after - cer_before, below 0 is better. interval: its 95 % interval. p: that so
    large a difference, to either side, comes by chance. unit: what was resampled.
    lines_needed: how many lines of this kind there have to be in all so that a difference like
    this one is proven four times in five; None unless the new model read better.
    """

    cer_before: float
    cer_after: float
    wer_before: float
    wer_after: float
    difference: float
    interval: tuple[float, float]
    p: float
    lines: int
    pages: int
    characters: int
    unit: Unit
    lines_needed: int | None

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {**asdict(self), "interval": list(self.interval)}


def score_lines(lines: Sequence[TrainLine], readings: Sequence[str]) -> list[LineScore]:
    """Return how the readings fare, line by line."""
    scores = []
    for line, reading in zip(lines, readings, strict=True):
        errors = line_errors(line.text, reading)
        scores.append(
            LineScore(
                line.key,
                line.page,
                errors.character_edits,
                errors.characters,
                errors.word_edits,
                errors.words,
                line.group,
            )
        )
    return scores


def compare(
    before: Sequence[LineScore],
    after: Sequence[LineScore],
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Return how the new model (after) compares with the current one (before).

    The same scores and seed give the same numbers. No lines at all give a comparison of nothing,
    with p = 1.

    Raises:
        TrainingError: the two did not read the same lines.
    """
    _check_pairs(before, after)
    lengths = np.array([one.characters for one in before], float)
    edits_before = np.array([one.character_edits for one in before], float)
    edits_after = np.array([one.character_edits for one in after], float)
    pages = [one.page for one in before]
    unit: Unit = "pages" if len(set(pages)) >= MIN_PAGES else "lines"
    table = np.stack([edits_after - edits_before, lengths])  # (2, lines)
    if unit == "pages":
        table = _by_page(table, pages)
    difference = _rate(table.sum(axis=1)).item() if len(before) else 0.0
    interval, p = _interval_and_p(table, difference, seed, resamples)
    words = sum(one.words for one in before)
    characters = int(lengths.sum())
    return Comparison(
        cer_before=error_rate(int(edits_before.sum()), characters),
        cer_after=error_rate(int(edits_after.sum()), characters),
        wer_before=error_rate(sum(one.word_edits for one in before), words),
        wer_after=error_rate(sum(one.word_edits for one in after), words),
        difference=difference,
        interval=interval,
        p=p,
        lines=len(before),
        pages=len(set(pages)),
        characters=characters,
        unit=unit,
        lines_needed=_lines_needed(table, difference, len(before)),
    )


def _check_pairs(before: Sequence[LineScore], after: Sequence[LineScore]) -> None:
    def what(scores: Sequence[LineScore]) -> list[tuple[str, int]]:
        return [(one.key, one.characters) for one in scores]

    if what(before) != what(after):
        raise TrainingError(
            f"The two models did not read the same lines ({len(before)} and {len(after)}), so they "
            "cannot be compared. Start the training again."
        )


def _by_page(table: np.ndarray, pages: Sequence[str]) -> np.ndarray:
    """Return the table with the lines of each page added up: (2, lines) -> (2, pages)."""
    numbers = {page: number for number, page in enumerate(dict.fromkeys(pages))}
    index = np.array([numbers[page] for page in pages])
    return np.stack([np.bincount(index, row, len(numbers)) for row in table])


def _rate(totals: np.ndarray) -> np.ndarray:
    """Return edits / characters of totals (2, ...); 0 where there are no characters."""
    return np.where(totals[1] > 0, totals[0] / np.maximum(totals[1], 1), 0.0)


def _interval_and_p(
    table: np.ndarray, difference: float, seed: int, resamples: int
) -> tuple[tuple[float, float], float]:
    """Return the interval of the difference, and p. table: (2, units), edits and characters."""
    units = table.shape[1]
    if units < MIN_UNITS:
        return (-1.0, 1.0), 1.0
    rng = np.random.default_rng(seed)
    rates = []
    block = max(1, _BLOCK // units)
    for first in range(0, resamples, block):
        draws = rng.integers(units, size=(min(block, resamples - first), units))
        rates.append(_rate(table[:, draws].sum(axis=2)))
    drawn = difference + _widening(units) * (np.concatenate(rates) - difference)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    smaller = min(np.count_nonzero(drawn >= 0), np.count_nonzero(drawn <= 0))
    return (float(low), float(high)), min(1.0, 2 * (1 + int(smaller)) / (resamples + 1))


def _widening(units: int) -> float:
    """Return what the deviations of resamples of so few units have to be multiplied by."""
    return _t_quantile(units - 1) / _Z_INTERVAL * math.sqrt(units / (units - 1))


def _t_quantile(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t, within 4 % for 2 degrees of freedom or more.

    Source: Abramowitz and Stegun 1964, 26.7.5.
    """
    z, v = _Z_INTERVAL, freedom
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )


def _lines_needed(table: np.ndarray, difference: float, lines: int) -> int | None:
    """Return how many lines would prove this gain with a power of 80 %; None if it is none.

    The standard error of a ratio falls with the root of the number of units; asked is where it is
    small enough that a normal variable with this mean is significant in 80 % of the cases.

    Source: Cochran, "Sampling Techniques", 1977, section 2.11 (the ratio's variance).
    """
    units = table.shape[1]
    if difference >= 0 or units < 2:
        return None
    residuals = table[0] - difference * table[1]  # (units,)
    deviation = float(np.sqrt((residuals**2).sum() / (units - 1)))
    one_unit = deviation / float(table[1].mean())  # the standard error with a single unit
    needed = math.ceil(((_Z_INTERVAL + _Z_POWER) * one_unit / difference) ** 2)
    return max(MIN_UNITS, needed) * max(1, round(lines / units))
