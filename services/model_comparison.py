"""Two models on the same corrected lines: read in the background, a few lines at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import storage
from htr.errors import RecognitionError
from segmentation.lines import Line, SegmentationError
from services.run_thread import RunKind, RunThread
from services.settings import Settings
from services.turns import Turns
from training.lineage import Lineage, lineage_of

if TYPE_CHECKING:
    import numpy as np

    from htr.recognizer import Recognizer

LOG = logging.getLogger("htr.models")

COMPARE = "compare"  # the kind of run
MAX_LINES = 400  # of one comparison: half an hour on a slow computer
LINES_AT_ONCE = 8  # then pages and people have their turn
FEWEST_NEW_LINES = 10  # with so many that taught neither model, those that did are left out


KIND = RunKind(
    kind=COMPARE,
    name=lambda run: f"comparison {run.id}",
    log=LOG,
    told=(storage.StorageError, SegmentationError, RecognitionError, OSError),
    no_memory="There was not enough memory for two models at once. Close other programs.",
    failed="The comparison failed; the server's log says why.",
)


@dataclass(frozen=True)
class _Job:
    """taught: how many of the lines each model learned from. left_out: lines, for that reason."""

    run: storage.Run
    models: tuple[storage.Model, storage.Model]
    lines: list[storage.TrainingLine]
    taught: tuple[int, int]
    left_out: int


class ModelComparer:
    """Compares models one pair after the other; the queue is in the database.

    A comparison writes nothing but its own result: what pages show stays as it is.
    """

    def __init__(
        self,
        settings: Settings,
        store: storage.Store,
        turns: Turns,
        pixels_of: Callable[[storage.Page], np.ndarray],
    ) -> None:
        """Compare models of `store`; nothing runs before `start` or `compare`.

        pixels_of: the decoded image of a page.
        """
        self._settings = settings
        self._store = store
        self._turns = turns
        self._pixels_of = pixels_of
        self._thread = RunThread(store, KIND, self._do)

    def start(self) -> None:
        """Take up the comparisons that a stopped server left half done."""
        self._thread.start()

    def stop(self, limit_s: float = 5.0) -> None:
        """Stop after the lines in hand; the comparison goes on at the next start."""
        self._thread.stop(limit_s)

    def compare(self, document_id: int, model_ids: tuple[int, int], lines: int) -> storage.Run:
        """Return the run that will compare two models on corrected lines of a document.

        lines: how many at most, taken evenly from the whole document.

        Raises: StorageError where the models are one, or the document has no corrected lines.
        """
        if model_ids[0] == model_ids[1]:
            raise storage.StorageError("Choose two different models to compare.")
        models = [storage.model(self._store, model_id) for model_id in model_ids]
        for model in models:
            storage.verify_model(self._store, model)
        document = storage.document(self._store, document_id)
        if not _readable(self._store, document_id):
            raise storage.StorageError(
                f"“{document.title}” has no corrected or confirmed lines to compare models on. "
                "Correct some on the desk, or choose another document."
            )
        settings = {"models": list(model_ids), "lines": max(1, min(lines, MAX_LINES))}
        run = storage.add_run(self._store, COMPARE, None, document_id, settings)
        self._thread.wake()
        return run

    def cancel(self, run_id: int) -> storage.Run:
        """Return the comparison, cancelled unless it had ended before.

        Raises: StorageError where there is none with this number.
        """
        return storage.cancel_run(self._store, self.comparison(run_id).id)

    def comparison(self, run_id: int) -> storage.Run:
        """Return a comparison.

        Raises: StorageError where there is none with this number.
        """
        run = storage.run(self._store, run_id)
        if run.kind != COMPARE:
            raise storage.NotFound(f"There is no comparison {run_id}. Start a new one.")
        return run

    def _do(self, run: storage.Run) -> None:
        storage.finish_run(self._store, run.id, self._result(self._job(run)))

    def _job(self, run: storage.Run) -> _Job:
        wanted = run.settings.get("models")
        number = run.settings.get("lines")
        if (
            run.document_id is None
            or not isinstance(number, int)
            or not (isinstance(wanted, list) and len(wanted) == 2)
        ):
            raise storage.StorageError(
                f"Comparison {run.id} does not say of what. Start a new one."
            )
        first, second = (storage.model(self._store, int(model_id)) for model_id in wanted)
        found = _readable(self._store, run.document_id)
        of_first, of_second = (_taught(found, lineage_of(self._store, m)) for m in (first, second))
        new = [line for line in found if line.line_id not in of_first | of_second]
        chosen = evenly(new if len(new) >= FEWEST_NEW_LINES else found, number)
        ids = {line.line_id for line in chosen}
        left_out = len(found) - len(new) if len(new) >= FEWEST_NEW_LINES else 0
        taught = (len(ids & of_first), len(ids & of_second))
        return _Job(run, (first, second), chosen, taught, left_out)

    def _result(self, job: _Job) -> dict[str, Any]:
        """Return what the two models read, line by line, and how often each is wrong."""
        from htr.metrics import line_errors, score

        read: dict[int, tuple[str, str]] = {}
        started_s = time.monotonic()
        self._report(job, 0, started_s)
        with self._turns.patient():
            recognizers = [self._load(model) for model in job.models]
        for lines in _portions(job.lines):
            pixels = self._pixels_of(storage.page(self._store, lines[0].page_id))
            texts = [self._read(recognizer, pixels, lines) for recognizer in recognizers]
            for line, first, second in zip(lines, *texts, strict=True):
                read[line.line_id] = (first, second)
            self._report(job, len(read), started_s)
        scores = [
            score([line_errors(line.text, read[line.line_id][k]) for line in job.lines])
            for k in (0, 1)
        ]
        return {
            "cer": [one.cer for one in scores],
            "wer": [one.wer for one in scores],
            "characters": scores[0].characters,
            "taught": list(job.taught),
            "left_out": job.left_out,
            "lines": [
                {
                    "line": line.line_id,
                    "page": line.page_id,
                    "text": line.text,
                    "read": list(read[line.line_id]),
                }
                for line in job.lines
            ],
        }

    def _load(self, model: storage.Model) -> Recognizer:
        from htr.recognizer import Recognizer

        return Recognizer.load(
            storage.model_path(self._store, model),
            device=self._settings.device,
            threads=self._settings.threads,
        )

    def _read(
        self, recognizer: Recognizer, pixels: np.ndarray, lines: Sequence[storage.TrainingLine]
    ) -> list[str]:
        from htr.pipeline import read_lines

        shapes = [Line(line.baseline, (), line.spacing_px) for line in lines]
        with self._turns.patient():
            return [one.transcript.text for one in read_lines(pixels, shapes, recognizer)]

    def _report(self, job: _Job, done: int, started_s: float) -> None:
        """Tell how far it is; stop where nobody wants it any more."""
        total = len(job.lines)
        left = ""
        if done:
            left_s = (time.monotonic() - started_s) * (total - done) / done
            left = f"about {max(1, round(left_s))} s left"
        phase = f"{done} of {total} lines read" if done else "loading the models"
        self._thread.report(job.run.id, done / total, phase, left)


def evenly(lines: Sequence[storage.TrainingLine], number: int) -> list[storage.TrainingLine]:
    """Return `number` of the lines at even distances, in their order; all where there are fewer."""
    if len(lines) <= number:
        return list(lines)
    return [lines[(2 * k + 1) * len(lines) // (2 * number)] for k in range(number)]


def _readable(store: storage.Store, document_id: int) -> list[storage.TrainingLine]:
    lines = storage.training_lines(store, [document_id])
    return [line for line in lines if line.text.strip()]


def _taught(lines: Sequence[storage.TrainingLine], lineage: Lineage) -> set[int]:
    """Return the lines that a model or its ancestors learned from.

    A page that taught and tested, for want of others, is told apart by its lines; of others every
    line counts, for numbers of lines mean nothing to a model that was taught elsewhere.
    """
    return {
        line.line_id
        for line in lines
        if line.image_sha256 in lineage.trained_images
        and (
            line.line_id in lineage.trained_lines or line.image_sha256 not in lineage.tested_images
        )
    }


def _portions(lines: Sequence[storage.TrainingLine]) -> Iterator[list[storage.TrainingLine]]:
    """Yield the lines in portions of one page each."""
    portion: list[storage.TrainingLine] = []
    for line in lines:
        if portion and (line.page_id != portion[0].page_id or len(portion) == LINES_AT_ONCE):
            yield portion
            portion = []
        portion.append(line)
    if portion:
        yield portion
