"""Train the network that finds text lines: `python -m training.pretrain_segmentation --help`.

The schedule is shaped by the minutes given, not by steps: whatever the machine, the learning rate
has fallen to nothing when the time is up. A run that was stopped goes on from its checkpoint.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from htr.device import autocast, choose_device, training_precision
from segmentation.unet import Segmenter, SegmenterConfig, read_segmenter, save_segmenter
from training.drawn_pages import drawn_pages
from training.inserted_words import with_inserted_words
from training.segmentation_data import (
    CropStream,
    TruthPage,
    loaded_batches,
    prefetched_batches,
    read_truth_pages,
)

CPU = torch.device("cpu")
CHECKPOINT = "checkpoint.pt"
WEIGHTS = "ema.safetensors"


@dataclass(frozen=True)
class PretrainConfig:
    """Settings of one training run.

    minutes: wall time of training, stops not counted; the learning rate follows a cosine over it.
    crop_px, batch: side of the square crops and how many make a step.
    learning_rate: highest of AdamW. warmup_steps: steps until it is reached.
    ends_weight, spacing_weight, direction_weight: shares of the loss beside the baseline's 1.
    ema_decay: of the running mean of the weights, which is what ships.
    save_minutes: wall time between two checkpoints.
    calm: share of crops that are distorted as little as real scans are; for the end of training.
    inserted: share of the pages on which words of their own are copied between and beside lines.
    """

    minutes: float = 85.0
    crop_px: int = 640
    batch: int = 4
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warmup_steps: int = 100
    ends_weight: float = 0.5
    spacing_weight: float = 0.2
    direction_weight: float = 0.2
    ema_decay: float = 0.998
    save_minutes: float = 4.0
    seed: int = 1
    calm: float = 0.0
    inserted: float = 0.0


@dataclass
class TrainState:
    """All that a stopped run needs to go on."""

    network: Segmenter
    average: Segmenter
    optimizer: torch.optim.Optimizer
    step: int = 0
    trained_s: float = 0.0
    device: torch.device = CPU

    def move_to(self, device: torch.device) -> None:
        """Go on on that device."""
        self.device = device
        self.network.to(device)
        self.average.to(device)
        self.optimizer.load_state_dict(self.optimizer.state_dict())  # moves it to its parameters


def segmentation_loss(
    fine: Tensor, coarse: Tensor, targets: tuple[Tensor, Tensor, Tensor], config: PretrainConfig
) -> tuple[Tensor, dict[str, float]]:
    """Loss of a batch and its parts.

    fine: logits (B, 3, H / 2, W / 2). coarse: (B, 3, H / 4, W / 4). targets: fine 0-1, coarse
    values, known 0-1 (B, H / 4, W / 4). Baseline: cross entropy and dice. Ends: the same, rarer, so
    that a hit weighs four times a miss. Spacing: smooth L1 in octaves. Direction: squared error.
    """
    truth, values, known = targets
    baseline = _overlap_loss(fine[:, :1], truth[:, :1], 1.0)
    ends = _overlap_loss(fine[:, 1:], truth[:, 1:], 4.0)
    mask = known[:, None]
    amount = mask.sum().clamp(min=1.0)
    error = F.smooth_l1_loss(coarse[:, :1], values[:, :1], beta=0.1, reduction="none")
    spacing = (error * mask).sum() / amount
    turn = ((coarse[:, 1:] - values[:, 1:]).square() * mask).sum() / amount
    loss = (
        baseline
        + config.ends_weight * ends
        + config.spacing_weight * spacing
        + config.direction_weight * turn
    )
    parts = {"baseline": baseline, "ends": ends, "spacing": spacing, "direction": turn}
    return loss, {name: float(part.detach()) for name, part in parts.items()}


def learning_rate_at(step: int, trained_s: float, config: PretrainConfig) -> float:
    """Learning rate: a linear start over steps, then a cosine over the trained seconds."""
    share = min(1.0, trained_s / (config.minutes * 60))
    cosine = 0.5 * (1 + math.cos(math.pi * share))
    return config.learning_rate * min(1.0, (step + 1) / config.warmup_steps) * max(cosine, 2e-3)


def update_average(average: nn.Module, network: nn.Module, step: int, decay: float) -> None:
    """Move the averaged weights and batch statistics towards the network's, faster at the start."""
    decay = min(decay, (1 + step) / (10 + step))
    with torch.no_grad():
        for mean, value in zip(
            average.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


def train(
    archives: list[Path],
    run_dir: Path,
    config: PretrainConfig,
    page_limit: int | None = None,
    start_from: Path | None = None,
    without: Collection[str] = (),
    drawn: int = 0,
    device: str = "cpu",
    loaders: int = 0,
) -> Path:
    """Path of the averaged weights after training on the pages of the archives.

    Pages of the sources named in without are left out, so that these can be tested as unseen ones.
    drawn: so many pages that the project draws itself are added (`training/drawn_pages.py`).
    device: as `choose_device` takes it. loaders: processes that draw crops; 0 for one thread.

    Goes on from the checkpoint in run_dir if there is one; every few minutes the checkpoint and the
    averaged weights are written there, each in one piece. A new run begins with the averaged
    weights of start_from, if given: a checkpoint, or weights as they ship (.safetensors).
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    real = [
        page
        for archive in archives
        for page in read_truth_pages(archive, page_limit)
        if page.source not in without
    ]
    pages = _some_with_words(real, config) + drawn_pages(drawn, config.seed)
    state = _start(run_dir, config, start_from)
    stream = CropStream(pages, config.crop_px, config.seed + 7919 * state.step, calm=config.calm)
    if loaders:
        batches = loaded_batches(stream, config.batch, loaders)
    else:
        batches = prefetched_batches(stream, config.batch)
    batch = next(batches)  # before the device is touched: processes are forked here
    state.move_to(choose_device(device))
    facts = {
        "config": asdict(config),
        "archives": [path.name for path in archives],
        "without": sorted(without),
        "drawn": drawn,
    }
    print(f"{len(pages)} pages, from step {state.step}, {state.trained_s / 60:.1f} min trained")
    saved_s, parts_sum, parts_count = state.trained_s, dict[str, float](), 0
    while state.trained_s < config.minutes * 60:
        began_s = time.monotonic()
        parts = _train_step(state, batch, config)
        batch = next(batches)
        state.trained_s += time.monotonic() - began_s
        parts_count += 1
        for name, value in parts.items():
            parts_sum[name] = parts_sum.get(name, 0.0) + value
        if state.step % 50 == 0:
            mean = {name: round(value / parts_count, 4) for name, value in parts_sum.items()}
            rate = learning_rate_at(state.step, state.trained_s, config)
            print(
                f"step {state.step} {state.trained_s / 60:.1f} min lr {rate:.2e} {mean}", flush=True
            )
            parts_sum, parts_count = {}, 0
        if state.trained_s - saved_s > config.save_minutes * 60:
            _save(run_dir, state, facts)
            saved_s = state.trained_s
    return _save(run_dir, state, facts)


def main() -> None:
    """Read the command line and train."""
    defaults = PretrainConfig()
    parser = argparse.ArgumentParser(
        prog="python -m training.pretrain_segmentation",
        description="Train the line segmenter on archives of pages with baselines (pages.jsonl).",
        epilog="Stop it at will; the same command goes on from the last checkpoint in --run-dir.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("archives", nargs="+", type=Path, help="zip archives of training pages")
    parser.add_argument("--run-dir", type=Path, required=True, help="checkpoint, weights and log")
    parser.add_argument("--minutes", type=float, default=defaults.minutes, help="training time")
    parser.add_argument("--crop-px", type=int, default=defaults.crop_px, help="side of a crop")
    parser.add_argument("--batch", type=int, default=defaults.batch, help="crops in a step")
    parser.add_argument("--learning-rate", type=float, default=defaults.learning_rate, help="peak")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="of weights and crops")
    parser.add_argument("--ema-decay", type=float, default=defaults.ema_decay, help="of weights")
    parser.add_argument(
        "--calm", type=float, default=defaults.calm, help="share of crops distorted very little"
    )
    parser.add_argument(
        "--inserted",
        type=float,
        default=defaults.inserted,
        help="share of pages on which words are copied between and beside lines",
    )
    parser.add_argument(
        "--start-from", type=Path, help="checkpoint.pt or weights (.safetensors) to begin with"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument(
        "--loaders", type=int, default=0, help="processes that draw crops, for a GPU; 0: a thread"
    )
    parser.add_argument(
        "--pages", type=int, default=None, help="first N pages of each archive only"
    )
    parser.add_argument(
        "--without", action="append", default=[], metavar="SOURCE", help="leave this source out"
    )
    parser.add_argument(
        "--drawn-pages", type=int, default=0, metavar="N", help="add N pages drawn by synthesis"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    config = PretrainConfig(
        minutes=args.minutes,
        crop_px=args.crop_px,
        batch=args.batch,
        learning_rate=args.learning_rate,
        ema_decay=args.ema_decay,
        seed=args.seed,
        calm=args.calm,
        inserted=args.inserted,
    )
    weights = train(
        args.archives,
        args.run_dir,
        config,
        args.pages,
        args.start_from,
        args.without,
        args.drawn_pages,
        args.device,
        args.loaders,
    )
    print(weights)


def _start(run_dir: Path, config: PretrainConfig, start_from: Path | None) -> TrainState:
    torch.manual_seed(config.seed)
    network = Segmenter(SegmenterConfig()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(
        network.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    state = TrainState(network, average, optimizer)
    path = run_dir / CHECKPOINT
    if path.exists():
        saved = torch.load(path, weights_only=True, map_location="cpu")
        network.load_state_dict(saved["network"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        state.step, state.trained_s = saved["step"], saved["trained_s"]
    elif start_from is not None:
        if start_from.suffix == ".safetensors":
            weights = read_segmenter(start_from).state_dict()
        else:
            weights = torch.load(start_from, weights_only=True)["average"]
        network.load_state_dict(weights)
        average.load_state_dict(weights)
    return state


def _some_with_words(pages: list[TruthPage], config: PretrainConfig) -> list[TruthPage]:
    """The pages, that share of them with words copied between and beside their lines."""
    rng = np.random.default_rng(config.seed)
    return [
        with_inserted_words(page, rng) if rng.random() < config.inserted else page for page in pages
    ]


def _train_step(
    state: TrainState, batch: tuple[Tensor, ...], config: PretrainConfig
) -> dict[str, float]:
    device = state.device
    images, truth, values, known = (part.to(device, non_blocking=True) for part in batch)
    x = ((images.float() - 128) / 64).to(memory_format=torch.channels_last)
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate_at(state.step, state.trained_s, config)
    state.network.train()
    with autocast(device, training_precision(device)):
        fine, coarse = state.network(x)
    targets = (truth.float(), values, known.float())
    loss, parts = segmentation_loss(fine.float(), coarse.float(), targets, config)
    state.optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(state.network.parameters(), 5.0)
    if torch.isfinite(norm):  # a step that overflowed would spoil weights and average alike
        state.optimizer.step()
        state.step += 1
        update_average(state.average, state.network, state.step, config.ema_decay)
    return parts


def _overlap_loss(logits: Tensor, truth: Tensor, hit_weight: float) -> Tensor:
    """Cross entropy + dice over (B, C, H, W); dice is taken over the batch, channel by channel."""
    weight = torch.tensor(hit_weight, device=logits.device)
    entropy = F.binary_cross_entropy_with_logits(logits, truth, pos_weight=weight)
    shown = torch.sigmoid(logits)
    shared = (shown * truth).sum((0, 2, 3))
    dice = 1 - (2 * shared + 1) / (shown.sum((0, 2, 3)) + truth.sum((0, 2, 3)) + 1)
    return entropy + dice.mean()


def _save(run_dir: Path, state: TrainState, facts: dict) -> Path:
    """Write checkpoint and averaged weights, each first beside its place, then moved onto it."""
    content = {
        "network": state.network.state_dict(),
        "average": state.average.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "step": state.step,
        "trained_s": state.trained_s,
    }
    fresh = run_dir / (CHECKPOINT + ".new")
    torch.save(content, fresh)
    os.replace(fresh, run_dir / CHECKPOINT)
    facts = facts | {"steps": state.step, "trained_minutes": round(state.trained_s / 60, 1)}
    (run_dir / "facts.json").write_text(json.dumps(facts, indent=1))
    fresh = run_dir / (WEIGHTS + ".new")
    save_segmenter(fresh, state.average, facts)
    os.replace(fresh, run_dir / WEIGHTS)
    return run_dir / WEIGHTS


if __name__ == "__main__":
    main()
