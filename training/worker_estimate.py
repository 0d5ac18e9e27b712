"""How long a training would take on this computer, from a few trial steps."""

from __future__ import annotations

import time
from collections.abc import Sequence

import storage
from htr.device import choose_device
from htr.metrics import normalise
from training.errors import TrainingError
from training.finetune import estimate_s, measure_reading_s, measure_step_s
from training.first_lesson import LINES_MOST, OTHERS_MOST
from training.growth import missing_characters
from training.lines import TrainLine, thinned
from training.reference import REFERENCE_LINES
from training.snapshot import crop_training_lines
from training.survey import current_base, survey
from training.train_settings import TrainSettings
from training.trainable import load_trainable
from training.worker_run import finetune_config

TRIAL_LINES = 16  # two batches: as wide and as narrow as the lines are


def estimate(
    store: storage.Store, document_ids: Sequence[int] | None, device: str
) -> dict[str, float]:
    """Return the seconds that learning takes, and those of all that comes before and after it.

    Keys: "learning_s", "around_s", "step_s", "reading_s" (of a line).

    Raises: TrainingError where there is nothing to learn from; StorageError, RecognitionError.
    """
    began_s = time.monotonic()
    found = survey(store, document_ids)
    train_ids, test = set(found.split.train_ids), len(found.split.test_ids)
    chosen = [
        one for one in storage.training_lines(store, document_ids) if one.line_id in train_ids
    ]
    sample = thinned(chosen, TRIAL_LINES)
    crops, skipped = crop_training_lines(store, sample)
    lines = [
        TrainLine(str(one.line_id), crops[one.line_id], normalise(one.text), "")
        for one in sample
        if one.line_id in crops
    ]
    if not lines:
        raise TrainingError(" ".join(skipped[:3]) or found.split.explanation)
    model = current_base(store)
    base = load_trainable(storage.model_path(store, model))
    config = finetune_config(TrainSettings(), str(choose_device(device)))
    start_s = time.monotonic() - began_s
    step_s = measure_step_s(base, lines, config)
    reading_s = measure_reading_s(base, lines, config)
    read = 2 * (test + 2 * REFERENCE_LINES)  # by both models, at most
    if missing_characters(base.alphabet, [one.text for one in chosen]):
        read += min(len(chosen), LINES_MOST + OTHERS_MOST) + OTHERS_MOST  # in their first lesson
    return {
        "step_s": step_s,
        "reading_s": reading_s,
        "learning_s": estimate_s(step_s, reading_s, len(train_ids), test, config),
        "around_s": start_s + read * reading_s,
    }
