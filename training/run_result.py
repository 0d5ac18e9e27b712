"""What a training came to: the gate's judgement, and the figures that the run keeps of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

import storage
from training.finetune_config import FinetuneResult
from training.frozen_lines import Snapshot
from training.gate import (
    Comparison,
    Forgetting,
    Verdict,
    compare,
    forgetting,
    score_lines,
    verdict,
)
from training.promotion import Promotion

FORGETTING = ("before", "after", "change", "warn", "lines", "sentence")  # what the run keeps of it


@dataclass(frozen=True)
class Readings:
    """What one model read on the lines that test, and on those that tell whether it forgets."""

    test: list[str]
    reference: list[str]


@dataclass(frozen=True)
class Judgement:
    """What the gate found; forgetting: None where there are no reference lines."""

    comparison: Comparison
    forgetting: Forgetting | None
    verdict: Verdict


def judge(snapshot: Snapshot, before: Readings, after: Readings) -> Judgement:
    """Return what the readings of the base model and of the new one come to."""
    seed = snapshot.seed
    comparison = compare(
        score_lines(snapshot.test, before.test), score_lines(snapshot.test, after.test), seed
    )
    forgotten = None
    if snapshot.reference:
        forgotten = forgetting(
            score_lines(snapshot.reference, before.reference),
            score_lines(snapshot.reference, after.reference),
            seed,
        )
    return Judgement(comparison, forgotten, verdict(comparison, forgotten))


def how_made(learned: FinetuneResult) -> dict[str, Any]:
    """Return how the new model was made, as JSON values."""
    return {
        "steps": learned.steps,
        "seconds": round(learned.seconds, 1),
        "interpolation": learned.interpolation,
        "stopped": learned.stopped,
        "threads": torch.get_num_threads(),
        "settings": learned.settings,
    }


def run_result(
    base: storage.Model, learned: FinetuneResult, judged: Judgement, promotion: Promotion
) -> dict[str, Any]:
    """Return what the run in the database tells of its end, as JSON values; rates are 0-1.

    Figures of a comparison of no lines are None.
    """
    comparison, forgotten = judged.comparison, judged.forgetting
    tested = comparison.as_json() if comparison.lines else {}
    names = ("cer_before", "cer_after", "wer_before", "wer_after", "difference", "interval", "p")
    reference = forgotten.as_json() if forgotten else None
    return {
        "verdict": judged.verdict.kind,
        "sentence": promotion.sentence,
        "warnings": list(judged.verdict.warnings),
        "promoted": promotion.promoted,
        "model_id": promotion.model.id if promotion.model else None,
        "base_model_id": base.id,
        **{name: tested.get(name) for name in names},
        "lines": comparison.lines,
        "pages": comparison.pages,
        "unit": comparison.unit,
        "lines_needed": judged.verdict.lines_needed,
        "forgetting": reference and {name: reference[name] for name in FORGETTING},
        "interpolation": learned.interpolation,
        "steps": learned.steps,
        "seconds": round(learned.seconds, 1),
        "stopped": learned.stopped,
    }
