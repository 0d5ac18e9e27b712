"""One training from its frozen lines to the verdict: what the training process does, in order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import storage
from htr.device import choose_device
from training.errors import TrainingError
from training.finetune_config import FinetuneConfig, FinetuneResult, Progress
from training.frozen_lines import Snapshot, has_snapshot, read_snapshot
from training.promotion import next_name, promote
from training.reading import cer_of, read_lines
from training.reference import REFERENCE_LINES, REPLAY_LINES, corrected_ones
from training.report import build_report
from training.run_folder import RunFolder, run_folder
from training.run_link import RunLink
from training.run_result import Readings, how_made, judge, run_result
from training.self_training import teach
from training.snapshot import take_snapshot
from training.train_settings import TrainSettings, train_settings
from training.trainable import Trainable, load_trainable, save_trainable

LOG = logging.getLogger("htr.training")
READ_AT_ONCE = 32  # lines; between two such parts a stop is noticed
STOPPED_EARLY = "Stopped before anything was learned."

# Where in the whole run each phase begins; learning takes most of the time.
SNAPSHOT, BASELINE, LEARNING, GATE, REPORT, END = 0.0, 0.03, 0.1, 0.85, 0.97, 1.0

Teach = Callable[..., FinetuneResult]


@dataclass(frozen=True)
class RunEnd:
    """How a training came to its end; result: None where it was stopped before it had one."""

    result: dict[str, Any] | None
    message: str


class _Stopped(Exception):
    """A person asked for the end before there was anything to keep."""


def train(
    run: storage.Run,
    link: RunLink,
    device: str,
    teach: Teach = teach,
    reference_lines: int = REFERENCE_LINES,
) -> RunEnd:
    """Return how the training ended; its model, if it made one, is registered and decided upon.

    teach: see `training.self_training`. reference_lines: of each kind, to tell what is forgotten.

    Raises: RunEnded, Terminated (see `RunLink.check`); TrainingError, StorageError,
    RecognitionError, OSError or MemoryError for what cannot be worked with.
    """
    try:
        return _Training(run, link, device, teach, reference_lines).train()
    except _Stopped:
        return RunEnd(None, STOPPED_EARLY)


class _Training:
    def __init__(
        self,
        run: storage.Run,
        link: RunLink,
        device: str,
        teach: Teach,
        reference_lines: int,
    ) -> None:
        self.run = run
        self.link = link
        self.teach = teach
        self.reference_lines = reference_lines
        self.store = link.store
        self.folder: RunFolder = run_folder(link.store.data_dir, run.id)
        self.settings: TrainSettings = train_settings(run.settings)
        self.device = choose_device(device)
        self.began_s = time.monotonic()
        self.cer_before: float | None = None
        self.shown: object = ()

    def train(self) -> RunEnd:
        snapshot = self._snapshot()
        base, model = self._base(snapshot)
        before = self._read("baseline", base, snapshot, BASELINE, LEARNING)
        if snapshot.test:
            self.cer_before = cer_of(snapshot.test, before.test)
        learned = self._learn(base, snapshot)
        if not learned.steps:
            raise _Stopped
        after = self._read("gate", learned.trainable, snapshot, GATE, REPORT)
        return self._conclude(snapshot, model, learned, before, after)

    def _snapshot(self) -> Snapshot:
        """Return the frozen lines; those of an earlier attempt are taken up as they are."""
        self._tell("snapshot", SNAPSHOT)
        folder = self.folder.snapshot
        if has_snapshot(folder):
            snapshot = read_snapshot(folder)
        else:
            snapshot = take_snapshot(
                self.store,
                folder,
                document_ids=self.settings.document_ids,
                base_model_id=self.settings.base_model_id,
                left_out=self.settings.left_out,
                seed=self.settings.seed,
                settings=self.settings.as_json(),
                self_training=self.settings.self_training,
                reference_count=self.reference_lines,
                replay_count=REPLAY_LINES * self.reference_lines // REFERENCE_LINES,
                progress=lambda share: self._tell_share("snapshot", SNAPSHOT, BASELINE, share),
            )
        storage.name_snapshot(self.store, self.run.id, snapshot.sha256)
        for message in snapshot.facts.skipped:
            LOG.warning("%s", message)
        return snapshot

    def _base(self, snapshot: Snapshot) -> tuple[Trainable, storage.Model]:
        """Return the model to start from, its file compared with what was stored."""
        model = storage.model(self.store, snapshot.facts.base_model_id)
        if model.sha256 != snapshot.base_model_sha256:
            raise TrainingError(
                f"Run {self.run.id} was begun with another model than the one that is number "
                f"{model.id} now. Start a new training."
            )
        storage.verify_model(self.store, model)
        return load_trainable(storage.model_path(self.store, model)), model

    def _read(
        self, phase: str, model: Trainable, snapshot: Snapshot, begin: float, end: float
    ) -> Readings:
        """Return what the model reads on the lines that test it."""
        lines = [*snapshot.test, *snapshot.reference]
        read: list[str] = []
        self._tell(phase, begin)
        for first in range(0, len(lines), READ_AT_ONCE):
            read += read_lines(model, lines[first : first + READ_AT_ONCE], self.device)
            self._tell_share(phase, begin, end, len(read) / len(lines))
        count = len(snapshot.test)
        return Readings(read[:count], read[count:])

    def _learn(self, base: Trainable, snapshot: Snapshot) -> FinetuneResult:
        config = finetune_config(self.settings, str(self.device))
        learned = self.teach(
            base,
            snapshot.train,
            snapshot.test,
            config,
            undecided=snapshot.undecided,
            # Drawn lines taught nothing about real hands that mixing the weights did not keep.
            replay=corrected_ones(snapshot.replay),
            others=snapshot.replay,
            run_dir=self.folder.path,
            report=self._tell_learning,
        )
        self.link.check()
        return learned

    def _conclude(
        self,
        snapshot: Snapshot,
        model: storage.Model,
        learned: FinetuneResult,
        before: Readings,
        after: Readings,
    ) -> RunEnd:
        """Return the end of the run: verdict, report, and what became of the new model."""
        self._tell("report", REPORT)
        judged = judge(snapshot, before, after)
        name = next_name(model.name, storage.models(self.store, with_removed=True))
        created = self.store.clock()
        made = how_made(learned)
        self.folder.path.mkdir(parents=True, exist_ok=True)
        save_trainable(
            self.folder.model, learned.trainable, name=name, created=created, training=made
        )
        known = len(snapshot.alphabet)
        report = build_report(
            snapshot=snapshot,
            readings_before=before.test,
            readings_after=after.test,
            comparison=judged.comparison,
            verdict=judged.verdict,
            forgetting=judged.forgetting,
            curve=learned.curve,
            training=made,
            base_name=model.name,
            candidate_name=name,
            created=created.isoformat(),
            new_characters=learned.trainable.alphabet.characters[known:],
        )
        self.folder.write_report(report)
        self._tell("promotion", REPORT)
        self.link.check()
        promotion = promote(
            self.store,
            self.folder.model,
            run_id=self.run.id,
            snapshot=snapshot,
            comparison=judged.comparison,
            verdict=judged.verdict,
            forgetting=judged.forgetting,
            training=made,
            name=name,
        )
        return RunEnd(run_result(model, learned, judged, promotion), promotion.sentence)

    def _tell_learning(self, progress: Progress) -> bool:
        share = progress.step / progress.steps if progress.steps else 0.0
        if self.settings.time_limit_s:
            share = max(share, progress.elapsed_s / self.settings.time_limit_s)
        # Each CER is told once, at the step at which it was measured.
        fresh = progress.samples is not self.shown
        self.shown = progress.samples
        event = {
            **self._event(progress.phase),
            "step": progress.step,
            "steps": progress.steps,
            "time_left_s": progress.time_left_s,
            "loss": progress.loss,
            "cer": progress.cer if fresh else None,
            "samples": [list(sample) for sample in progress.samples] if fresh else [],
        }
        return self.link.tell(event, LEARNING + (GATE - LEARNING) * min(1.0, share))

    def _tell(self, phase: str, progress: float) -> None:
        """Say what the run is at. Raises _Stopped if it was asked to end before it learned."""
        if not self.link.tell(self._event(phase), progress) and progress < LEARNING:
            raise _Stopped

    def _tell_share(self, phase: str, begin: float, end: float, share: float) -> None:
        self._tell(phase, begin + (end - begin) * share)

    def _event(self, phase: str) -> dict[str, Any]:
        return {
            "phase": phase,
            "step": None,
            "steps": None,
            "elapsed_s": time.monotonic() - self.began_s,
            "time_left_s": None,
            "loss": None,
            "cer": None,
            "samples": [],
            "cer_before": self.cer_before,
        }


def finetune_config(settings: TrainSettings, device: str) -> FinetuneConfig:
    """Return the recipe, with what the person chose."""
    config = FinetuneConfig(
        seed=settings.seed,
        time_limit_s=settings.time_limit_s,
        self_training=settings.self_training,
        device=device,
    )
    return replace(config, tcm_weight=0.0) if settings.tcm is False else config
