"""Where a run keeps its files: the frozen lines, its checkpoint, its model, its report, its log.

<data>/runs/<number>/snapshot/          lines, texts and split as they were at the start
                     checkpoint.*       what an interrupted run goes on from
                     model.safetensors  the candidate
                     report.json        what the report page shows
                     worker.log         what the process printed
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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

    @property
    def has_checkpoint(self) -> bool:
        """Whether an interrupted run left something to go on from."""
        return any(self.path.glob("checkpoint.*"))

    def remove_checkpoint(self) -> None:
        """Delete what an interrupted run would go on from; the run has come to its end."""
        for path in self.path.glob("checkpoint.*"):
            path.unlink(missing_ok=True)


def run_folder(data_dir: Path, run_id: int) -> RunFolder:
    """Return the folder of a run, whether it is there or not."""
    return RunFolder(data_dir / FOLDER / str(int(run_id)))
