"""How long a training would take on this computer, from a trial in a process of its own.

A trial in the app itself would load the model a second time there and keep it from reading.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import storage
from services.settings import Settings
from services.worker_process import MODULE, REPOSITORY, worker_environment
from training.errors import TrainingError

if TYPE_CHECKING:
    from training.survey import Survey

TRIAL_LIMIT_S = 600.0  # beside much other work a trial takes minutes; nobody has to wait for it
LINES_ALIKE = 1.25  # a trial holds for numbers of lines that differ by less than this factor


@dataclass(frozen=True)
class Estimate:
    """How long it takes; `seconds` is None where it is not known, and `sentence` says why."""

    seconds: float | None
    sentence: str


@dataclass(frozen=True)
class _Trial:
    """What a trial measured: seconds of learning, and of all the reading around it."""

    learning_s: float
    around_s: float


class Estimator:
    """Measures once for a model and a number of lines, and remembers it."""

    def __init__(self, settings: Settings, store: storage.Store) -> None:
        """Nothing is measured yet."""
        self._settings = settings
        self._store = store
        self._lock = threading.Lock()
        self._trials: dict[tuple[Any, ...], _Trial] = {}

    def estimate(
        self, survey: Survey, document_ids: Sequence[int] | None, minutes: float | None
    ) -> Estimate:
        """Return how long a training on what was surveyed takes, within `minutes` of learning.

        Raises: TrainingError where there is nothing to learn.
        """
        if not survey.can_start:
            raise TrainingError(survey.split.explanation)
        key = (
            survey.model_sha256,
            _size(len(survey.split.train_ids)),
            _size(len(survey.split.test_ids)),
            self._settings.device,
            self._settings.training_threads,
        )
        with self._lock:  # one trial at a time; whoever comes second finds its result
            if key not in self._trials:
                try:
                    self._trials[key] = self._trial(document_ids)
                except TrainingError as error:
                    return Estimate(None, str(error))
            trial = self._trials[key]
        learning_s = trial.learning_s if minutes is None else min(trial.learning_s, 60.0 * minutes)
        seconds = learning_s + trial.around_s
        return Estimate(seconds, f"About {in_words(seconds)} on this computer.")

    def _trial(self, document_ids: Sequence[int] | None) -> _Trial:
        threads = self._settings.training_threads
        command = [sys.executable, "-m", MODULE, "--estimate"]
        command += ["--data-dir", str(self._store.data_dir)]
        command += ["--device", self._settings.device, "--threads", str(threads)]
        if document_ids is not None:
            command += ["--documents", ",".join(str(int(number)) for number in document_ids)]
        try:
            done = subprocess.run(
                command,
                cwd=REPOSITORY,
                env=worker_environment(threads),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TRIAL_LIMIT_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TrainingError(
                "How long it takes is not known: the trial did not come to its end. "
                "You can start all the same."
            ) from error
        return _trial_of(done.stdout)


def in_words(seconds: float) -> str:
    """Return a time as a person says it: "40 seconds", "4 minutes", "1.5 hours"."""
    if seconds < 50:
        return f"{max(5, 5 * round(seconds / 5))} seconds"
    minutes = max(1, round(seconds / 60))
    if minutes < 90:
        return f"{minutes} {'minute' if minutes == 1 else 'minutes'}"
    return f"{seconds / 3600:.1f} hours"


def _size(lines: int) -> int:
    """Return the same number for numbers of lines that take about the same time."""
    return round(math.log(1 + lines) / math.log(LINES_ALIKE))


def _trial_of(output: bytes) -> _Trial:
    try:
        found = json.loads(output.decode("utf-8").strip().splitlines()[-1])
        if "error" in found:
            raise TrainingError(str(found["error"]))
        trial = _Trial(float(found["learning_s"]), float(found["around_s"]))
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise TrainingError(
            "How long it takes is not known: the trial did not end well. "
            "You can start all the same."
        ) from error
    if not all(math.isfinite(part) and part >= 0 for part in (trial.learning_s, trial.around_s)):
        raise TrainingError("How long it takes is not known: the trial measured nonsense.")
    return trial
