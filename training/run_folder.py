"""Where a run keeps its files: the frozen lines, its checkpoint, its model, its report, its log.

<data>/runs/<number>/snapshot/          lines, texts and split as they were at the start
                     checkpoint.*       what an interrupted run goes on from
                     first-part/        that of the first part of a run in two parts
                     model.safetensors  the candidate
                     report.json        what the report page shows
                     worker.log         what the process printed
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = "runs"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run; its parts need not be there yet."""

    path: Path

    @property
    def snapshot(self) -> Path:
        """The folder of the frozen lines."""
        return self.path / "snapshot"

    @property
    def model(self) -> Path:
        """The file of the candidate."""
        return self.path / "model.safetensors"

    @property
    def report(self) -> Path:
        """The file of the report."""
        return self.path / "report.json"

    @property
    def log(self) -> Path:
        """The file of what the process printed."""
        return self.path / "worker.log"

    def write_report(self, report: Mapping[str, Any]) -> None:
        """Write the report, whole or not at all.

        Raises OSError where the disk does not take it.
        """
        unfinished = self.report.with_suffix(".part")
        with open(unfinished, "w", encoding="utf-8") as file:
            json.dump(report, file, ensure_ascii=False, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, self.report)

    @property
    def has_checkpoint(self) -> bool:
        """Whether an interrupted run left something to go on from."""
        return any(self._checkpoints())

    def _checkpoints(self) -> Iterator[Path]:
        yield from self.path.glob("checkpoint.*")
        yield from self.path.glob("*/checkpoint.*")

    def tidy(self, with_model: bool) -> None:
        """Delete what only an unfinished run needs, and its model where it is kept elsewhere.

        Raises OSError where it cannot be deleted.
        """
        for path in self._checkpoints():
            path.unlink(missing_ok=True)
        if with_model:
            self.model.unlink(missing_ok=True)


def run_folder(data_dir: Path, run_id: int) -> RunFolder:
    """Return the folder of a run, whether it is there or not."""
    return RunFolder(data_dir / FOLDER / str(int(run_id)))
