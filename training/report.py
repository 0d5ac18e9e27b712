"""The report of a run: JSON values that say what changed, for the report page and for export."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from htr.metrics import Interval, bootstrap_interval
from training.alignment import MAX_EXAMPLES, Confusion, Step, align, confusions, recalled
from training.comparison import MIN_PAGES, Comparison, LineScore, score_lines
from training.frozen_lines import Snapshot
from training.gate import Forgetting, Verdict
from training.reference import corrected_ones

VERSION = 1
MAX_CONFUSIONS = 25
MAX_CHANGED_LINES = 30  # shown on either side, the most changed first
MAX_SKIPPED = 50
MAX_CURVE_POINTS = 500


class CurvePoint(Protocol):
    """How far the training was at a step, as `finetune` tells it."""

    @property
    def step(self) -> int:
        """Steps done."""

    @property
    def loss(self) -> float | None:
        """The mean loss since the point before; None where there was none."""

    @property
    def cer(self) -> float | None:
        """The error rate (0-1) on test lines; None where not measured."""


@dataclass(frozen=True)
class _ReadLine:
    """A test line with what the current and the new model read on it."""

    key: str
    text: str
    before: str
    after: str
    edits_before: int
    edits_after: int


def build_report(
    *,
    snapshot: Snapshot,
    readings_before: Sequence[str],
    readings_after: Sequence[str],
    comparison: Comparison,
    verdict: Verdict,
    forgetting: Forgetting | None,
    curve: Sequence[CurvePoint],
    training: Mapping[str, Any],
    base_name: str,
    candidate_name: str,
    created: str,
    new_characters: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the report as JSON values; rates are 0-1, images are named by the keys of lines.

    readings_before, readings_after: of the snapshot's test lines by the current and the new model.
    training: how the model was made, JSON values such as steps, seconds, interpolation, settings.
    created: ISO 8601. new_characters: what the base could not write, in NFC.
    """
    scores_before = score_lines(snapshot.test, readings_before)
    scores_after = score_lines(snapshot.test, readings_after)
    before = [
        align(line.text, reading)
        for line, reading in zip(snapshot.test, readings_before, strict=True)
    ]
    after = [
        align(line.text, reading)
        for line, reading in zip(snapshot.test, readings_after, strict=True)
    ]
    lines = [
        _ReadLine(line.key, line.text, was_read, is_read, was.character_edits, now.character_edits)
        for line, was_read, is_read, was, now in zip(
            snapshot.test, readings_before, readings_after, scores_before, scores_after, strict=True
        )
    ]
    better = sorted(
        (line for line in lines if line.edits_after < line.edits_before),
        key=lambda line: line.edits_after - line.edits_before,
    )
    worse = sorted(
        (line for line in lines if line.edits_after > line.edits_before),
        key=lambda line: line.edits_before - line.edits_after,
    )
    seed = snapshot.seed
    report = {
        "version": VERSION,
        "created": created,
        "base": {"id": snapshot.facts.base_model_id, "name": base_name},
        "candidate": {"name": candidate_name},
        "verdict": verdict.as_json(),
        "comparison": comparison.as_json(),
        "scores": {
            "cer": _rates(scores_before, scores_after, "character_edits", "characters", seed),
            "wer": _rates(scores_before, scores_after, "word_edits", "words", seed),
        },
        "forgetting": None if forgetting is None else forgetting.as_json(),
        "new_characters": [
            _learned(character, snapshot, before, after) for character in new_characters
        ],
        "confusions": _both_confusions([line.key for line in snapshot.test], before, after),
        "lines": {
            "better": [asdict(line) for line in better[:MAX_CHANGED_LINES]],
            "worse": [asdict(line) for line in worse[:MAX_CHANGED_LINES]],
            "better_count": len(better),
            "worse_count": len(worse),
            "same_count": len(lines) - len(better) - len(worse),
        },
        "curve": [
            {"step": point.step, "loss": point.loss, "cer": point.cer} for point in _thinned(curve)
        ],
        "training": dict(training),
        "snapshot": {
            "sha256": snapshot.sha256,
            "train_lines": len(snapshot.train),
            "test_lines": len(snapshot.test),
            "train_pages": len({line.page for line in snapshot.train}),
            "test_pages": len({line.page for line in snapshot.test}),
            "reference_lines": len(snapshot.reference),
            "replay_lines": len(corrected_ones(snapshot.replay)),
            "split": snapshot.facts.split_kind,
            "explanation": snapshot.facts.explanation,
            "warnings": list(snapshot.facts.warnings),
            "skipped": list(snapshot.facts.skipped[:MAX_SKIPPED]),
            "seed": snapshot.seed,
        },
    }
    clean: dict[str, Any] = _finite(report)
    return clean


def report_keys(report: Mapping[str, Any]) -> list[str]:
    """Return the keys of all lines whose image the report shows, each once, in its order."""
    lines, found = report.get("lines"), report.get("confusions")
    rows = [
        row
        for side in ("better", "worse")
        for row in (lines.get(side, []) if isinstance(lines, Mapping) else [])
        if isinstance(row, Mapping)
    ]
    keys = [row.get("key") for row in rows]
    for confusion in found if isinstance(found, list) else []:
        if isinstance(confusion, Mapping) and isinstance(confusion.get("examples"), list):
            keys += confusion["examples"]
    return list(dict.fromkeys(key for key in keys if isinstance(key, str)))


def _rates(
    before: Sequence[LineScore], after: Sequence[LineScore], edits: str, lengths: str, seed: int
) -> dict[str, Any]:
    """Return a rate of both models, each with its own 95 % interval."""
    rates: dict[str, Any] = {}
    pages = [one.page for one in before]
    groups = pages if len(set(pages)) >= MIN_PAGES else None
    for name, scores in (("before", before), ("after", after)):
        wrong = [getattr(one, edits) for one in scores]
        all_of_it = [getattr(one, lengths) for one in scores]
        interval = Interval(0.0, 0.0)
        if scores:
            rng = np.random.default_rng(seed)
            interval = bootstrap_interval(wrong, all_of_it, rng, groups)
        rates[name] = sum(wrong) / max(1, sum(all_of_it))
        rates[f"{name}_interval"] = [interval.low, interval.high]
    return rates


def _learned(
    character: str,
    snapshot: Snapshot,
    before: Sequence[Sequence[Step]],
    after: Sequence[Sequence[Step]],
) -> dict[str, Any]:
    """Return how well a character that was new to the model is read on the test lines."""
    old = [recalled(steps, character) for steps in before]
    new = [recalled(steps, character) for steps in after]
    return {
        "character": character,
        "name": ", ".join(unicodedata.name(part, "unnamed") for part in character),
        "taught": sum(line.text.count(character) for line in snapshot.train),
        "tested": sum(there for _, there in new),
        "read_before": sum(found for found, _ in old),
        "read_after": sum(found for found, _ in new),
    }


def _both_confusions(
    keys: Sequence[str],
    before: Sequence[Sequence[Step]],
    after: Sequence[Sequence[Step]],
) -> list[dict[str, Any]]:
    """Return the most frequent misreadings of either model, counted for both."""
    old = {
        (one.kind, one.true, one.read): one for one in confusions(zip(keys, before, strict=True))
    }
    new = {(one.kind, one.true, one.read): one for one in confusions(zip(keys, after, strict=True))}
    found = [(what, old.get(what), new.get(what)) for what in dict.fromkeys([*old, *new])]
    found.sort(key=lambda item: (-max(_count(item[1]), _count(item[2])), -_count(item[1])))
    return [
        {
            "kind": kind,
            "true": true,
            "read": read,
            "before": _count(was),
            "after": _count(now),
            # Lines that are still misread come first: they are worth looking at.
            "examples": list(dict.fromkeys([*_examples(now), *_examples(was)]))[:MAX_EXAMPLES],
        }
        for (kind, true, read), was, now in found[:MAX_CONFUSIONS]
    ]


def _by_kind(
    keys: Sequence[str], alignments: Sequence[Sequence[Step]]
) -> dict[tuple[str, str, str], Confusion]:
    found = confusions(zip(keys, alignments, strict=True))
    return {(one.kind, one.true, one.read): one for one in found}


def _count(confusion: Confusion | None) -> int:
    return confusion.count if confusion is not None else 0


def _examples(confusion: Confusion | None) -> tuple[str, ...]:
    return confusion.examples if confusion is not None else ()


def _thinned(curve: Sequence[CurvePoint]) -> list[CurvePoint]:
    if len(curve) <= MAX_CURVE_POINTS:
        return list(curve)
    return [curve[i] for i in np.linspace(0, len(curve) - 1, MAX_CURVE_POINTS).astype(int)]


def _finite(value: Any) -> Any:
    """Return the JSON value without NaN and infinities, which JSON cannot say: they become None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
