"""The outcomes of the fine-tuning benchmark as tables and curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

GUARDED, BARE = "guarded", "bare"
MEAN = "mean"


@dataclass(frozen=True)
class Outcome:
    """What one training gave; rates 0-1.

    size: lines learned, 0 for the shipped model. reference_cer: on lines of other hands.
    new_found, new_characters: characters that the shipped model lacks, read and written.
    """

    hand: str
    size: int
    seed: int
    variant: str
    cer: float
    reference_cer: float
    new_found: int
    new_characters: int
    test_lines: int
    peak_gb: float
    steps: int = 0
    interpolation: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


def curves(outcomes: Sequence[Outcome]) -> dict[str, list[tuple[int, float]]]:
    """Return name of the hand -> (lines learned, median CER of the seeds), and their mean.

    The mean has only the sizes that every hand has.
    """
    kept = [outcome for outcome in outcomes if outcome.variant == GUARDED]
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
    kept = [outcome for outcome in outcomes if outcome.variant == GUARDED and outcome.size]
    start = _start(outcomes)
    rows = [
        "| lines | runs | steps | minutes | CPU minutes | peak GB | share of the new weights "
        "| forgotten, points (most) |",
        "|---" * 8 + "|",
    ]
    for size in sorted({outcome.size for outcome in kept}):
        those = [outcome for outcome in kept if outcome.size == size]

        def middle(value: Callable[[Outcome], float], runs: list[Outcome] = those) -> float:
            return median(value(run) for run in runs)

        lost = [100 * (run.reference_cer - start) for run in those]
        rows.append(
            f"| {size} | {len(those)} | {middle(lambda o: o.steps):.0f} "
            f"| {middle(lambda o: o.seconds / 60):.1f} "
            f"| {middle(lambda o: o.cpu_seconds / 60):.1f} "
            f"| {max(o.peak_gb for o in those):.2f} | {middle(lambda o: o.interpolation):.2f} "
            f"| {median(lost):+.2f} ({max(lost):+.2f}) |"
        )
    return "\n".join(rows) if len(rows) > 2 else ""


def _new_table(outcomes: Sequence[Outcome]) -> str:
    """Recall of characters that the shipped model lacks, all seeds together."""
    kept = [o for o in outcomes if o.variant == GUARDED and o.new_characters]
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
    """The same trainings with and without the guard's measures."""
    start = _start(outcomes)
    rows = [
        "| hand, lines | CER with / without the guard's measures "
        "| forgotten with / without, points |",
        "|---|---|---|",
    ]
    for bare in outcomes:
        if bare.variant != BARE:
            continue
        for run in outcomes:
            key = (bare.hand, bare.size, bare.seed, GUARDED)
            if (run.hand, run.size, run.seed, run.variant) == key:
                rows.append(
                    f"| {run.hand}, {run.size} | {run.cer:.3f} / {bare.cer:.3f} "
                    f"| {100 * (run.reference_cer - start):+.2f} / "
                    f"{100 * (bare.reference_cer - start):+.2f} |"
                )
    return "\n".join(rows) if len(rows) > 2 else ""


def _start(outcomes: Sequence[Outcome]) -> float:
    """Return the shipped model's CER on the reference lines."""
    return next((o.reference_cer for o in outcomes if o.size == 0), float("nan"))
