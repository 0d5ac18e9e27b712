"""A process of a batch: the model that it holds, and a file read with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.batch_pages import Failure, FileResult, PageOutput, read_file
from services.batch_source import PageFile

DIED = "the process that read it died, perhaps for want of memory"


@dataclass(frozen=True)
class ModelChoice:
    """The model that reads, and how; see `Recognizer.load`."""

    path: Path
    device: str = "auto"
    precision: str = "auto"


_loaded: dict[str, Any] = {}
"""The model of this process: loaded once, used for all its files."""


def check_model(model: ModelChoice) -> None:
    """Refuse here what would kill every worker. Raises RecognitionError."""
    from htr.device import check_precision, choose_device
    from htr.header import read_header

    read_header(model.path)
    check_precision(model.precision, choose_device(model.device))


def load_model(model: ModelChoice, threads: int | None) -> None:
    """Load the model that this process reads with, by so many threads; None: as many as it may."""
    from htr.recognizer import Recognizer

    _loaded["recognizer"] = Recognizer.load(
        model.path, model.device, model.precision, threads=threads
    )


def read_or_fail(file: PageFile, output: PageOutput) -> FileResult:
    """Return what came of the file, whatever it brings; the model must be loaded."""
    try:
        return read_file(file, output, _loaded["recognizer"])
    except Exception as error:  # one page of a million must not end the batch: it is listed
        reason = f"{type(error).__name__}: {error!s:.300}"
        return FileResult(file.name, failures=(Failure(file.name, None, reason),))
