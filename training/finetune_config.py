"""Settings of a fine-tuning run, and what it tells about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from training.trainable import Trainable


@dataclass(frozen=True)
class FinetuneConfig:
    """The recipe, and why each of its values is what it is; the experiments are in the log.

    How long:
        steps: None plans them from the lines, see `planned_steps`; a number fixes them.
        time_limit_s: the learning rate then falls over the time given, so that the best that can
            be had in it is had, whatever the machine. None takes as long as the steps take.
        lines_seen, passes: lines are seen `lines_seen / lines + passes` times. A few lines stop
            helping after about 50 looks at each, many need less: their number already varies.
        steps_least, steps_most: a floor under which nothing is learned, and a bound on time.
    Each step:
        batch_lines: 4 learned as much as 8 from the same lines seen, in twice as many steps, and
            needs less memory.
        learning_rate: a third of the one of pretraining. From 2.5e-4 to 1e-3 what is gained and
            what is forgotten grow together; only the interpolation moves one against the other.
        warmup_steps: AdamW's second moments know nothing at first.
        weight_decay: small; interpolation does what decay would.
        clip_norm: an overflowing line must not undo the others.
        ema_decay: of the mean of the weights; it remembers about 50 steps, a third of a short run.
        ctc_weight, tcm_weight: of the two losses, the published ones. A run that starts with a
            new TCM head gains nothing measurable by it and loses nothing; the head is kept for
            the runs that follow.
        strength: of the distortion. 1 keeps the writing legible to a person.
        replay_share: of each batch, drawn from earlier corrected lines where there are any.
    Lines that nobody has corrected (see `self_training.py`):
        self_training: whether they help, for three times the work. With eight lines of one hand
            they take a quarter off what is misread instead of a fifth, of another a tenth instead
            of a twentieth; where each page has another writer, nothing instead of a tenth.
        undecided_least: fewer of them bring nothing.
        second_part: steps of the second part, times those of the first.
        surest_share: of the readings, by their confidence, that teach in the second part.
        readings_share: of each batch then, drawn from these. They hold on to what the model knew,
            so that `interpolation` does for few corrected lines, too.
    Batch norm keeps the statistics of the base model: taking over those of a hand, with nothing
    else changed, made the reading of all three test hands worse.
    Choosing:
        interpolation, few_lines, interpolation_of_few: how far to go from the old weights to the
            trained ones where there are too few lines to choose by, and with fewer than so many.
            What is gained is nearly all there half-way, sooner with few lines, and what is
            forgotten grows fastest beyond it.
        interpolations, tolerance: with more lines, the least of these shares whose CER on the
            lines set aside is within so much, relative, of the best one's. Beyond .7 others lose
            more than the hand gains.
        selection_lines_least, selection_share: from so many lines on, this share is set aside.
            Fewer lines would choose by chance and are worth more learned.
        points, patience: looks at the state of things a run; after so many without a gain on the
            lines set aside it ends.
    Telling: watched_lines, samples: held-out lines read at each look, and those of them shown.
    precision: "auto" takes bf16 where the processor is faster at it (AMD: 1.4 times as fast).
    save_s: seconds between two checkpoints.
    """

    seed: int = 1
    steps: int | None = None
    time_limit_s: float | None = None
    lines_seen: float = 320.0
    passes: float = 8.0
    steps_least: int = 100
    steps_most: int = 1500
    batch_lines: int = 4
    learning_rate: float = 5e-4
    warmup_steps: int = 20
    weight_decay: float = 0.01
    clip_norm: float = 5.0
    ema_decay: float = 0.98
    ctc_weight: float = 0.1
    tcm_weight: float = 1.0
    strength: float = 1.0
    replay_share: float = 0.25
    self_training: bool = False
    undecided_least: int = 24
    second_part: float = 2.0
    surest_share: float = 0.7
    readings_share: float = 0.5
    interpolation: float = 0.5
    few_lines: int = 32
    interpolation_of_few: float = 0.4
    interpolations: tuple[float, ...] = (0.4, 0.5, 0.6, 0.7)
    tolerance: float = 0.04
    selection_lines_least: int = 96
    selection_share: float = 0.1
    points: int = 8
    patience: int = 4
    watched_lines: int = 24
    samples: int = 3
    precision: str = "auto"
    device: str = "cpu"
    save_s: float = 30.0

    def usual_interpolation(self, lines: int) -> float:
        """Return how far to go after learning so many lines, where nothing tells it better."""
        return self.interpolation_of_few if lines < self.few_lines else self.interpolation

    def planned_steps(self, lines: int) -> int:
        """Return the steps of a run on so many lines, when time does not end it before."""
        if self.steps is not None:
            return self.steps
        wanted = (self.lines_seen + self.passes * lines) / self.batch_lines
        return int(min(max(round(wanted), self.steps_least), self.steps_most))


@dataclass(frozen=True)
class Point:
    """The state of a run at one step.

    loss: mean since the last point. cer: of the watched held-out lines, read with the weights
    mixed as without lines to choose by. chosen_by: CER of the trained weights on the training
    lines set aside for choosing, None where there are none.
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
    recipe as it was followed, as JSON values. start: the old weights, new characters included.
    """

    trainable: Trainable
    curve: tuple[Point, ...]
    interpolation: float
    steps: int
    seconds: float
    stopped: str
    settings: dict[str, Any]
    start: dict[str, Tensor]
