"""The outcomes of the fine-tuning benchmark as tables and curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

FULL, WITHOUT_TCM = "full", "without tcm"
MEAN = "mean"


@dataclass(frozen=True)
class Outcome:
    """What one training gave; rates 0-1.

    size: lines learned, 0 for the shipped model. variant: "full", or "without tcm".
    reference_cer: on lines of other hands. bare_cer, bare_reference_cer: the same of the trained
    weights, not mixed with the old ones.
    readings: lines that nobody corrected, of which readings taught.
    new_found, new_characters: characters that it lacks and could learn, read and written.
    """

    hand: str
    size: int
    seed: int
    variant: str
    cer: float
    reference_cer: float
    bare_cer: float
    bare_reference_cer: float
    new_found: int
    new_characters: int
    test_lines: int
    peak_gb: float
    steps: int = 0
    interpolation: float = 0.0
    readings: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


def curves(outcomes: Sequence[Outcome]) -> dict[str, list[tuple[int, float]]]:
    """Return name of the hand -> (lines learned, median CER of the seeds), and their mean.

    The mean has only the sizes that every hand has.
    """
    kept = [outcome for outcome in outcomes if outcome.variant == FULL]
    hands = sorted({outcome.hand for outcome in kept})
    sizes = sorted({outcome.size for outcome in kept})
    found: dict[str, list[tuple[int, float]]] = {hand: [] for hand in hands}
    mean: list[tuple[int, float]] = []
    for size in sizes:
        cers = []
        for hand in hands:
            of_hand = [o.cer for o in kept if (o.hand, o.size) == (hand, size)]
            if of_hand:
                cers.append(median(of_hand))
                found[hand].append((size, cers[-1]))
        if len(cers) == len(hands):
            mean.append((size, sum(cers) / len(cers)))
    return found | {MEAN: mean}


def report_text(outcomes: Sequence[Outcome]) -> str:
    """Return all tables in Markdown."""
    return "\n\n".join(
        part
        for part in (
            _error_table(outcomes),
            _cost_table(outcomes),
            _new_table(outcomes),
            _bare_table(outcomes),
            _tcm_table(outcomes),
        )
        if part
    )


def _error_table(outcomes: Sequence[Outcome]) -> str:
    """CER by hand and lines learned, with its change; the last row is the mean over hands."""
    found = curves(outcomes)
    sizes = sorted({size for points in found.values() for size, _ in points})
    rows = ["| CER | " + " | ".join(f"{size} lines" for size in sizes) + " |"]
    rows.append("|---" * (len(sizes) + 1) + "|")
    for name, points in found.items():
        cers = dict(points)
        first = cers.get(0)
        cells = []
        for size in sizes:
            if size not in cers:
                cells.append("-")
            elif size and first:
                cells.append(f"{cers[size]:.3f} ({(cers[size] / first - 1) * 100:+.1f} %)")
            else:
                cells.append(f"{cers[size]:.3f}")
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _cost_table(outcomes: Sequence[Outcome]) -> str:
    """Time, memory and forgetting by lines learned: medians over hands and seeds."""
    kept = [outcome for outcome in outcomes if outcome.variant == FULL and outcome.size]
    start = _start(outcomes)
    rows = [
        "| lines | runs | with readings of undecided lines | steps | minutes | CPU minutes "
        "| peak GB | share of the new weights | forgotten, points (most) |",
        "|---" * 9 + "|",
    ]
    for size in sorted({outcome.size for outcome in kept}):
        those = [outcome for outcome in kept if outcome.size == size]

        def middle(value: Callable[[Outcome], float], runs: list[Outcome] = those) -> float:
            return median(value(run) for run in runs)

        lost = [100 * (run.reference_cer - start) for run in those]
        rows.append(
            f"| {size} | {len(those)} | {sum(o.readings > 0 for o in those)} "
            f"| {middle(lambda o: o.steps):.0f} "
            f"| {middle(lambda o: o.seconds / 60):.1f} "
            f"| {middle(lambda o: o.cpu_seconds / 60):.1f} "
            f"| {max(o.peak_gb for o in those):.2f} | {middle(lambda o: o.interpolation):.2f} "
            f"| {median(lost):+.2f} ({max(lost):+.2f}) |"
        )
    return "\n".join(rows) if len(rows) > 2 else ""


def _new_table(outcomes: Sequence[Outcome]) -> str:
    """Recall of characters that the shipped model lacks, all seeds together."""
    kept = [o for o in outcomes if o.variant == FULL and o.new_characters]
    sizes = sorted({outcome.size for outcome in kept})
    if not sizes:
        return ""
    rows = ["| new characters read | " + " | ".join(f"{size} lines" for size in sizes) + " |"]
    rows.append("|---" * (len(sizes) + 1) + "|")
    for hand in sorted({outcome.hand for outcome in kept}):
        cells = []
        for size in sizes:
            those = [o for o in kept if (o.hand, o.size) == (hand, size)]
            found = sum(o.new_found for o in those)
            cells.append(f"{found} of {sum(o.new_characters for o in those)}" if those else "-")
        rows.append(f"| {hand} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _bare_table(outcomes: Sequence[Outcome]) -> str:
    """What mixing the trained weights with the old ones is worth: means over hands and seeds."""
    kept = [outcome for outcome in outcomes if outcome.variant == FULL and outcome.size]
    if not kept:
        return ""
    start = _start(outcomes)
    rows = [
        "| lines | CER mixed with the old weights / not | forgotten mixed / not, points |",
        "|---|---|---|",
    ]
    for size in sorted({outcome.size for outcome in kept}):
        those = [outcome for outcome in kept if outcome.size == size]
        rows.append(
            f"| {size} | {fmean(o.cer for o in those):.3f} / "
            f"{fmean(o.bare_cer for o in those):.3f} "
            f"| {100 * (fmean(o.reference_cer for o in those) - start):+.2f} / "
            f"{100 * (fmean(o.bare_reference_cer for o in those) - start):+.2f} |"
        )
    return "\n".join(rows)


def _tcm_table(outcomes: Sequence[Outcome]) -> str:
    """The same trainings with and without the TCM's loss, weights not mixed."""
    rows = ["| hand, lines, seed | CER with / without TCM | difference |", "|---|---|---|"]
    differences = []
    for other in sorted(outcomes, key=lambda o: (o.hand, o.size, o.seed)):
        for run in outcomes:
            key = (other.hand, other.size, other.seed, FULL)
            same = (run.hand, run.size, run.seed, run.variant) == key
            if other.variant == WITHOUT_TCM and same:
                differences.append(run.bare_cer - other.bare_cer)
                rows.append(
                    f"| {run.hand}, {run.size}, {run.seed} "
                    f"| {run.bare_cer:.3f} / {other.bare_cer:.3f} | {differences[-1]:+.3f} |"
                )
    if not differences:
        return ""
    spread = f", standard deviation {stdev(differences):.3f}" if len(differences) > 1 else ""
    return "\n".join([*rows, f"| mean | | {fmean(differences):+.4f}{spread} |"])


def _start(outcomes: Sequence[Outcome]) -> float:
    """Return the shipped model's CER on the reference lines."""
    return next((o.reference_cer for o in outcomes if o.size == 0), float("nan"))
