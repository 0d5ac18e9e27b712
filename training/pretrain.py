"""Train a recognition model on labelled lines: `python -m training.pretrain --help`."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from htr.config import ModelConfig
from htr.device import set_threads
from htr.errors import RecognitionError
from services.page_lines import line_set_of
from synthesis.fetch_fonts import FONTS
from synthesis.font import fonts_in
from training.errors import TrainingError
from training.pretrain_config import FROM_NOTHING, WESTERN, PretrainConfig
from training.pretrain_lines import characters_of_sources, source_facts
from training.pretraining import PretrainTask, pretrain, starting_model, with_max_width
from training.team import Team, joined_team
from training.widening import widened

ASCII = "".join(chr(code) for code in range(32, 127))
INTERRUPTED = 130
CUT = "pages"  # folder within that of the run: the lines that were cut out of pages


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 something failed, 130 interrupted."""
    options = _parser().parse_args(arguments)
    set_threads(options.threads)
    try:
        with joined_team(options.device) as (team, device):
            options.device = device
            with team.first_goes_first():  # it cuts pages into lines for all
                task = _task(options, team)
            made = pretrain(task, _tell)
            if team.is_first:
                print(made)
    except (TrainingError, RecognitionError) as error:
        print(f"pretrain: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("pretrain: interrupted; the same command goes on from the last checkpoint")
        return INTERRUPTED
    return 0


def machine_facts() -> dict[str, Any]:
    """Return what the log says of the code and the machine."""
    return {
        "commit": _commit(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def _task(options: argparse.Namespace, team: Team) -> PretrainTask:
    cut = options.run_dir / CUT
    sources = tuple(line_set_of(source, cut, _tell) for source in options.sources)
    validation = line_set_of(options.validation, cut, _tell) if options.validation else None
    config = _config(options)
    rare = sorted(set(options.characters))
    more_fonts = fonts_in(options.fonts)
    if options.start_from is None:
        wanted = {*ASCII, *options.characters, *characters_of_sources(sources)}
        characters = sorted(wanted)
    else:
        characters = rare
    start = starting_model(
        options.start_from,
        characters,
        ModelConfig(
            embed_dim=options.embed_dim,
            heads=options.heads or max(1, options.embed_dim // 64 * 2),
            stem_head_dim=min(64, options.embed_dim // 4),
            contrast="percentile",
        ),
        config.tcm_weight > 0,
        config.seed,
    )
    if options.widen is not None:
        start = widened(start, options.widen, config.seed)
    if options.max_width is not None:
        start = with_max_width(start, options.max_width)
    facts = {
        "sources": source_facts(sources),
        "cut_from": source_facts(
            [given for given, used in zip(options.sources, sources, strict=True) if given != used]
        ),
        "fetched_fonts": [font.name for font in more_fonts],
        "started_from": options.start_from.name if options.start_from else "nothing",
        "widened_to": options.widen,
        **machine_facts(),
        "processes": team.size,
    }
    return PretrainTask(
        start,
        sources,
        options.run_dir,
        config,
        validation,
        options.validation_lines,
        options.lines,
        tuple(rare),
        more_fonts,
        options.device,
        options.loaders,
        options.resident,
        options.drawn_ahead,
        options.name,
        facts,
        team,
    )


def _config(options: argparse.Namespace) -> PretrainConfig:
    curriculum = options.curriculum
    if curriculum is None:
        curriculum = options.start_from is None
    return PretrainConfig(
        minutes=options.minutes,
        steps=options.steps,
        seed=options.seed,
        batch_lines=options.batch_lines,
        micro_lines=options.micro_lines,
        learning_rate=options.learning_rate,
        warmup_steps=options.warmup_steps,
        ema_decay=options.ema_decay,
        sam_rho=options.sam,
        tcm_weight=1.0 if options.tcm else 0.0,
        dropout=options.dropout,
        strength=options.strength,
        drawn_share=options.drawn_share,
        curriculum=FROM_NOTHING if curriculum else (),
        look_minutes=options.look_minutes,
        precision=options.precision,
    )


def _parser() -> argparse.ArgumentParser:
    standard = PretrainConfig()
    parser = argparse.ArgumentParser(
        prog="python -m training.pretrain",
        description="Train a recognition model on labelled lines: zip archives or folders with "
        "labels.jsonl, or with images and .txt files; lists NAME.ln beside a folder `lines`; "
        "snapshots of corrected lines; zip archives or folders of pages with PAGE or ALTO, whose "
        "lines are cut out first. Without any, on drawn lines alone.",
        epilog="Stop it at will; the same command goes on from the last checkpoint in --run-dir. "
        "Several GPUs, or several processes: torchrun --nproc-per-node N -m training.pretrain ...",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("sources", nargs="*", type=Path, metavar="SOURCE", help="lines to learn from")
    add("--run-dir", type=Path, required=True, help="checkpoint, model and log")
    add("--name", default="pretrained", help="of the model")
    add("--start-from", type=Path, metavar="MODEL", help="model file to begin with")
    add("--validation", type=Path, metavar="SOURCE", help="lines to look at while training")
    add("--validation-lines", type=int, default=300, help="how many of them")
    add("--lines", type=int, help="take so many lines of each source only")
    add("--characters", default=WESTERN, help="that the model is to write beside those it knows")
    add("--fonts", type=Path, default=FONTS, help="folder of fetched fonts, used if it is there")
    add("--minutes", type=float, default=standard.minutes, help="training time; it shapes all")
    add("--steps", type=int, help="fix the steps instead of the minutes")
    add("--seed", type=int, default=standard.seed, help="of all chance")
    add("--threads", type=int, help="of a CPU, each with lines of its own (one a core)")
    add("--loaders", type=int, default=1, help="threads that make batches; more for a GPU")
    add(
        "--resident",
        action=argparse.BooleanOptionalAction,
        help="keep all lines on the device and distort them there (standard: on a GPU with room)",
    )
    add("--drawn-ahead", type=int, default=20_000, help="lines drawn once if so, not endlessly")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    add("--precision", choices=("auto", "fp32", "bf16"), default="auto", help="of the arithmetic")
    add("--embed-dim", type=int, default=128, help="width of a new model; the published: 512")
    add("--widen", type=int, metavar="WIDTH", help="grow the model to begin with to this width")
    add("--max-width", type=int, help="px at 64 px high that longer lines are squashed to")
    add("--heads", type=int, help="attention heads of a new model")
    add("--batch-lines", type=int, default=standard.batch_lines, help="lines a step")
    add("--micro-lines", type=int, help="of them computed at once; gradients add up")
    add("--learning-rate", type=float, default=standard.learning_rate, help="the highest")
    add("--warmup-steps", type=int, default=standard.warmup_steps, help="until it is reached")
    add("--ema-decay", type=float, default=standard.ema_decay, help="of the mean of the weights")
    add("--sam", type=float, default=0.0, metavar="RHO", help="sharpness-aware steps (0.05)")
    add(
        "--tcm",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="train with the textual context module",
    )
    add("--dropout", type=float, default=standard.dropout, help="0 for short runs of small models")
    add("--strength", type=float, default=standard.strength, help="of the distortion of lines")
    add("--drawn-share", type=float, default=standard.drawn_share, help="drawn lines of a batch")
    add(
        "--curriculum",
        action=argparse.BooleanOptionalAction,
        help="short lines first (for a new model)",
    )
    add("--look-minutes", type=float, default=standard.look_minutes, help="between validations")
    return parser


def _commit() -> str:
    """Return the commit of the code, "+" behind it if files were changed; "" if unknown."""
    folder = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _tell(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    sys.exit(main())
