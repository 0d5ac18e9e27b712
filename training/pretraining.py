"""Pretraining: real and drawn lines -> a recognition model, from nothing or from another model.

The schedule is shaped by the minutes given, not by steps: whatever the machine, the learning rate
has fallen to nothing when the time is up. A run that was stopped goes on from its checkpoint, at
the step where it was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import torch

from htr.alphabet import Alphabet
from htr.config import ModelConfig
from htr.device import choose_device, usable_cores
from htr.errors import RecognitionError
from htr.metrics import score
from htr.model import HTRConvText
from synthesis.font import Font
from training.drawn_lines import ENDLESS, DrawnLines
from training.errors import TrainingError
from training.finetune_checkpoint import CHECKPOINT, SavedState, load_state, save_state
from training.growth import grow
from training.learner import Learner, learning_rate_share
from training.line_batches import BatchLine, LineBatch, LineBatches
from training.pretrain_config import PretrainConfig
from training.pretrain_lines import RealLines, validation_lines
from training.reading import read_lines, reading_errors
from training.resident_lines import LinePool, ResidentBatches, have_room
from training.tcm import fresh_head
from training.team import ALONE, Team
from training.trainable import TCM_SEED, Trainable, load_trainable, save_trainable

MODEL = "model.safetensors"
LOG = "log.jsonl"
DRAWN_ALONE = 20_000  # drawn lines in a round of a run without real ones
AHEAD = 3  # batches that each loader has made or is making while a step is computed
TELL_STEPS = 50

Batches: TypeAlias = LineBatches | ResidentBatches


@dataclass(frozen=True)
class PretrainTask:
    """What to train, on what, and where to keep it.

    start: the model to begin with; trained in place. sources: line sets and snapshots; none
    trains on drawn lines alone. validation: looked at, never learned from. rare: characters that
    drawn lines hold often. more_fonts: that lines are drawn in, beside the project's. loaders:
    threads that make batches. resident: keep all lines on the device and distort them there; None:
    on a GPU with room for them. drawn_ahead: lines drawn once for that, instead of an endless
    stream. facts: what the log and the model say of data, code and machine.
    team: the processes that train it together; all see the same files.
    """

    start: Trainable
    sources: tuple[Path, ...]
    run_dir: Path
    config: PretrainConfig
    validation: Path | None = None
    validation_lines: int = 300
    limit: int | None = None
    rare: tuple[str, ...] = ()
    more_fonts: tuple[Font, ...] = ()
    device: str = "auto"
    loaders: int = 1
    resident: bool | None = None
    drawn_ahead: int = 20_000
    name: str = "pretrained"
    facts: dict[str, Any] = field(default_factory=dict)
    team: Team = ALONE


@dataclass
class _Run:
    """A run under way. waited_s: for batches; looks: curve of the validation lines."""

    step: int = 0
    elapsed_s: float = 0.0
    waited_s: float = 0.0
    lines_seen: int = 0
    looks: list[dict[str, Any]] = field(default_factory=list)


def pretrain(
    task: PretrainTask,
    tell: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> Path:
    """Return the file of the averaged weights after the run, or after going on with it.

    tell: called with one sentence now and then. clock: seconds.

    Raises TrainingError if the run's folder holds another run, if there is nothing to train on, if
    the state cannot be written or the loss stops being a number; RecognitionError for a source
    that cannot be read.
    """
    if not task.team.is_first:
        tell = _silent
    with RealLines(task.sources, task.start.config, task.start.alphabet, task.limit) as real:
        if task.sources and not real.lines:
            raise TrainingError(
                f"None of the lines of {', '.join(path.name for path in task.sources)} can be "
                f"learned: {real.skipped.first or 'there are none'}."
            )
        tell(f"{len(real.lines):,} lines to learn from; left out: {asdict(real.skipped)}")
        return _Pretraining(task, real.lines, tell, clock).train()


class _Pretraining:
    def __init__(
        self,
        task: PretrainTask,
        lines: Sequence[BatchLine],
        tell: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self.task = task
        self.team = task.team
        self.config = task.config
        self.tell = tell
        self.clock = clock
        self.key = _fingerprint(task, len(lines))
        self.watched = (
            validation_lines(task.validation, task.validation_lines) if task.validation else []
        )
        self.device = choose_device(task.device)
        self.streams = self._streams(lines)
        task.start.model.set_dropout(self.config.dropout, self.config.dropout)
        self.learner = Learner(
            task.start,
            self.config,
            self.device,
            micro_lines=self.config.micro_lines,
            train_batch_norm=True,
            sam_rho=self.config.sam_rho,
            team=self.team,
        )
        self.share = self.team.share(self.config.batch_lines)
        with self.team.first_goes_first():
            self.run = self._resumed()
        if self.team.most(self.run.step) != self.run.step:
            raise TrainingError(
                f"{task.run_dir} is not the same folder for all processes. Name one that is."
            )
        # A second network, to read with the averaged weights.
        self.reader = replace(task.start, model=HTRConvText(task.start.config), tcm=None)

    def train(self) -> Path:
        run, config = self.run, self.config
        self.began_s = self.clock() - run.elapsed_s
        looked_s = saved_s = run.elapsed_s
        losses: list[float] = []
        for batch in self._batches():
            wide = batch.widened(int(self.team.most(batch.images.shape[3])))
            waiting_s = self.clock() - self.began_s - run.elapsed_s
            rate = learning_rate_share(run.step, self._share_done(), config.warmup_steps)
            loss = self.learner.step(wide, run.step, rate)
            losses += [loss] if loss is not None else []
            run.step += 1
            run.lines_seen += batch.step_lines
            run.waited_s += waiting_s
            self._tick()
            if run.step % TELL_STEPS == 0:
                self._tell_step(losses, rate)
                losses.clear()
            if run.elapsed_s - looked_s >= config.look_minutes * 60:
                self._look()
                looked_s = self._tick()
            if run.elapsed_s - saved_s >= config.save_minutes * 60:
                self._save()
                saved_s = self._tick()
        self._look()
        self._save()
        return self.task.run_dir / MODEL

    def _tick(self) -> float:
        """Return the seconds of the run until now, the same for all processes."""
        self.run.elapsed_s = self.team.most(self.clock() - self.began_s)
        return self.run.elapsed_s

    def _streams(self, lines: Sequence[BatchLine]) -> dict[int | None, Batches]:
        """Return the batches of every stage of the curriculum, by the longest text in it."""
        task, config = self.task, self.config
        network, alphabet = task.start.config, task.start.alphabet

        def drawn_lines(seed: int, count: int = ENDLESS) -> DrawnLines:
            return DrawnLines(network, alphabet, seed, task.rare, count, task.more_fonts)

        drawn: Sequence[BatchLine] = ()
        if config.drawn_share > 0 and task.sources:
            drawn = drawn_lines(config.seed)
        if not lines:
            lines = drawn_lines(config.seed + 1, DRAWN_ALONE)
        pool = self._pool(lines, drawn)
        if pool:
            lines, drawn = pool.lines[: len(lines)], pool.lines[len(lines) :]
        streams: dict[int | None, Batches] = {}
        for longest in {characters for _, characters in config.curriculum} | {None}:
            chosen: Sequence[BatchLine] = lines
            if longest is not None and task.sources:
                chosen = [one for one in lines if len(one.classes) <= longest] or lines
            order = LineBatches(
                chosen,
                network,
                config.batch_lines,
                config.seed,
                config.strength,
                drawn,
                config.drawn_share,
            )
            streams[longest] = ResidentBatches(pool, order) if pool else order
        return streams

    def _pool(self, lines: Sequence[BatchLine], drawn: Sequence[BatchLine]) -> LinePool | None:
        """Return the real and drawn lines, kept on the device if they are to be and can be."""
        task = self.task
        wanted = task.resident if task.resident is not None else self.device.type == "cuda"
        if not wanted:
            return None
        cores, network = usable_cores(), task.start.config
        streams = [s for s in (lines, drawn) if isinstance(s, DrawnLines)]
        counts = [min(len(stream), task.drawn_ahead) for stream in streams]
        real = [] if isinstance(lines, DrawnLines) else list(lines)
        columns = sum(line.width_px for line in real) + sum(counts) * network.image_max_width
        if not have_room(columns, network, self.device):
            self.tell("The lines have no room on the device; they are brought there step by step.")
            return None
        drawn_ahead = [
            line
            for stream, count in zip(streams, counts, strict=True)
            for line in stream.drawn_ahead(count, cores)
        ]
        pool = LinePool([*real, *drawn_ahead], network, self.device, cores)
        self.tell(
            f"{len(pool.lines):,} lines lie on {self.device}, {len(drawn_ahead):,} of them drawn"
        )
        return pool

    def _batches(self) -> Iterator[LineBatch]:
        """Yield the batches of the steps that are left; the next ones are made meanwhile.

        By threads, which OpenCV and torch leave the interpreter to while they work.
        """
        loaders = self.task.loaders
        ahead = AHEAD * loaders

        def make(step: int) -> LineBatch:
            stream = self.streams[self.config.longest_text(self._share_done(step))]
            return stream.batch(step, self.share)

        with ThreadPoolExecutor(loaders) as pool:
            step = self.run.step
            waiting = [pool.submit(make, step + number) for number in range(ahead)]
            while self._share_done() < 1.0:
                waiting.append(pool.submit(make, step + ahead))
                yield waiting.pop(0).result()
                step += 1
            for future in waiting:
                future.cancel()

    def _share_done(self, step: int | None = None) -> float:
        """Return how much of the run is over at a step, or now: 0-1."""
        if self.config.steps is not None:
            return min(1.0, (self.run.step if step is None else step) / self.config.steps)
        return min(1.0, self.run.elapsed_s / (self.config.minutes * 60))

    def _look(self) -> None:
        """Read the validation lines with the averaged weights, and write these as a model."""
        if not self.team.is_first:
            return
        run = self.run
        look: dict[str, Any] = {
            "step": run.step,
            "lines_seen": run.lines_seen,
            "minutes": round(run.elapsed_s / 60, 2),
            "waited_share": round(run.waited_s / max(run.elapsed_s, 1e-9), 4),
        }
        self.reader.model.load_state_dict(self.learner.average.state)
        if self.watched:
            readings = read_lines(self.reader, self.watched, self.learner.device)
            found = score(reading_errors(self.watched, readings))
            look |= {"cer": round(found.cer, 4), "wer": round(found.wer, 4)}
            look["sample"] = [self.watched[0].text, readings[0]]
        run.looks.append(look)
        self._write(look)
        self.tell(f"look: {look}")
        facts = {
            **self.task.facts,
            "settings": asdict(self.config),
            "steps": run.step,
            "lines_seen": run.lines_seen,
            "minutes": look["minutes"],
            "curve": run.looks,
        }
        tcm = self.learner.trainable.tcm
        kept = replace(self.reader, model=self.reader.model.cpu().eval(), tcm=tcm)
        save_trainable(
            self.task.run_dir / MODEL,
            kept,
            name=self.task.name,
            created=datetime.now(UTC),
            training=facts,
            half=True,
        )

    def _tell_step(self, losses: list[float], rate: float) -> None:
        run = self.run
        event = {
            "step": run.step,
            "lines_seen": run.lines_seen,
            "minutes": round(run.elapsed_s / 60, 2),
            "loss": round(sum(losses) / len(losses), 4) if losses else None,
            "learning_rate": float(f"{rate * self.config.learning_rate:.3g}"),
            "waited_share": round(run.waited_s / max(run.elapsed_s, 1e-9), 4),
            "lines_per_s": round(run.lines_seen / max(run.elapsed_s, 1e-9), 2),
        }
        self._write(event)
        self.tell(json.dumps(event))

    def _write(self, event: dict[str, Any]) -> None:
        if not self.team.is_first:
            return
        with (self.task.run_dir / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(event, ensure_ascii=False) + "\n")

    def _save(self) -> None:
        if not self.team.is_first:
            return
        facts = {"learner": self.learner.facts(), **asdict(self.run)}
        save_state(self.task.run_dir, self.key, SavedState(self.learner.tensors(), facts))

    def _resumed(self) -> _Run:
        """Return the run that was stopped, its learner as it was; a new run if there is none."""
        folder = self.task.run_dir
        folder.mkdir(parents=True, exist_ok=True)
        saved = load_state(folder, self.key)
        if saved is None:
            if (folder / CHECKPOINT).exists():
                raise TrainingError(
                    f"{folder} holds the state of another training, or a damaged one. Name "
                    f"another folder, or delete {CHECKPOINT} there to begin anew."
                )
            self._write({"begun": datetime.now(UTC).isoformat(timespec="seconds")} | self._facts())
            return _Run()
        self.learner.go_on(saved.tensors, saved.facts["learner"])
        found = {name: value for name, value in saved.facts.items() if name != "learner"}
        run = _Run(**found)
        self._write({"resumed": datetime.now(UTC).isoformat(timespec="seconds"), "step": run.step})
        self.tell(f"going on from step {run.step}, after {run.elapsed_s / 60:.1f} minutes")
        return run

    def _facts(self) -> dict[str, Any]:
        return {**self.task.facts, "settings": asdict(self.config)}


def starting_model(
    path: Path | None, characters: Sequence[str], config: ModelConfig, tcm: bool, seed: int
) -> Trainable:
    """Return the model of a file that can also write the characters, or a new one of the config.

    characters: in the order of the classes for a new model. config: of a new model; its classes
    are counted anew. tcm: with the head that training needs.

    Raises RecognitionError or TrainingError for a model or characters that cannot be used.
    """
    if path is not None:
        grown = grow(load_trainable(path), characters)
        return grown if tcm else replace(grown, tcm=None)
    alphabet = Alphabet(tuple(characters))
    sized = replace(config, classes=alphabet.classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = HTRConvText(sized)
    head = fresh_head(sized.embed_dim, sized.classes, TCM_SEED) if tcm else None
    return Trainable(model, head, alphabet, sized, {"name": "new"})


def with_max_width(trainable: Trainable, width_px: int) -> Trainable:
    """Return the model, to see lines at most so wide, at 64 px high; longer ones are squashed.

    The network reads any width; one taught with longer lines squashed has to be taught on.
    Raises TrainingError for a width that no model has.
    """
    try:
        config = replace(trainable.config, image_max_width=width_px)
    except RecognitionError as error:
        raise TrainingError(f"Lines cannot be {width_px} px wide. {error}") from error
    trainable.model.config = config
    return replace(trainable, config=config)


def _silent(_: str) -> None:
    """Tell nothing."""


def _fingerprint(task: PretrainTask, lines: int) -> str:
    """Return what must be the same for a stopped run to go on; its length may change."""
    free = ("minutes", "steps", "look_minutes", "save_minutes")
    settings = {name: value for name, value in asdict(task.config).items() if name not in free}
    parts = [
        settings,
        task.start.alphabet.characters,
        task.start.config.as_dict(),
        task.facts.get("sources"),
        [font.name for font in task.more_fonts],
        task.limit,
        lines,
    ]
    return json.dumps(parts, sort_keys=True)
