"""The gate: is the new model better than the current one, worse, or is nothing proven?

`compare` (from `comparison`) has the figures, `verdict` what follows and what the user is told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from training.comparison import Comparison, LineScore, compare, score_lines
from training.split import TEST_SHARE

__all__ = [
    "Comparison",
    "Forgetting",
    "GroupChange",
    "LineScore",
    "Verdict",
    "compare",
    "forgetting",
    "score_lines",
    "verdict",
]

VerdictKind = Literal["better", "not proven", "worse"]

SIGNIFICANCE = 0.05  # of the two-sided p
WORSE_CER = 0.005  # a CER that is higher by more than half a point is refused, proven or not
FORGETTING_CER = 0.01  # a rise on other handwriting by more than a point is warned of
MIN_GROUP_LINES = 20  # a group of fewer lines is shown, but warns of nothing by itself
MOST_LINES_TOLD = 5000  # more than anybody would correct to prove a point


@dataclass(frozen=True)
class GroupChange:
    """What became of one part of the reference lines; rates 0-1."""

    group: str
    lines: int
    cer_before: float
    cer_after: float


@dataclass(frozen=True)
class Forgetting:
    """What the new model has unlearned: both models on the reference lines; rates 0-1.

    change: after - before. warn: it, or that of a group, is above FORGETTING_CER.
    """

    before: float
    after: float
    change: float
    interval: tuple[float, float]
    p: float
    lines: int
    warn: bool
    sentence: str
    groups: tuple[GroupChange, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {**asdict(self), "interval": list(self.interval)}


@dataclass(frozen=True)
class Verdict:
    """What is to happen with the new model.

    kind: "better": put it to use; "not proven": the user decides; "worse": refuse it.
    sentence: in plain words, with the figures. lines_needed: how many more corrected lines are
    likely to prove the gain, test and teaching lines together; None where that cannot be said.
    """

    kind: VerdictKind
    sentence: str
    lines_needed: int | None
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {**asdict(self), "warnings": list(self.warnings)}


def forgetting(
    before: Sequence[LineScore], after: Sequence[LineScore], seed: int = 0
) -> Forgetting:
    """Return what the model has unlearned, from both models' scores on the reference lines.

    Raises:
        TrainingError: the two did not read the same lines.
    """
    whole = compare(before, after, seed)
    groups = []
    for name in dict.fromkeys(one.group for one in before):
        old = [one for one in before if one.group == name]
        new = [one for one in after if one.group == name]
        part = compare(old, new, seed, resamples=1)  # its rates are asked for, not its interval
        groups.append(GroupChange(name, part.lines, part.cer_before, part.cer_after))
    worst = max(
        (one for one in groups if one.lines >= MIN_GROUP_LINES),
        key=lambda one: one.cer_after - one.cer_before,
        default=None,
    )
    rises = worst is not None and worst.cer_after - worst.cer_before > FORGETTING_CER
    warn = whole.lines > 0 and (whole.difference > FORGETTING_CER or rises)
    return Forgetting(
        before=whole.cer_before,
        after=whole.cer_after,
        change=whole.difference,
        interval=whole.interval,
        p=whole.p,
        lines=whole.lines,
        warn=warn,
        sentence=_forgetting_sentence(whole, worst if rises else None),
        groups=tuple(groups),
    )


def verdict(comparison: Comparison, forgotten: Forgetting | None = None) -> Verdict:
    """Return what follows for the new model.

    Better: fewer errors with p < 0.05. Worse: more errors with p < 0.05, or a CER that is higher
    by more than WORSE_CER whatever p is. What it has forgotten warns, and changes nothing else.
    """
    warnings = (forgotten.sentence,) if forgotten is not None and forgotten.warn else ()
    now, was = shown_rate(comparison.cer_after), shown_rate(comparison.cer_before)
    proven = comparison.p < SIGNIFICANCE
    if comparison.lines == 0:
        sentence = (
            "Nothing is proven: there are no test lines. Look at some pages that it reads, and "
            "decide; you can go back at any time."
        )
        return Verdict("not proven", sentence, None, warnings)
    if comparison.difference < 0 and proven:
        sentence = (
            f"It now misreads {now} of the characters (was {was}; surely better: "
            f"{shown_p(comparison.p)})."
        )
        return Verdict("better", sentence, None, warnings)
    if comparison.difference > WORSE_CER or (comparison.difference > 0 and proven):
        sure = f"surely worse: {shown_p(comparison.p)}" if proven else shown_p(comparison.p)
        sentence = (
            f"It misreads {now} of the characters (was {was}; {sure}), so it is not put to use. "
            "Correct more lines, and look at those marked as suspicious."
        )
        return Verdict("worse", sentence, None, warnings)
    return _not_proven(comparison, now, was, warnings)


def shown_rate(rate: float) -> str:
    """Return a rate (0-1) for people, such as "9.2 %" or "18 %"."""
    percent = 100 * rate
    return f"{percent:.1f} %" if abs(percent) < 9.95 else f"{percent:.0f} %"


def shown_points(change: float) -> str:
    """Return a change of a rate (0-1) for people, such as "+0.4 points"."""
    return f"{100 * change:+.1f} points".replace("-", "\N{MINUS SIGN}")


def shown_p(p: float) -> str:
    """Return a p value for people, such as "p = 0.003"."""
    if p < 0.001:
        return "p < 0.001"
    # Cut, not rounded: 0.0496 must not be shown as 0.05 beside "surely".
    return f"p = {math.floor(p * 1000) / 1000:.3f}" if p < 0.1 else f"p = {p:.2f}"


def _not_proven(comparison: Comparison, now: str, was: str, warnings: tuple[str, ...]) -> Verdict:
    lines = f"{comparison.lines} test {'line' if comparison.lines == 1 else 'lines'}"
    if comparison.difference >= 0:
        what = "the same share" if comparison.difference == 0 else "hardly more"
        sentence = (
            f"It misreads {now} of the characters (was {was}): {what}, and no gain on {lines} "
            f"({shown_p(comparison.p)}). Decide yourself, or correct more lines and teach again."
        )
        return Verdict("not proven", sentence, None, warnings)
    needed = _more_lines(comparison)
    if needed is None:
        hint = "So small a gain can hardly be proven. Decide yourself."
    else:
        hint = (
            f"About {needed:,} more corrected lines, of which every fifth tests, are likely to "
            "prove a gain like this. Until then you decide."
        )
    sentence = (
        f"It misreads {now} of the characters (was {was}), but {lines} are too few to be sure "
        f"({shown_p(comparison.p)}). {hint}"
    )
    return Verdict("not proven", sentence, needed, warnings)


def _more_lines(comparison: Comparison) -> int | None:
    """Return how many more lines to correct, so that the fifth of them that tests suffices."""
    if comparison.lines_needed is None:
        return None
    more = max(1, comparison.lines_needed - comparison.lines)
    corrected = _rounded(more / TEST_SHARE)
    return corrected if corrected <= MOST_LINES_TOLD else None


def _rounded(value: float) -> int:
    """Return the number rounded up to two digits, as an estimate is told."""
    if value < 20:
        return math.ceil(value / 5) * 5
    step = 10 ** max(1, math.floor(math.log10(value)) - 1)
    return math.ceil(value / step) * step


def _forgetting_sentence(whole: Comparison, worst: GroupChange | None) -> str:
    if whole.lines == 0:
        return "Other handwriting was not tested: there are no reference lines."
    figures = f"{shown_rate(whole.cer_after)}, was {shown_rate(whole.cer_before)}"
    if whole.difference > FORGETTING_CER:
        return (
            f"On other handwriting it reads worse than before ({figures}). Keep the model before "
            "it for other hands."
        )
    if worst is not None:
        return (
            f"On a part of other handwriting ({worst.group}) it reads worse than before "
            f"({shown_rate(worst.cer_after)}, was {shown_rate(worst.cer_before)}). Keep the model "
            "before it for other hands."
        )
    if whole.difference < -FORGETTING_CER:
        return f"On other handwriting it reads better than before ({figures})."
    return f"On other handwriting it reads as before ({figures})."
