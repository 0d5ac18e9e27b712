"""A segmenter in a process of its own: asked for one page at a time, over pipes.

Every contestant of the segmentation benchmark runs in such a process, ours and the rivals in an
environment of their own alike, so that CPU time and memory can be told apart and all of them take
turns page by page: whatever else the machine does hits all alike. Requests and answers are
JSON, one a line. Only the standard library is needed here, and Pillow in the worker.
"""

from __future__ import annotations

import io
import json
import os
import queue
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from PIL import Image

START_LIMIT_S = 300.0  # first start: bytecode is compiled, weights are read
PAGE_LIMIT_S = 600.0
END_LIMIT_S = 10.0


@dataclass(frozen=True)
class Found:
    """The baselines of a page in reading order, with what part of the time was for polygons.

    lines: points (x, y) in px of the page. polygon_cpu_s, polygon_wall_s: 0 where not told apart.
    aside: lines that it keeps apart from the text of the page, of the facing page or doubtful.
    """

    lines: list[list[list[float]]]
    polygon_cpu_s: float = 0.0
    polygon_wall_s: float = 0.0
    aside: list[list[list[float]]] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What a worker found on a page and what it cost; `error` says why it found nothing.

    cpu_s: user and system time of the worker's process. peak_bytes: its largest memory so far.
    """

    lines: list[list[list[float]]]
    cpu_s: float
    wall_s: float
    peak_bytes: int
    polygon_cpu_s: float = 0.0
    polygon_wall_s: float = 0.0
    error: str = ""
    aside: list[list[list[float]]] = field(default_factory=list)


class WorkerError(Exception):
    """A worker that could not be started or has ended; the message is its last words."""


Segmenter = Callable[["Image.Image"], Found]
"""Takes a page of mode L or RGB."""


class Worker:
    """A segmenter's process, seen from the benchmark."""

    def __init__(self, command: Sequence[str], threads: int) -> None:
        """Start the process and wait until it says that it is ready.

        threads: for OpenMP and the like in the process.
        Raises: WorkerError with the last line of what it wrote, if it ends or stays silent.
        """
        environment = os.environ | {
            "OMP_NUM_THREADS": str(threads),
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONUNBUFFERED": "1",
        }
        self._errors: list[str] = []
        self._answers: queue.Queue[str | None] = queue.Queue()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                text=True,
            )
        except OSError as error:
            raise WorkerError(str(error)) from error
        self._readers = [
            threading.Thread(target=self._read_answers, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        try:
            ready = json.loads(self._answer(START_LIMIT_S))
        except WorkerError:
            self.close()
            raise
        if "ready" not in ready:
            self.close()
            raise WorkerError(str(ready.get("error")))
        self.version = str(ready["ready"])

    def segment(self, archive: Path, file: str) -> Answer:
        """Return what is found on that page of the archive; `error` is set if it failed.

        Raises: WorkerError when the process has ended or takes longer than PAGE_LIMIT_S.
        """
        request = {"archive": str(archive), "file": file}
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise WorkerError(self._last_words()) from error
        return Answer(**json.loads(self._answer(PAGE_LIMIT_S)))

    def close(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join(10)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:  # what was left to write to an ended process
                    continue

    def _answer(self, limit_s: float) -> str:
        try:
            answer = self._answers.get(timeout=limit_s)
        except queue.Empty:
            raise WorkerError(f"no answer within {limit_s:.0f} s") from None
        if answer is None:
            self._readers[1].join(10)
            raise WorkerError(self._last_words())
        return answer

    def _last_words(self) -> str:
        try:
            self._process.wait(END_LIMIT_S)  # its pipe is closed: it is about to end
        except subprocess.TimeoutExpired:
            return f"the process closed its pipe and still ran {END_LIMIT_S:.0f} s later"
        words = [line.strip() for line in self._errors if line.strip()]
        return words[-1] if words else f"the process ended with {self._process.poll()}"

    def _read_answers(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith("{"):
                self._answers.put(line)
        self._answers.put(None)

    def _read_errors(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self._errors = [*self._errors[-20:], line]


def serve(load: Callable[[], tuple[str, Segmenter]]) -> None:
    """Answer requests from standard input until it ends; the worker's main function.

    load: returns the contestant's version and its segmenter, ready for use. The page is decoded
    before the clocks start, and the weights are loaded.
    """
    out = sys.stdout
    sys.stdout = sys.stderr  # what a library prints is no answer
    try:
        version, segmenter = load()
    except Exception as error:
        _say(out, {"error": f"{type(error).__name__}: {error}".splitlines()[0]})
        return
    _say(out, {"ready": version})
    for row in sys.stdin:
        _say(out, asdict(_answer_to(json.loads(row), segmenter)))


def _answer_to(request: dict, segmenter: Segmenter) -> Answer:
    from PIL import Image

    with zipfile.ZipFile(request["archive"]) as archive:
        image = Image.open(io.BytesIO(archive.read(request["file"])))
    page = image.convert("L" if image.mode == "L" else "RGB")
    wall, cpu = time.perf_counter(), time.process_time()
    error, found = "", Found([])
    try:
        found = segmenter(page)
    except Exception as failure:  # a contestant's failure on a page is a result, and is shown
        error = f"{type(failure).__name__}: {failure}".splitlines()[0]
    return Answer(
        lines=found.lines,
        cpu_s=time.process_time() - cpu,
        wall_s=time.perf_counter() - wall,
        peak_bytes=_peak_bytes(),
        polygon_cpu_s=found.polygon_cpu_s,
        polygon_wall_s=found.polygon_wall_s,
        error=error,
        aside=found.aside,
    )


def _peak_bytes() -> int:
    """Return the process's largest resident memory; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _say(out: TextIO, message: dict) -> None:
    print(json.dumps(message), file=out, flush=True)
