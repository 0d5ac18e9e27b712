"""A batch: many page files read into files, by one process or several, and taken up after a stop.

What is done is in the journal of the output folder, a line a file, and nothing else decides: a
file that is in it and whose outputs are there is not opened again. Memory does not grow with the
number of pages, since files are listed while they are read.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TextIO

from services.batch_errors import BatchError
from services.batch_pages import PART, Failure, FileResult, PageOutput
from services.batch_source import PageFile
from services.batch_worker import DIED, ModelChoice, check_model, load_model, read_or_fail

JOURNAL = "done.jsonl"
FAILURES = "failures.jsonl"
PART_AGE_S = 600  # nobody writes a file for so long; a younger one may be another process's
MOST_DEATHS = 6  # in a row, without a single file read between them

Report = Callable[[FileResult], None]


@dataclass
class BatchTotals:
    """What a batch did. skipped: files that were done before; seconds: of reading, added up."""

    files: int = 0
    skipped: int = 0
    pages: int = 0
    lines: int = 0
    failures: int = 0
    seconds: float = 0.0

    def add(self, result: FileResult) -> None:
        """Count a file."""
        self.files += 1
        self.pages += result.pages
        self.lines += result.lines
        self.failures += len(result.failures)
        self.seconds += result.seconds


def run_batch(
    files: Iterable[PageFile],
    output: PageOutput,
    model: ModelChoice,
    workers: int | None = None,
    report: Report = lambda result: None,
    ray: str = "",
) -> BatchTotals:
    """Return what was done after reading all files that are not done yet.

    workers: processes that read; None takes one, on a Ray cluster as many as it has room for. ray:
    the address of that cluster. report: called with each file's result. Files and pages that cannot
    be read are in failures.jsonl, which tells of this run alone; the next one tries them again.

    Raises: BatchError where the output folder cannot be written; RecognitionError for a model
    that cannot be used.
    """
    totals = BatchTotals()
    try:
        output.folder.mkdir(parents=True, exist_ok=True)
        done = _done_files(output.folder)
        _sweep(output.folder)
        with (
            (output.folder / JOURNAL).open("a", encoding="utf-8") as journal,
            (output.folder / FAILURES).open("w", encoding="utf-8") as failed,
        ):
            waiting = _waiting(files, done, totals)
            for result in _read_all(waiting, output, model, workers, ray):
                totals.add(result)
                for failure in result.failures:
                    _append(failed, asdict(failure))
                if not result.failures:
                    _append(journal, {"file": result.file, "outputs": result.outputs})
                report(result)
    except OSError as error:
        raise BatchError(
            f"{error.filename or output.folder} cannot be written: {error.strerror or error}. "
            f"Make room or choose another folder; the same command then goes on."
        ) from error
    return totals


def _done_files(folder: Path) -> set[str]:
    """Return the files that are done: in the journal, with all that came of them still there.

    The last line may be torn where the machine stopped; such a file counts as not done.
    """
    done: set[str] = set()
    path = folder / JOURNAL
    if not path.exists():
        return done
    data = path.read_bytes()
    for row in data.splitlines():
        try:
            entry = json.loads(row)
            outputs = [folder / name for name in entry["outputs"]]
            file = str(entry["file"])
        except (ValueError, KeyError, TypeError):
            continue
        if all(output.exists() for output in outputs):
            done.add(file)
    if data and not data.endswith(b"\n"):
        with path.open("ab") as journal:  # what comes next must not continue the torn line
            journal.write(b"\n")
    return done


def _sweep(folder: Path) -> None:
    """Delete what processes that died had begun to write."""
    for path in folder.rglob(f".*{PART}"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > PART_AGE_S:
                path.unlink()


def _waiting(files: Iterable[PageFile], done: set[str], totals: BatchTotals) -> Iterator[PageFile]:
    for file in files:
        if file.name in done:
            totals.skipped += 1
        else:
            yield file


def _read_all(
    files: Iterator[PageFile],
    output: PageOutput,
    model: ModelChoice,
    workers: int | None,
    ray: str,
) -> Iterator[FileResult]:
    if ray:
        from services.batch_ray import read_by_ray

        return read_by_ray(files, output, model, workers, ray)
    if workers is None or workers == 1:
        return _read_here(files, output, model)
    return _read_by_workers(files, output, model, workers)


def _read_here(
    files: Iterator[PageFile], output: PageOutput, model: ModelChoice
) -> Iterator[FileResult]:
    load_model(model, None)
    for file in files:
        yield read_or_fail(file, output)


def _read_by_workers(
    files: Iterator[PageFile], output: PageOutput, model: ModelChoice, workers: int
) -> Iterator[FileResult]:
    """Yield the results as they come; each worker holds one file at a time.

    When a worker dies, all are started anew, and the files that were in hand are read one at a
    time, so that the one which kills its worker is found; the others lose nothing.
    """
    check_model(model)
    suspects: deque[PageFile] = deque()
    deaths = 0  # in a row
    while True:
        crew = _Crew(workers, model)
        try:
            for result in crew.read(files, output, suspects):
                deaths = 0
                yield result
            return
        except BrokenProcessPool:
            deaths += 1
            if deaths > MOST_DEATHS:
                raise BatchError(
                    f"{deaths} times in a row {DIED}. Use fewer workers; the same command goes on."
                ) from None
            if crew.is_alone and len(crew.in_hand) == 1:
                (file,) = crew.in_hand.values()
                yield FileResult(file.name, failures=(Failure(file.name, None, DIED),))
            else:
                suspects.extend(crew.in_hand.values())


class _Crew:
    """Processes that read until all is read or one of them dies; in_hand: what they read now."""

    def __init__(self, workers: int, model: ModelChoice) -> None:
        self.in_hand: dict[Future[FileResult], PageFile] = {}
        self.is_alone = False
        self._workers = workers
        self._model = model

    def read(
        self, files: Iterator[PageFile], output: PageOutput, suspects: deque[PageFile]
    ) -> Iterator[FileResult]:
        """Yield results; suspects are read first, and one at a time.

        Raises: BrokenProcessPool when a process died.
        """
        threads = max(1, (os.cpu_count() or 1) // self._workers)
        with ProcessPoolExecutor(
            self._workers,
            get_context("spawn"),
            initializer=load_model,
            initargs=(self._model, threads),
        ) as pool:
            while True:
                self.is_alone = bool(suspects)
                while len(self.in_hand) < (1 if self.is_alone else self._workers):
                    file = suspects.popleft() if suspects else next(files, None)
                    if file is None:
                        break
                    self._give(pool, file, output, suspects)
                if not self.in_hand:
                    return
                finished, _ = wait(self.in_hand, return_when=FIRST_COMPLETED)
                for future in finished:
                    result = future.result()
                    del self.in_hand[future]
                    yield result

    def _give(
        self,
        pool: ProcessPoolExecutor,
        file: PageFile,
        output: PageOutput,
        suspects: deque[PageFile],
    ) -> None:
        try:
            self.in_hand[pool.submit(read_or_fail, file, output)] = file
        except BrokenProcessPool:  # died meanwhile, and not of this file
            suspects.append(file)
            raise


def _append(file: TextIO, entry: dict[str, Any]) -> None:
    file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    file.flush()
