"""The reader: one thread that takes waiting pages, finds their lines and reads them.

The queue is in the database, so that closing the browser or killing the server loses no page:
what was being read waits again at the next start.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import storage
from htr.errors import RecognitionError
from segmentation.lines import Line, SegmentationError
from services.language_model import LanguageModel
from services.rereading import keeps_lines, lines_to_read, put_readings
from services.resegment import put_lines, segmented
from services.run_thread import RunKind, StandingRunThread, Stopped
from services.settings import Settings
from services.standing_objects import set_standing_objects_aside
from services.turns import Turns

if TYPE_CHECKING:
    import numpy as np

    from htr.pipeline import ReadLine
    from htr.recognizer import Recognizer

LOG = logging.getLogger("htr.reader")
PACE_PAGES = 20  # the time left is told from the median of so many last pages

KIND = RunKind(
    kind="read",
    name=lambda run: f"page {run.page_id}",
    log=LOG,
    told=(SegmentationError, RecognitionError, storage.StorageError, OSError),
    no_memory="There was not enough memory to read this page. Scan it at 300 dpi.",
    failed="This page could not be read; the server's log says why.",
)


class PageReader:
    """Reads waiting pages one after the other, in the order in which they were queued."""

    def __init__(
        self, settings: Settings, store: storage.Store, language: LanguageModel | None = None
    ) -> None:
        """Prepare to read into `store`; nothing runs before `start`.

        language: helps to read where the user switched it on.
        """
        self._settings = settings
        self._store = store
        self._thread = StandingRunThread(store, KIND, self._read, self._warm_up)
        self._recognizer: Recognizer | None = None
        self._recognizer_of: int | None = None
        self._language = language
        self._language_stamp = ""  # of the language model that the recognizer reads with
        self._page_times_s: deque[float] = deque(maxlen=PACE_PAGES)
        self._warm_up_failed: int | None = None  # the model that could not be loaded
        self._turns = Turns()  # the network serves one caller at a time

    def start(self) -> None:
        """Take up pages that a stopped server left half read, then read what waits."""
        self._thread.start()

    def stop(self, limit_s: float = 10.0) -> None:
        """Let the page in hand come to its end, at most `limit_s`, and read no further."""
        self._thread.stop(limit_s)

    def wake(self) -> None:
        """Say that a page waits."""
        self._thread.wake()

    def read_lines(self, pixels: np.ndarray, lines: Sequence[Line]) -> tuple[list[ReadLine], int]:
        """Return the given lines of a page as the current model reads them, and its number.

        A person waits for this, so it does not wait for the page in hand to be finished.

        Raises: RecognitionError or StorageError where the model cannot be used.
        """
        from htr.pipeline import read_lines

        with self._turns.urgent():
            recognizer, model_id = self._current_recognizer()
            return read_lines(pixels, lines, recognizer), model_id

    def log_probabilities(
        self, crops: Sequence[np.ndarray], progress: Callable[[float], None] | None = None
    ) -> list[np.ndarray]:
        """Return what the network in use thinks of line crops, before any search: (T, V), ln.

        Raises: RecognitionError or StorageError where the model cannot be used.
        """

        def give_way(share: float) -> None:
            if progress:
                progress(share)
            self._turns.give_way()

        with self._turns.patient():
            return self._current_recognizer()[0].log_probabilities(crops, give_way)

    @property
    def turns(self) -> Turns:
        """Whose turn it is to compute; whoever else reads with a network asks here first."""
        return self._turns

    @property
    def reads_on(self) -> str:
        """The device and precision of the loaded model, or "" before it is loaded."""
        recognizer = self._recognizer
        return f"{recognizer.device}, {recognizer.precision}" if recognizer else ""

    def time_left_s(self, pages: int) -> float | None:
        """Return the seconds that so many pages will take; None before the first was read."""
        times_s = list(self._page_times_s)
        return pages * statistics.median(times_s) if times_s and pages else None

    def _warm_up(self) -> None:
        """Load the model in use while nothing waits: the next page need not wait for it.

        It may have changed since, by a training process or by a person who goes back.
        """
        wanted: int | None = None
        try:
            model = storage.current_model(self._store)
            wanted = model.id if model else None
            if wanted in (None, self._recognizer_of, self._warm_up_failed):
                return
            with self._turns.patient():
                self._current_recognizer()
        except (RecognitionError, storage.StorageError) as error:
            self._warm_up_failed = wanted  # said once here, and again by each page that needs it
            LOG.warning("the model cannot be loaded: %s", error)

    def _read(self, run: storage.Run) -> None:
        started_s = time.monotonic()
        lines = self._read_page(run)
        self._page_times_s.append(time.monotonic() - started_s)
        LOG.info("page %s: %d lines read", run.page_id, lines)

    def _read_page(self, run: storage.Run) -> int:
        from htr.pipeline import read_lines, read_page
        from segmentation.images import decode_page

        if run.page_id is None:
            raise storage.StorageError(f"Run {run.id} names no page to read.")
        page = storage.page(self._store, run.page_id)
        pixels = decode_page(storage.page_image(self._store, page))
        method = str(run.settings.get("segmentation") or self._settings.segmentation)

        def progress(share: float) -> None:
            if not storage.report_progress(self._store, run.id, share, "reading the lines"):
                raise Stopped
            self._turns.give_way()

        if keeps_lines(self._store, run, page.id):
            with self._turns.patient():
                recognizer, model_id = self._current_recognizer()
                with_language = recognizer.with_language
                known = lines_to_read(self._store, page.id, model_id, with_language)
                again = read_lines(pixels, [segmented(n) for n in known], recognizer, progress)
            put_readings(self._store, run, known, [new_reading(line) for line in again], model_id)
            return len(again)
        storage.report_progress(self._store, run.id, 0.0, "finding the lines")
        with self._turns.patient():
            recognizer, model_id = self._current_recognizer()
            read = read_page(pixels, recognizer, method=method, progress=progress)
        lines = [new_line(line) for line in read]
        with storage.write(self._store):
            author = str(run.settings.get("author") or "")
            count = put_lines(self._store, page, lines, model_id, author)
            storage.finish_run(self._store, run.id, {"lines": count})
        return count

    def _current_recognizer(self) -> tuple[Recognizer, int]:
        """Return the recognizer of the current model and the model's id, loading it if new."""
        model = storage.current_model(self._store)
        if model is None:
            raise storage.StorageError("There is no model to read with. Restart the app.")
        stamp = self._language.stamp if self._language else ""
        if (
            self._recognizer is None
            or self._recognizer_of != model.id
            or self._language_stamp != stamp
        ):
            from htr.recognizer import Recognizer

            path: Path = storage.model_path(self._store, model)
            replaced = self._recognizer is not None
            self._recognizer = Recognizer.load(
                path,
                device=self._settings.device,
                threads=self._settings.threads,
                beam=self._language.beam_for(model) if self._language else None,
            )
            self._recognizer_of, self._language_stamp = model.id, stamp
            set_standing_objects_aside(tidy=replaced)
        return self._recognizer, model.id


def new_line(read: ReadLine) -> storage.NewLine:
    """Return what storage keeps of a line that was found and read."""
    return storage.NewLine(
        baseline=read.line.baseline,
        polygon=read.line.polygon,
        spacing_px=read.line.spacing_px,
        kind=read.line.kind,
        flags=read.line.flags,
        reading=new_reading(read) if read.line.kind != storage.ASIDE else None,
    )


def new_reading(read: ReadLine) -> storage.NewReading:
    """Return what storage keeps of what was read on a line."""
    return storage.NewReading(
        read.transcript.text,
        read.transcript.confidence,
        tuple(
            storage.ReadCharacter(c.text, c.confidence, c.start_px, c.end_px, c.others)
            for c in read.transcript.characters
        ),
        crop_width_px=read.crop_width_px,
        with_language=read.with_language,
    )
