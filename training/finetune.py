"""Fine-tuning: corrected lines of a hand and the current model -> a model that reads it better.

The recipe is `FinetuneConfig`; here is the order of things. Where there are lines enough, some of
the training lines are set aside to choose by. Characters that the model lacks are added to it, and
learned alone first, see `first_lesson.py`. The network learns all, step by step, and the running
mean of its weights is looked at now and then. At the end the mean is mixed with the weights that
the run began with.

The held-out lines are read to show how it goes and for nothing else: they decide later, at the
gate, whether the new model is better, and could not if it had been chosen by them.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from htr.device import choose_device
from training.errors import TrainingError
from training.finetune_checkpoint import SavedState, load_state, run_fingerprint, save_state
from training.finetune_config import FinetuneConfig, FinetuneResult, Point, Progress, Report
from training.first_lesson import teach_new_classes
from training.growth import grow, missing_characters
from training.learner import Learner, learning_rate_share
from training.line_batches import LineBatches, PreparedLine, prepare_lines
from training.lines import TrainLine, thinned
from training.reading import cer_of, read_lines
from training.trainable import Trainable
from training.weight_average import blended

SELECTION = 4  # what the random number that sets lines aside is for; part of its seed
TRIAL_STEPS = 3  # the first one also allocates and picks kernels


@dataclass
class _Run:
    """A run under way: what changes from step to step, and survives a stop.

    shown: key, text and reading of the samples at the last look. best: the averaged weights that
    read the lines set aside best.
    """

    step: int = 0
    elapsed_s: float = 0.0
    losses: list[float] = field(default_factory=list)
    curve: list[Point] = field(default_factory=list)
    shown: tuple[tuple[str, str, str], ...] = ()
    best: dict[str, Tensor] | None = None


@dataclass(frozen=True)
class _Task:
    """A run's constant parts.

    start: the weights that it began with, grown. reader: a second network, to read with averaged
    or mixed weights. choose: lines set aside for choosing. watched: held-out lines to show.
    """

    config: FinetuneConfig
    learner: Learner
    batches: LineBatches
    steps: int
    start: dict[str, Tensor]
    reader: Trainable
    choose: list[TrainLine]
    watched: list[TrainLine]
    report: Report

    @property
    def usual_interpolation(self) -> float:
        """How far to go where no lines are set aside to choose by."""
        return self.config.usual_interpolation(len(self.batches.lines))


def finetune(
    base: Trainable,
    train: Sequence[TrainLine],
    held_out: Sequence[TrainLine],
    config: FinetuneConfig,
    *,
    replay: Sequence[TrainLine] = (),
    others: Sequence[TrainLine] = (),
    run_dir: Path | None = None,
    report: Report,
    clock: Callable[[], float] = time.monotonic,
) -> FinetuneResult:
    """Return the model that comes of learning the lines of `train` from `base`, which stays as is.

    train: lines with text; characters that the base lacks are added to it. held_out: lines to
    show the progress by, nothing is chosen by them. replay: earlier lines that are mixed in, so
    that they are not forgotten. others: lines of other hands, on which new characters must not be
    read. Of both, those that the model cannot write are left out. run_dir: where the state is
    kept; a run that finds its own state there goes on from it. report: called before the first
    step and after every one; once it returns False, the best so far is the result. clock: seconds.

    With fixed steps the same arguments and threads give the same bits on a CPU, whether or not
    the run was stopped in between.

    Raises TrainingError if there are no lines, if the state cannot be written, if memory does not
    suffice for a single line, or if the loss stops being a number.
    """
    if not train:
        raise TrainingError("There are no lines to learn from; correct or confirm some first.")
    with torch.random.fork_rng(devices=[]):
        began_s = clock()
        task = _task(base, train, held_out, config, replay, others, report)
        key = run_fingerprint(base, (train, held_out, replay, others), config) if run_dir else ""
        run = _resumed(task, run_dir, key)
        began_s -= run.elapsed_s

        def elapsed_s() -> float:
            return clock() - began_s

        stopped = _train(task, run, run_dir, key, elapsed_s)
        trainable, interpolation = _candidate(task, run)
        return FinetuneResult(
            trainable,
            tuple(run.curve),
            interpolation,
            run.step,
            elapsed_s(),
            stopped,
            asdict(config)
            | {
                "precision": task.learner.precision,
                "planned_steps": task.steps,
                "micro_lines": task.learner.micro_lines,
                "lines": len(task.batches.lines),
                "choosing_lines": len(task.choose),
                "replay_lines": len(task.batches.replay),
            },
            {name: value.cpu() for name, value in task.start.items()},
        )


def measure_step_s(base: Trainable, lines: Sequence[TrainLine], config: FinetuneConfig) -> float:
    """Return the seconds that a step of training on such lines takes here, by trying a few.

    The base stays as it is. Raises TrainingError if there are no lines.
    """
    with torch.random.fork_rng(devices=[]):
        unselected = replace(config, selection_lines_least=len(lines) + 1)
        task = _task(base, lines, (), unselected, (), (), None)
        seconds = []
        for step in range(TRIAL_STEPS):
            began_s = time.perf_counter()
            task.learner.step(task.batches.batch(step), step, 0.0)
            seconds.append(time.perf_counter() - began_s)
    return min(seconds)


def measure_reading_s(base: Trainable, lines: Sequence[TrainLine], config: FinetuneConfig) -> float:
    """Return the seconds that reading such a line takes here, by reading these."""
    device = choose_device(config.device)
    read_lines(base, lines[:1], device)  # it also allocates and picks kernels
    began_s = time.perf_counter()
    read_lines(base, lines, device)
    return (time.perf_counter() - began_s) / max(1, len(lines))


def estimate_s(
    step_s: float, reading_s: float, lines: int, held_out: int, config: FinetuneConfig
) -> float:
    """Return the seconds that a run will take, from those of a step and of reading a line.

    lines, held_out: how many lines there are to train on and to test.
    """
    choosing = _choosing_lines(lines, config)
    read = config.points * (min(held_out, config.watched_lines) + choosing)
    read += choosing * len(config.interpolations)
    whole = config.planned_steps(lines - choosing) * step_s + read * reading_s
    return whole if config.time_limit_s is None else min(whole, config.time_limit_s)


def _task(
    base: Trainable,
    train: Sequence[TrainLine],
    held_out: Sequence[TrainLine],
    config: FinetuneConfig,
    replay: Sequence[TrainLine],
    others: Sequence[TrainLine],
    report: Report | None,
) -> _Task:
    """Return what the run starts with. report: None for a trial that nobody will read with."""
    new = missing_characters(base.alphabet, [line.text for line in train])
    grown = grow(base, new)
    learn, choose = set_aside(train, config)
    device = choose_device(config.device)
    prepared = prepare_lines(learn, grown.config, grown.alphabet)
    if new and report:
        report(Progress("preparing", 0, None, 0.0, None, None, None))
        foreign = _writable(others, grown)
        teach_new_classes(grown, base.alphabet.classes, prepared, foreign, device)
    learner = Learner(grown, config, device)
    return _Task(
        config,
        learner,
        LineBatches(
            prepared,
            grown.config,
            config.batch_lines,
            config.seed,
            config.strength,
            _writable(replay, grown),
            config.replay_share,
        ),
        config.planned_steps(len(learn)),
        {name: value.clone() for name, value in learner.model.state_dict().items()},
        replace(grown, model=copy.deepcopy(learner.model), tcm=None),
        choose,
        thinned(held_out, config.watched_lines),
        report or _go,
    )


def _writable(lines: Sequence[TrainLine], model: Trainable) -> list[PreparedLine]:
    """Return the lines that the model can write, prepared for it."""
    known = [line for line in lines if not model.alphabet.unknown(line.text)]
    return prepare_lines(known, model.config, model.alphabet)


def _train(
    task: _Task, run: _Run, run_dir: Path | None, key: str, elapsed_s: Callable[[], float]
) -> str:
    """Train until the steps are done, or the time is up, or nothing is gained, or one cancels.

    Returns how it ended: "done", "time" or "cancelled".
    """
    config, saved_s = task.config, run.elapsed_s
    if not task.report(_progress(task, run, "preparing")):
        return "cancelled"
    while run.step < task.steps:
        if config.time_limit_s is not None and run.elapsed_s >= config.time_limit_s:
            return "time"
        rate = learning_rate_share(run.step, _share_done(task, run), config.warmup_steps)
        loss = task.learner.step(task.batches.batch(run.step), run.step, rate)
        if loss is not None:
            run.losses.append(loss)
        run.step += 1
        run.elapsed_s = elapsed_s()
        if len(run.curve) < int(config.points * _share_done(task, run)):
            _look(task, run)
            run.elapsed_s = elapsed_s()
            if _is_flat(run, config):
                return "done"
        if run_dir is not None and run.elapsed_s - saved_s >= config.save_s:
            save_state(run_dir, key, _saved(task, run))
            saved_s = run.elapsed_s
        if not task.report(_progress(task, run, "training")):
            return "cancelled"
    return "done"


def _look(task: _Task, run: _Run) -> None:
    """Read the lines set aside with the averaged weights, those watched as mixed; add to the curve.

    What is shown is what the run would end with, as far as that is known before it has chosen.
    """
    average = task.learner.average.state
    mixed = blended(task.start, average, task.usual_interpolation)
    choose, watched = task.choose, task.watched
    chosen_by = cer_of(choose, _readings(task, average, choose)) if choose else None
    readings = _readings(task, mixed, watched) if watched else []
    earlier = [p.chosen_by for p in run.curve if p.chosen_by is not None]
    if chosen_by is not None and chosen_by <= min(earlier, default=math.inf):
        run.best = {name: value.clone() for name, value in average.items()}
    run.curve.append(
        Point(
            run.step,
            run.elapsed_s,
            sum(run.losses) / len(run.losses) if run.losses else None,
            cer_of(watched, readings) if watched else None,
            chosen_by,
        )
    )
    run.losses.clear()
    shown = zip(watched, readings, strict=True)
    run.shown = tuple((line.key, line.text, text) for line, text in shown)[: task.config.samples]


def _readings(task: _Task, weights: Mapping[str, Tensor], lines: Sequence[TrainLine]) -> list[str]:
    """Return what a network with these weights reads."""
    task.reader.model.load_state_dict(weights)
    return read_lines(task.reader, lines, task.learner.device)


def _candidate(task: _Task, run: _Run) -> tuple[Trainable, float]:
    """Return the result, on the CPU, and how far it is from the old weights to the trained ones."""
    if not run.step:
        trained = task.start
    else:
        trained = run.best or task.learner.average.state
    task.report(_progress(task, run, "choosing"))
    share = task.usual_interpolation
    if task.choose and run.step:
        cers = []
        for candidate in task.config.interpolations:
            mixed = blended(task.start, trained, candidate)
            cers.append(cer_of(task.choose, _readings(task, mixed, task.choose)))
        share = chosen_interpolation(task.config.interpolations, cers, task.config.tolerance)
    task.reader.model.load_state_dict(blended(task.start, trained, share))
    tcm = task.learner.trainable.tcm
    model = task.reader.model.cpu().eval()
    return replace(task.reader, model=model, tcm=tcm.cpu().eval() if tcm else None), share


def chosen_interpolation(shares: Sequence[float], cers: Sequence[float], tolerance: float) -> float:
    """Return the least share whose CER is nearly the lowest: the less changed, the less forgotten.

    shares, cers: in the same order. tolerance: relative, 0-1.
    """
    enough = min(cers) * (1 + tolerance)
    return min(share for share, cer in zip(shares, cers, strict=True) if cer <= enough)


def set_aside(
    train: Sequence[TrainLine], config: FinetuneConfig
) -> tuple[list[TrainLine], list[TrainLine]]:
    """Return the lines to learn from, and those to choose by: none of a small set."""
    count = _choosing_lines(len(train), config)
    rng = np.random.default_rng([config.seed, SELECTION])
    aside = set(rng.permutation(len(train))[:count].tolist())
    learn = [line for number, line in enumerate(train) if number not in aside]
    return learn, [line for number, line in enumerate(train) if number in aside]


def _choosing_lines(lines: int, config: FinetuneConfig) -> int:
    return round(lines * config.selection_share) if lines >= config.selection_lines_least else 0


def _share_done(task: _Task, run: _Run) -> float:
    """Return how much of the run is over, 0-1: of its steps, or of its time if that ends first."""
    limit_s = task.config.time_limit_s
    by_time = run.elapsed_s / limit_s if limit_s else 0.0
    return min(1.0, max(run.step / task.steps, by_time))


def _is_flat(run: _Run, config: FinetuneConfig) -> bool:
    """Return whether the last looks brought nothing on the lines set aside."""
    cers = [point.chosen_by for point in run.curve if point.chosen_by is not None]
    late, early = cers[-config.patience :], cers[: -config.patience]
    return bool(early) and min(late) > min(early)


def _progress(task: _Task, run: _Run, phase: str) -> Progress:
    share = _share_done(task, run)
    point = run.curve[-1] if run.curve else None
    return Progress(
        phase,
        run.step,
        task.steps,
        run.elapsed_s,
        run.elapsed_s * (1 - share) / share if share > 0 else None,
        run.losses[-1] if run.losses else (point.loss if point else None),
        point.cer if point else None,
        run.shown,
    )


def _saved(task: _Task, run: _Run) -> SavedState:
    tensors = task.learner.tensors()
    tensors |= {f"best.{name}": value for name, value in (run.best or {}).items()}
    facts = {
        "learner": task.learner.facts(),
        "step": run.step,
        "elapsed_s": run.elapsed_s,
        "losses": run.losses,
        "curve": [astuple(point) for point in run.curve],
        "shown": run.shown,
    }
    return SavedState(tensors, facts)


def _resumed(task: _Task, run_dir: Path | None, key: str) -> _Run:
    """Return the run that was stopped, its learner as it was; a new run if there is none."""
    saved = load_state(run_dir, key) if run_dir else None
    if saved is None:
        return _Run()
    task.learner.go_on(saved.tensors, saved.facts["learner"])
    best = {
        name.removeprefix("best."): value.to(task.learner.device)
        for name, value in saved.tensors.items()
        if name.startswith("best.")
    }
    return _Run(
        saved.facts["step"],
        saved.facts["elapsed_s"],
        list(saved.facts["losses"]),
        [Point(*values) for values in saved.facts["curve"]],
        tuple((key, text, read) for key, text, read in saved.facts["shown"]),
        best or None,
    )


def _go(_: Progress) -> bool:
    return True
