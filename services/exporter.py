"""The exporter: one thread that writes what people want to take along, one order after the other.

The queue is in the database and the files are in the data folder, so that closing the browser
loses nothing, and a restart begins anew what was not finished.
"""

from __future__ import annotations

import errno
import logging
import shutil
import time
from pathlib import Path

import storage
from exchange import ExchangeError
from segmentation.lines import SegmentationError
from services.export_files import file_name, write_export
from services.export_order import ExportOrder, read_order
from services.export_pages import select_pages
from services.run_thread import RunKind, RunThread

LOG = logging.getLogger("htr.export")

EXPORT = "export"  # the kind of run
FOLDER = "exports"  # in the data folder; a backup can do without it
KEPT_S = 24 * 3600.0  # a finished file can be downloaded for so long
REPORT_EVERY_S = 0.3  # a report is a write to the disk
SHOWN_RUNS = 5


KIND = RunKind(
    kind=EXPORT,
    name=lambda run: f"export {run.id}",
    log=LOG,
    told=(ExchangeError, storage.StorageError, SegmentationError),
    no_memory="There was not enough memory. Export fewer pages at a time.",
    failed="The export failed; the server's log says why.",
)


class Exporter:
    """Writes the exports that are ordered; a thread is there while there is work."""

    def __init__(self, store: storage.Store) -> None:
        """Export from `store`; nothing runs before `start` or `order`."""
        self._store = store
        self._thread = RunThread(store, KIND, self._do)

    def start(self) -> None:
        """Take up the exports that a stopped server left, and clear away old files."""
        self._sweep()
        self._thread.start()

    def stop(self, limit_s: float = 5.0) -> None:
        """Stop after the page in hand; the export begins anew at the next start."""
        self._thread.stop(limit_s)

    def order(self, wanted: ExportOrder) -> storage.Run:
        """Return the run that will write the export.

        Raises: ExchangeError where there is nothing to export, StorageError.
        """
        selection = select_pages(self._store, wanted)
        settings = {**wanted.as_json(), "title": selection.title}
        run = storage.add_run(self._store, EXPORT, settings=settings)
        self._thread.wake()
        return run

    def cancel(self, run_id: int) -> storage.Run:
        """Return the export, cancelled unless it had ended before.

        Raises: StorageError where there is none with this number.
        """
        return storage.cancel_run(self._store, self.export(run_id).id)

    def export(self, run_id: int) -> storage.Run:
        """Return an export.

        Raises: StorageError where there is none with this number.
        """
        run = storage.run(self._store, run_id)
        if run.kind != EXPORT:
            raise storage.NotFound(f"There is no export {run_id}. Start a new one.")
        return run

    def newest(self) -> list[storage.Run]:
        """Return the latest exports: those at work, those that failed, and files still there."""
        runs = storage.runs(self._store, EXPORT, ["waiting", "running", "done", "failed"])
        shown = [run for run in runs if run.state != "done" or self._file_of(run)]
        return shown[:SHOWN_RUNS]

    def file(self, run_id: int) -> tuple[Path, str]:
        """Return where the file of a finished export lies, and what to call it.

        Raises: StorageError where it is not there, or not there any more.
        """
        path = self._file_of(self.export(run_id))
        if path is None:
            raise storage.NotFound(
                f"The file of export {run_id} is not there. Files are kept for a day; export again."
            )
        return path, path.name

    @property
    def folder(self) -> Path:
        """Where the files lie, each in a folder of its own."""
        return self._store.data_dir / FOLDER

    def _file_of(self, run: storage.Run) -> Path | None:
        name = (run.result or {}).get("file")
        if run.state != "done" or not isinstance(name, str) or name != Path(name).name:
            return None
        path = self.folder / str(run.id) / name
        return path if path.is_file() else None

    def _do(self, run: storage.Run) -> None:
        partial = self.folder / str(run.id) / ".part"
        try:
            self._sweep()
            partial.parent.mkdir(parents=True, exist_ok=True)
            self._write(run, partial)
        except OSError as error:
            raise ExchangeError(disk_words(error)) from error
        finally:
            partial.unlink(missing_ok=True)
            if partial.parent.is_dir() and not any(partial.parent.iterdir()):
                partial.parent.rmdir()

    def _write(self, run: storage.Run, partial: Path) -> None:
        progress = _Progress(self._thread, run)
        order = read_order(run.settings)
        selection = select_pages(self._store, order, progress.page_done)
        progress.begin(selection.pages)
        with partial.open("wb") as out:
            write_export(out, order, selection, self._store.clock())
        size = partial.stat().st_size
        path = partial.replace(partial.with_name(file_name(order, selection)))
        result = {"file": path.name, "bytes": size, "pages": selection.pages}
        if storage.finish_run(self._store, run.id, result).state != "done":
            path.unlink(missing_ok=True)  # it was cancelled at the last moment

    def _sweep(self) -> None:
        """Delete files that were kept long enough."""
        before = self._store.clock().timestamp() - KEPT_S
        for folder in self.folder.glob("*"):
            if folder.is_dir() and folder.stat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)


class _Progress:
    """Tells how far an export is, and learns whether it is still wanted."""

    def __init__(self, thread: RunThread, run: storage.Run) -> None:
        self._thread = thread
        self._run = run
        self._pages = 0
        self._done = 0
        self._reported_s = 0.0

    def begin(self, pages: int) -> None:
        """Say how many pages there are."""
        self._pages = pages
        self._report()

    def page_done(self) -> None:
        """Count a page, and raise Stopped where nobody wants the rest."""
        self._done += 1
        self._thread.go_on()
        if time.monotonic() - self._reported_s >= REPORT_EVERY_S:
            self._report()

    def _report(self) -> None:
        self._reported_s = time.monotonic()
        # Formats that look at the pages twice count each of them twice.
        done = min(self._done, self._pages)
        phase = f"{done} of {self._pages} pages"
        self._thread.report(self._run.id, done / self._pages, phase)


def disk_words(error: OSError) -> str:
    """Return what to tell of a file that could not be written or read."""
    if error.errno == errno.ENOSPC:
        return "The disk is full. Make room, then export again."
    return f"{error.filename or 'The file'} failed: {error.strerror or error}. Export again."
