"""Settings of a fine-tuning run, and what it tells about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.trainable import Trainable


@dataclass(frozen=True)
class FinetuneConfig:
    """The recipe."""

    seed: int = 1
    steps: int | None = None
    time_limit_s: float | None = None
    batch_lines: int = 8
    lines_seen: float = 480.0
    passes: float = 16.0
    steps_least: int = 80
    steps_most: int = 600
    learning_rate: float = 5e-4
    stem_rate: float = 1.0
    head_rate: float = 1.0
    warmup_steps: int = 20
    weight_decay: float = 0.01
    anchor: float = 0.0
    clip_norm: float = 5.0
    ema_decay: float = 0.98
    ctc_weight: float = 0.1
    tcm_weight: float = 0.0
    strength: float = 1.0
    replay_share: float = 0.0
    batch_norm: str = "frozen"
    sam_rho: float = 0.0
    interpolation: float = 1.0
    selection_lines_least: int = 1000
    selection_share: float = 0.15
    interpolations: tuple[float, ...] = (0.5, 0.75, 1.0)
    points: int = 8
    patience: int = 4
    watched_lines: int = 24
    samples: int = 3
    precision: str = "auto"
    device: str = "cpu"
    save_s: float = 30.0

    def planned_steps(self, lines: int) -> int:
        """Return the steps of a run on so many lines, when time does not end it before."""
        if self.steps is not None:
            return self.steps
        wanted = (self.lines_seen + self.passes * lines) / self.batch_lines
        return int(min(max(round(wanted), self.steps_least), self.steps_most))


@dataclass(frozen=True)
class Point:
    """The state of a run at one step.

    loss: mean since the last point. cer: of the watched held-out lines. chosen_by: CER on the
    training lines set aside for choosing, None where there are none.
    """

    step: int
    elapsed_s: float
    loss: float | None
    cer: float | None
    chosen_by: float | None


@dataclass(frozen=True)
class Progress:
    """What a run is doing.

    phase: "preparing", "training" or "choosing". steps: None while unknown. time_left_s: an
    estimate, None while unknown. samples: key, text and present reading of a few held-out lines.
    """

    phase: str
    step: int
    steps: int | None
    elapsed_s: float
    time_left_s: float | None
    loss: float | None
    cer: float | None
    samples: tuple[tuple[str, str, str], ...] = ()


Report = Callable[[Progress], bool]
"""Takes the progress; False asks the run to end with the best so far."""


@dataclass(frozen=True)
class FinetuneResult:
    """What a run ends with.

    trainable: the candidate, on the CPU, in eval mode. interpolation: its share of the way from
    the old weights to the trained ones. stopped: "done", "cancelled" or "time". settings: the
    recipe as it was followed, as JSON values.
    """

    trainable: Trainable
    curve: tuple[Point, ...]
    interpolation: float
    steps: int
    seconds: float
    stopped: str
    settings: dict[str, Any]
