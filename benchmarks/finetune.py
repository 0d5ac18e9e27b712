"""Fine-tune the shipped model on more and more lines of hands it never saw, and measure it.

python -m benchmarks.finetune LINES.zip [--reference OTHER.zip] [--sizes 8,16,32,64,128]
    [--seeds 1,2,3] [--jobs 1] [--minutes N] [--self-training] [--out FOLDER]
    [--picture FILE.png]

Every hand of the set keeps pages back (`finetune_sets`); lines drawn from the others by
the seed are learned by the recipe of `FinetuneConfig` as the app uses it. The held-out
pages are read before and after, by the code that reads in the app. What is forgotten is measured
on `--reference`: lines of the hands that the shipped model was trained for, on pages it never
saw. The recall of new characters is measured on the held-out lines: of the characters that the
shipped model lacks and the lines to learn hold, the share that are read in their place.

With `--self-training` the other lines of these pages help by their readings, as in the app on wish.

What mixing the trained weights with the old ones is worth is told by the same trainings, read
unmixed too. The size `--without-tcm` is trained once more without the TCM's loss.

Every training is a process of its own, so that its peak memory can be told. What it found is
appended to FOLDER/results.jsonl at once; a benchmark that was stopped goes on from there, and
results of another recipe, data set or model are not counted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from benchmarks.finetune_picture import draw_curves
from benchmarks.finetune_sets import read_hands, read_reference
from benchmarks.finetune_table import FULL, WITHOUT_TCM, Outcome, curves, report_text
from benchmarks.pages import BenchmarkError
from training.finetune_config import FinetuneConfig

if TYPE_CHECKING:
    from torch import Tensor

    from training.trainable import Trainable

RESULTS = "results.jsonl"
SIZES = "8,16,32,64,128"
SEEDS = "1,2,3"
REFERENCE_LINES = 100
WITHOUT_TCM_SIZE = 16


@dataclass(frozen=True)
class Task:
    """One training of the benchmark. size 0 only reads. variant: "full", or "without tcm"."""

    hand: str
    size: int
    seed: int
    variant: str = FULL


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, print the table, draw the picture; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.one:
            hand, size, seed, variant = json.loads(options.one)
            print(json.dumps(measure(options, Task(hand, size, seed, variant))))
            return 0
        _run(options)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def planned(
    hands: Sequence[str], sizes: Sequence[int], seeds: Sequence[int], without_tcm: int
) -> list[Task]:
    """Return the trainings in the order to run them: whole curves of the first seed come first.

    without_tcm: the size that is trained without TCM too; 0: none.
    """
    tasks = [Task(hand, 0, 0) for hand in hands]
    for seed in seeds:
        tasks += [Task(hand, size, seed) for size in sizes for hand in hands]
        if without_tcm in sizes:
            tasks += [Task(hand, without_tcm, seed, WITHOUT_TCM) for hand in hands]
    return tasks


def recipe(task: Task, minutes: float | None, self_training: bool = False) -> FinetuneConfig:
    """Return the settings of a training: the app's own, or those without TCM."""
    config = FinetuneConfig(seed=max(1, task.seed), self_training=self_training)
    if minutes is not None:
        config = replace(config, time_limit_s=60 * minutes)
    return replace(config, tcm_weight=0.0) if task.variant == WITHOUT_TCM else config


def measure(options: argparse.Namespace, task: Task) -> dict[str, Any]:
    """Return the outcome of a training in this process, as JSON values."""
    import resource

    from benchmarks.finetune_scores import new_character_recall
    from htr.device import set_threads
    from htr.shipped import default_model_path
    from training.growth import missing_characters
    from training.reading import cer_of, read_lines
    from training.reference import REPLAY_LINES, drawn_lines
    from training.self_training import teach
    from training.trainable import load_trainable

    set_threads(options.threads)
    base = load_trainable(options.model or default_model_path())
    hand = next(h for h in read_hands(options.lines, _largest(options)) if h.name == task.hand)
    reference = read_reference(options.reference, options.reference_lines)
    test, model, facts = list(hand.test), base, {}
    if task.size:
        config = recipe(task, options.minutes, options.self_training)
        lines = hand.drawn(task.size, task.seed)
        others = drawn_lines(base.alphabet, config.seed, REPLAY_LINES, "replay")  # as in the app
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        # no lines to show progress by: they change nothing but the time
        taught = {line.key for line in lines}
        result = teach(
            base, lines, (), config, others=others, report=lambda _: True,
            undecided=[line for line in hand.pool if line.key not in taught],
        )  # fmt: skip
        model = result.trainable
        facts = {
            "steps": result.steps,
            "interpolation": result.interpolation,
            "readings": result.settings.get("readings", 0),
            "seconds": time.perf_counter() - began_s,
            "cpu_seconds": time.process_time() - began_cpu_s,
        }
    facts["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    readings = read_lines(model, test)
    new = missing_characters(base.alphabet, [line.text for line in hand.pool])
    found, all_new = new_character_recall(new, test, readings)
    cer, reference_cer = cer_of(test, readings), cer_of(reference, read_lines(model, reference))
    bare_cer, bare_reference_cer = cer, reference_cer
    if task.size and facts["interpolation"] < 1:
        _unmix(result.start, model, facts["interpolation"])
        bare_cer = cer_of(test, read_lines(model, test))
        bare_reference_cer = cer_of(reference, read_lines(model, reference))
    return {
        **asdict(task),
        **facts,
        "cer": cer,
        "reference_cer": reference_cer,
        "bare_cer": bare_cer,
        "bare_reference_cer": bare_reference_cer,
        "new_found": found,
        "new_characters": all_new,
        "test_lines": len(test),
    }


def _unmix(start: Mapping[str, Tensor], mixed: Trainable, share: float) -> None:
    """Give the mixed model the trained weights, which lie beyond it as seen from the old ones."""
    from training.weight_average import blended

    mixed.model.load_state_dict(blended(start, mixed.model.state_dict(), 1 / share))


def recipe_key(options: argparse.Namespace) -> str:
    """Return a short hash of what the outcomes depend on: recipe, data and model, not the task."""
    content = hashlib.sha256()
    settings = asdict(recipe(Task("", 0, 1), options.minutes, options.self_training))
    counts = [options.reference_lines, _largest(options)]
    content.update(json.dumps([settings, counts], sort_keys=True).encode())
    for path in (options.lines, options.reference, options.model):
        if path is not None:
            content.update(path.read_bytes())
    return content.hexdigest()[:12]


def read_outcomes(path: Path, key: str) -> list[Outcome]:
    """Return the outcomes of this recipe in a results file; a row cut short by a kill is none."""
    outcomes = []
    for row in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            values = json.loads(row)
        except ValueError:
            continue
        if values.pop("recipe", None) == key:
            outcomes.append(Outcome(**values))
    return outcomes


def _run(options: argparse.Namespace) -> None:
    hands = read_hands(options.lines, _largest(options))
    options.out.mkdir(parents=True, exist_ok=True)
    results, key = options.out / RESULTS, recipe_key(options)
    done = {(o.hand, o.size, o.seed, o.variant) for o in read_outcomes(results, key)}
    tasks = planned(
        [hand.name for hand in hands], _numbers(options.sizes), _numbers(options.seeds),
        options.without_tcm,
    )  # fmt: skip
    missing = [t for t in tasks if (t.hand, t.size, t.seed, t.variant) not in done]
    print(f"Recipe {key}: {len(tasks)} runs, {len(tasks) - len(missing)} of them done before.")
    lock = Lock()

    def work(task: Task) -> None:
        outcome = _in_own_process(options, task)
        with lock, results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(outcome | {"recipe": key}) + "\n")
            print(f"{task.hand} {task.size} lines, seed {task.seed}, {task.variant}: "
                  f"CER {outcome['cer']:.3f}", flush=True)  # fmt: skip

    with ThreadPoolExecutor(options.jobs) as pool:
        for finished in [pool.submit(work, task) for task in missing]:
            finished.result()
    outcomes = read_outcomes(results, key)
    text = report_text(outcomes)
    (options.out / "table.md").write_text(text + "\n", "utf-8")
    print(f"\n{text}")
    if options.picture is not None:
        options.picture.parent.mkdir(parents=True, exist_ok=True)
        draw_curves(curves(outcomes), options.picture, "Fine-tuning on hands never seen before")


def _in_own_process(options: argparse.Namespace, task: Task) -> dict[str, Any]:
    """Return what a process of its own measures for the task."""
    command = [
        sys.executable, "-m", "benchmarks.finetune", str(options.lines),
        "--reference", str(options.reference), "--sizes", options.sizes,
        "--reference-lines", str(options.reference_lines),
        "--one", json.dumps([task.hand, task.size, task.seed, task.variant]),
    ]  # fmt: skip
    for name in ("minutes", "model", "threads"):
        if getattr(options, name) is not None:
            command += [f"--{name}", str(getattr(options, name))]
    if options.self_training:
        command.append("--self-training")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{task} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise BenchmarkError(f"{text!r} is no list of numbers such as 8,16,32.") from error


def _largest(options: argparse.Namespace) -> int:
    return max(_numbers(options.sizes))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lines", type=Path, metavar="LINES.zip")
    parser.add_argument("--reference", type=Path, required=True, metavar="LINES.zip")
    parser.add_argument("--reference-lines", type=int, default=REFERENCE_LINES)
    parser.add_argument("--model", type=Path, help="default: the one that ships with the app")
    parser.add_argument("--sizes", default=SIZES)
    parser.add_argument("--seeds", default=SEEDS)
    parser.add_argument("--without-tcm", type=int, default=WITHOUT_TCM_SIZE, help="0: none")
    parser.add_argument("--self-training", action="store_true", help="undecided lines help")
    parser.add_argument("--minutes", type=float, help="time limit of every training")
    parser.add_argument("--threads", type=int, help="of every training")
    parser.add_argument("--jobs", type=int, default=1, help="trainings side by side")
    parser.add_argument("--out", type=Path, default=Path("test-artefacts/finetune"))
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
