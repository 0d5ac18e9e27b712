"""Teaching as the app offers it: asks what there is to learn, starts, follows, stops, decides.

The work is done by a process of its own (`training/worker.py`). All that is known of it is in the
database, so that closing the browser or restarting the app loses nothing.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import storage
from services.settings import Settings
from services.training_estimate import Estimate, Estimator
from services.training_state import TrainingState, without_lost_steps
from services.worker_process import end_words, is_dead, start_worker
from training.errors import TrainingError
from training.run_folder import RunFolder, run_folder
from training.train_settings import train_settings

if TYPE_CHECKING:
    from training.survey import Survey

LOG = logging.getLogger("htr.trainer")
TRAIN = "train"
ACTIVE = ("waiting", "running")


# A checkpoint holds four models (weights, their mean, two moments), in 32 bits where a model's file
# has 16, and is written beside the last one and that of the run's first part; then comes the
# candidate, and its copy among the models.
ROOM_MODELS = 2 * (3 * 4 + 2)
ROOM_BYTES = 50_000_000  # line images, events and the report


class Trainer:
    """Starts the training process and speaks for it; any number of tabs may ask at once."""

    def __init__(
        self,
        settings: Settings,
        store: storage.Store,
        model_changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve `store`. model_changed: called after another model was put to use."""
        self._settings = settings
        self._store = store
        self._model_changed = model_changed
        self._lock = threading.Lock()
        self._workers: dict[int, subprocess.Popen[bytes]] = {}
        self._estimator = Estimator(settings, store)

    def recover(self) -> None:
        """Take up what an earlier app left; to be called once at start.

        A process that still works is left alone. One that has died is marked as failed, and a
        training that was never begun is begun.
        """
        try:
            self._look_after()
            for run in storage.runs(self._store, TRAIN, ("waiting",)):
                self._spawn(run)
        except (TrainingError, storage.StorageError) as error:
            LOG.warning("what an earlier app left of its training was not taken up: %s", error)

    def survey(self, document_ids: Sequence[int] | None = None) -> Survey:
        """Return what a training on the documents' corrections would learn from; None: on all.

        Raises: TrainingError where there is no usable model, StorageError.
        """
        from training.survey import survey

        return survey(self._store, document_ids)

    def estimate(
        self, document_ids: Sequence[int] | None = None, minutes: float | None = None
    ) -> Estimate:
        """Return how long a training would take here, from a trial in a process of its own.

        The first answer takes some seconds, later ones for a like number of lines none.

        Raises: TrainingError where there is nothing to learn, StorageError.
        """
        survey = self.survey(document_ids)
        if storage.runs(self._store, TRAIN, ACTIVE):
            return Estimate(None, "The time is measured when the training under way has ended.")
        return self._estimator.estimate(survey, document_ids, minutes)

    def start(self, settings: Mapping[str, Any] | None = None) -> storage.Run:
        """Return the new training; its process is on its way.

        settings: see `TrainSettings`.

        Raises: RunConflict while another one is under way, TrainingError where there is nothing
        to learn or the process cannot be started, StorageError.
        """
        self._look_after()
        chosen = train_settings(settings or {})
        survey = self.survey(chosen.document_ids)
        if not survey.can_start:
            raise TrainingError(survey.split.explanation)
        if chosen.base_model_id is None:
            chosen = replace(chosen, base_model_id=survey.model_id)
        self._refuse_full_disk(chosen.base_model_id or survey.model_id)
        run = storage.add_run(self._store, TRAIN, settings=chosen.as_json())
        return self._spawn(run)

    def state(self, after_event: int = 0) -> TrainingState:
        """Return what there is to show; a process that has died is noticed here.

        after_event: number of the last event that the caller knows.
        """
        self._look_after()
        active = storage.runs(self._store, TRAIN, ACTIVE)
        ended = storage.runs(self._store, TRAIN, ("done", "failed", "cancelled"))
        events = storage.run_events(self._store, active[0].id, after_event) if active else []
        return TrainingState(
            active[0] if active else None, without_lost_steps(events), ended[0] if ended else None
        )

    def events(self, run_id: int, after_event: int = 0) -> list[storage.RunEvent]:
        """Return what a training has told, after the event of that number."""
        return storage.run_events(self._store, run_id, after_event)

    def cancel(self, run_id: int) -> storage.Run:
        """Return the run, asked to stop: the best so far is tested, and kept if it is better.

        Raises: NotFound.
        """
        self._train_run(run_id)
        return storage.ask_to_stop(self._store, run_id)

    def can_resume(self, run_id: int) -> bool:
        """Return whether the run was interrupted and left something to go on from."""
        run = self._train_run(run_id)
        return run.state in ("failed", "cancelled") and self._folder(run_id).path.is_dir()

    def resume(self, run_id: int) -> storage.Run:
        """Return the run, going on from its last checkpoint, or from the start if it has none.

        Raises: NotFound, RunConflict while another one is under way, StorageError if it has come
        to its end, TrainingError if the process cannot be started.
        """
        self._train_run(run_id)
        self._look_after()
        return self._spawn(storage.continue_run(self._store, run_id))

    def promote(self, run_id: int) -> storage.Model:
        """Return the model that the run has made, in use from now on because a person says so.

        Raises: TrainingError for a run without a model, one whose model is worse, or where yet
        another model came into use meanwhile; NotFound, StorageError.
        """
        from training.promotion import put_to_use

        result = self._result(run_id)
        model_id, base_id = result.get("model_id"), result.get("base_model_id")
        if result.get("verdict") != "worse" and not (
            isinstance(model_id, int) and isinstance(base_id, int)
        ):
            raise TrainingError(f"Run {run_id} made no model. Choose one on the Models page.")
        model = put_to_use(self._store, model_id or 0, base_id or 0, str(result.get("verdict")))
        self._model_changed()
        return model

    def go_back(self, run_id: int) -> storage.Model:
        """Return the model that the run started from, in use again.

        Raises: TrainingError where the run does not know it; NotFound, StorageError.
        """
        base_id = self._result(run_id).get("base_model_id")
        if not isinstance(base_id, int):
            raise TrainingError(
                f"Run {run_id} does not say what it started from. Choose a model on the Models "
                "page."
            )
        model = storage.set_current_model(self._store, base_id)
        self._model_changed()
        return model

    def report(self, run_id: int) -> dict[str, Any]:
        """Return what the report page shows.

        Raises: TrainingError where the run has none, or a damaged one; NotFound.
        """
        self._train_run(run_id)
        path = self._folder(run_id).report
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise TrainingError(
                f"Run {run_id} has no report: it was not tested. Start a new training."
            ) from error
        except (OSError, ValueError, RecursionError) as error:
            raise TrainingError(
                f"The report of run {run_id} cannot be read ({path}). Restore the folder 'runs' "
                "from a backup."
            ) from error
        if not isinstance(found, dict):
            raise TrainingError(f"The report of run {run_id} is damaged ({path}).")
        return found

    def report_html(self, run_id: int) -> str:
        """Return the report as one HTML file that needs nothing else.

        Raises: TrainingError where the run has none, or a damaged one; NotFound.
        """
        from training.frozen_lines import line_image
        from training.report import report_keys
        from training.report_html import report_html

        report = self.report(run_id)
        folder = self._folder(run_id).snapshot
        images: dict[str, bytes] = {}
        for key in report_keys(report):
            try:
                images[key] = line_image(folder, key)
            except TrainingError as error:  # the line is shown by its texts alone
                LOG.warning("run %d: %s", run_id, error)
        return report_html(report, images)

    def log_tail(self, run_id: int, characters: int = 4000) -> str:
        """Return the end of what the process printed; "" if it printed nothing."""
        self._train_run(run_id)
        try:
            with open(self._folder(run_id).log, "rb") as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - 4 * characters))
                return file.read().decode("utf-8", "replace")[-characters:]
        except OSError:
            return ""

    def _refuse_full_disk(self, base_model_id: int) -> None:
        """Refuse what could not be finished: snapshot, checkpoint and the new model need room."""
        base = storage.model_path(self._store, storage.model(self._store, base_model_id))
        needed = ROOM_MODELS * base.stat().st_size + ROOM_BYTES
        left = free_bytes(self._store.data_dir)
        if left < needed:
            raise TrainingError(
                f"The disk of {self._store.data_dir} has {left / 1e6:,.0f} MB left; teaching needs "
                f"about {needed / 1e6:,.0f} MB. Make room and start again."
            )

    def _spawn(self, run: storage.Run) -> storage.Run:
        folder = self._folder(run.id)
        threads = self._settings.training_threads
        arguments = [str(run.id), "--data-dir", str(self._store.data_dir)]
        arguments += ["--device", self._settings.device, "--threads", str(threads)]
        try:
            process = start_worker(arguments, folder.log, threads)
        except OSError as error:
            message = (
                f"The training process could not be started: {error.strerror or error}. Check the "
                f"folder {folder.path} and the free space, then go on."
            )
            storage.cancel_run(self._store, run.id, message)
            raise TrainingError(message) from error
        with self._lock:
            self._workers[run.id] = process
        return storage.run(self._store, run.id)

    def _look_after(self) -> None:
        """Mark trainings as failed whose process has ended without saying so."""
        now = self._store.clock()
        with self._lock:  # asking a process that has ended for its status buries it
            ended = [run_id for run_id, one in self._workers.items() if one.poll() is not None]
        for active in storage.runs(self._store, TRAIN, ACTIVE):
            with self._lock:
                process = self._workers.get(active.id)
            status = process.poll() if process else None
            run = storage.run(self._store, active.id)  # it may have ended just before its process
            if run.state not in ACTIVE:
                continue
            # Another app on the same folder may have been quicker to start a process for the run.
            ours = process is not None and run.worker_pid in (None, process.pid)
            if ours and status is not None:
                self._mark_failed(run, end_words(status))
            elif run.state == "running" and is_dead(run, now):
                self._mark_failed(run, "")
        with self._lock:
            for run_id in ended:
                if storage.run(self._store, run_id).state not in ACTIVE:
                    self._workers.pop(run_id, None)

    def _mark_failed(self, run: storage.Run, why: str) -> None:
        left = self._folder(run.id).has_checkpoint
        ahead = "go on from its last checkpoint" if left else "start it again"
        how = f" ({why})" if why else ""
        message = (
            f"The training process ended unexpectedly{how}. Nothing is lost: {ahead}. "
            f"Its log is {self._folder(run.id).log}."
        )
        LOG.warning("run %d: %s", run.id, message)
        storage.fail_unattended_run(self._store, run.id, run.worker_pid, message)

    def _result(self, run_id: int) -> dict[str, Any]:
        return self._train_run(run_id).result or {}

    def _train_run(self, run_id: int) -> storage.Run:
        run = storage.run(self._store, run_id)
        if run.kind != TRAIN:
            raise storage.NotFound(f"Run {run_id} is no training. Reload the page.")
        return run

    def _folder(self, run_id: int) -> RunFolder:
        return run_folder(self._store.data_dir, run_id)


def free_bytes(folder: Path) -> int:
    """Return how many bytes the disk of a folder has left."""
    return shutil.disk_usage(folder).free
