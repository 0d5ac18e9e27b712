"""The candidate of a run -> a registered model, put to use if the gate says so or a person does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import storage
from htr.errors import RecognitionError
from htr.header import read_header
from storage.records import Model
from training.comparison import Comparison
from training.errors import TrainingError
from training.frozen_lines import Snapshot, line_id_of
from training.gate import Forgetting, Verdict
from training.lineage import FACTS
from training.lines import TrainLine

_VERSION = re.compile(r"(.*), v([0-9]{1,6})")
MAX_NAME_CHARACTERS = 480  # leaves room for the version within what storage takes


class PromotionError(TrainingError):
    """A model that is not put to use; the message says why, and what there is to do."""


@dataclass(frozen=True)
class Promotion:
    """What became of a candidate.

    model: as it is registered; None for a refused one. promoted: whether it is in use now.
    sentence: what happened, in plain words.
    """

    model: Model | None
    promoted: bool
    sentence: str


def promote(
    store: storage.Store,
    candidate: Path,
    *,
    run_id: int,
    snapshot: Snapshot,
    comparison: Comparison,
    verdict: Verdict,
    forgetting: Forgetting | None = None,
    training: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Promotion:
    """Return what became of the candidate of a run.

    Better: registered and put to use, unless another model came into use while it was trained.
    Not proven: registered; a person may put it to use (`put_to_use`). Worse: refused, and not
    registered; its file stays with the run. A candidate that is registered already (a run taken
    up again after its end) is not registered twice.

    candidate: its model file. training: how it was made, JSON values such as steps, settings.
    name: None: that of the model it comes from, with the next version number.

    Raises:
        TrainingError: the file is not a model, or not one that grew from the snapshot's base.
        StorageError: it cannot be stored.
    """
    if verdict.kind == "worse":
        return Promotion(None, False, verdict.sentence)
    base = storage.model(store, snapshot.facts.base_model_id)
    alphabet = _alphabet(candidate, snapshot)
    with storage.write(store):  # registered and put to use, or neither
        model = storage.register_model(
            store,
            candidate,
            name=name or next_name(base.name, storage.models(store, with_removed=True)),
            alphabet=alphabet,
            scores=_scores(comparison, verdict, forgetting),
            facts={FACTS: fine_tuning_facts(run_id, snapshot, training or {})},
            parent_id=base.id,
        )
        if verdict.kind != "better":
            return Promotion(model, False, verdict.sentence)
        current = storage.current_model(store)
        if current is not None and current.id not in (base.id, model.id):
            return Promotion(model, False, f"{verdict.sentence} {_overtaken(base, current, model)}")
        model = storage.set_current_model(store, model.id)
    return Promotion(model, True, f"{verdict.sentence} It is in use from now on.")


def put_to_use(
    store: storage.Store,
    model_id: int,
    base_model_id: int,
    verdict_kind: str,
    insist: bool = False,
) -> Model:
    """Return the model, in use from now on because a person decided so.

    model_id: registered by `promote`. base_model_id: the model it was compared with.
    verdict_kind: of `Verdict`. insist: put it to use though another model than that is in use.

    Raises:
        PromotionError: it reads worse; or another model came into use meanwhile.
        NotFound: there is no such model. StorageError: its file is missing, or it was removed.
    """
    if verdict_kind == "worse":
        raise PromotionError(
            "This model reads worse than the one that it comes from and is not put to use. "
            "Correct more lines and teach again."
        )
    with storage.write(store):
        model, base = storage.model(store, model_id), storage.model(store, base_model_id)
        current = storage.current_model(store)
        if current is not None and current.id not in (base.id, model.id) and not insist:
            raise PromotionError(_overtaken(base, current, model))
        return storage.set_current_model(store, model.id)


def fine_tuning_facts(
    run_id: int, snapshot: Snapshot, training: Mapping[str, Any]
) -> dict[str, Any]:
    """Return where a model comes from, JSON values, to be kept as the entry FACTS of its facts.

    `lineage_of` reads the pages and lines again; a model file that carries them as well brings
    them along when it is imported.
    """
    taught = [*snapshot.train, *snapshot.replay]
    return {
        "run": run_id,
        "snapshot_sha256": snapshot.sha256,
        "base_model_sha256": snapshot.base_model_sha256,
        "documents": list(snapshot.facts.document_ids),
        "train_lines": _line_ids(taught),
        "train_line_count": len(snapshot.train),
        "test_line_count": len(snapshot.test),
        "train_images": list(snapshot.facts.train_images),
        "test_images": list(snapshot.facts.test_images),
        "training": dict(training),
    }


def next_name(base_name: str, models: Sequence[Model]) -> str:
    """Return the name of the next model of this line, such as "Latin cursive, v4" after v3."""
    stem = _stem(base_name)
    numbers = [
        int(found[2])
        for model in models
        if (found := _VERSION.fullmatch(model.name)) and found[1] == stem
    ]
    return f"{stem}, v{max([1, *numbers]) + 1}"


def _stem(name: str) -> str:
    found = _VERSION.fullmatch(name)
    return (found[1] if found else name)[:MAX_NAME_CHARACTERS]


def _alphabet(candidate: Path, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the characters of the candidate, which begin with those of the base."""
    try:
        characters = read_header(candidate).alphabet.characters
    except RecognitionError as error:
        raise TrainingError(f"The new model cannot be used: {error} Start a new run.") from error
    if characters[: len(snapshot.alphabet)] != snapshot.alphabet:
        raise TrainingError(
            f"{candidate.name} does not come from the model that the run started with: its "
            "characters are in another order. Start a new run."
        )
    return characters


def _overtaken(base: Model, current: Model, model: Model) -> str:
    return (
        f'While "{model.name}" was trained, "{current.name}" came into use. It was only compared '
        f'with "{base.name}", so which of the two reads better is not known. Compare them on the '
        "Models page, or teach again."
    )


def _scores(
    comparison: Comparison, verdict: Verdict, forgetting: Forgetting | None
) -> dict[str, Any]:
    scores: dict[str, Any] = {"verdict": verdict.kind}
    if comparison.lines:
        scores |= {
            "cer": comparison.cer_after,
            "wer": comparison.wer_after,
            "cer_before": comparison.cer_before,
            "wer_before": comparison.wer_before,
            "difference": comparison.difference,
            "interval": list(comparison.interval),
            "p": comparison.p,
            "lines": comparison.lines,
            "pages": comparison.pages,
            "unit": comparison.unit,
        }
    if forgetting is not None and forgetting.lines:
        scores["forgetting"] = {
            "before": forgetting.before,
            "after": forgetting.after,
            "change": forgetting.change,
            "warn": forgetting.warn,
            "lines": forgetting.lines,
        }
    return scores


def _line_ids(lines: Sequence[TrainLine]) -> list[int]:
    return [line_id for line in lines if (line_id := line_id_of(line.key)) is not None]
