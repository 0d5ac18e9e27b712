"""How fast a GPU reads lines: the network alone, beside what its arithmetic allows.

`python -m benchmarks.recognition_gpu` prints a table for the published network (512 wide, random
weights) and for the shipped model: lines a second for several batch sizes, as the published script
reads them (fp32, batches of eight), by autocast, and with weights of 16 bits and channels last, as
the app does; the rate of arithmetic; its share of what a large matrix product reaches on the same
card in the same run.

Times are medians of rounds measured by the card's own clock, on random images of full width.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.recognition import PLAIN_BATCH, SEED
from htr.checkpoint import load_checkpoint
from htr.config import ModelConfig
from htr.device import autocast, choose_device
from htr.model import HTRConvText
from htr.recognizer import short_network
from htr.shipped import default_model_path

ROUNDS = 10
WARM_ROUNDS = 3
MATRIX = 8192  # side of the product that tells the limit
BATCHES = (64, 128, 256, 512)


@dataclass(frozen=True)
class GpuRow:
    """A way to compute a network. limit_share: of the matrix product's rate, 0-1."""

    network: str
    path: str
    batch: int
    lines_per_s: float
    tflops: float
    limit_share: float
    times_plain: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and write the figures; return the exit status."""
    options = _parser().parse_args(arguments)
    device = choose_device("auto")
    if device.type != "cuda":
        print("recognition_gpu: torch sees no GPU here; this benchmark needs one", file=sys.stderr)
        return 1
    limit = product_rate(device)
    name = torch.cuda.get_device_name(device)
    print(f"{name}, torch {torch.__version__}; limit of bf16 {limit / 1e12:.0f} TFLOP/s")
    shipped = load_checkpoint(default_model_path())
    torch.manual_seed(SEED)
    published = HTRConvText(ModelConfig(classes=80))
    rows = []
    for network, model, width_px in (
        ("published, 512 wide", published, 512),
        (str(shipped.facts["name"]), shipped.model, shipped.config.image_max_width),
    ):
        rows += measure(network, model.eval().to(device), width_px, limit, options.compile)
    print(table(rows))
    options.out.mkdir(parents=True, exist_ok=True)
    facts = {"card": name, "limit": limit, "rows": [asdict(row) for row in rows]}
    (options.out / "figures.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    return 0


def measure(
    network: str, model: HTRConvText, width_px: int, limit: float, compiled: bool
) -> list[GpuRow]:
    """Return the figures of a network on its device; the plain path comes first."""
    device = next(model.parameters()).device
    flops = flops_a_line(model, width_px)
    short = short_network(model, "fp16").to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ways: list[tuple[str, str, HTRConvText | Callable[..., object], int]] = [
        ("plain, fp32", "fp32", model, PLAIN_BATCH)
    ]
    ways += [("autocast, bf16", "bf16", model, batch) for batch in BATCHES]
    ways += [("fp16 weights", "fp32", _halved(short), batch) for batch in BATCHES]
    if compiled:
        faster = _halved(torch.compile(short))
        ways += [("fp16 weights, compiled", "fp32", faster, batch) for batch in BATCHES[-2:]]
    rows: list[GpuRow] = []
    for path, precision, compute, batch in ways:
        images = torch.rand(batch, 1, 64, width_px, device=device)

        def once(
            compute: Callable[..., object] = compute,
            images: torch.Tensor = images,
            precision: str = precision,
        ) -> None:
            with torch.inference_mode(), autocast(device, precision):
                compute(images)

        rate = batch / seconds(once)
        plain = rows[0].lines_per_s if rows else rate
        done = rate * flops
        rows.append(GpuRow(network, path, batch, rate, done / 1e12, done / limit, rate / plain))
    return rows


def _halved(network: Callable[..., object]) -> Callable[..., object]:
    """Return the network, given its images in the 16 bits of its weights, as the app does."""
    return lambda images: network(images.half())


def flops_a_line(model: HTRConvText, width_px: int) -> float:
    """Return the operations of one line; a multiplication with its addition counts as two."""
    device = next(model.parameters()).device
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(torch.rand(1, 1, 64, width_px, device=device))
    return float(counter.get_total_flops())


def product_rate(device: torch.device) -> float:
    """Return the operations a second of a large bf16 matrix product of random numbers."""
    first, second = torch.randn(2, MATRIX, MATRIX, device=device, dtype=torch.bfloat16)
    return 2 * MATRIX**3 / seconds(lambda: torch.mm(first, second))


def seconds(once: Callable[[], object]) -> float:
    """Return the median time of a round on the card."""
    for _ in range(WARM_ROUNDS):
        once()
    times = []
    for _ in range(ROUNDS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        once()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / 1000)
    return statistics.median(times)


def table(rows: Sequence[GpuRow]) -> str:
    """Return the rows as a table."""
    shown = [
        "| network | path | batch | lines/s | TFLOP/s | of the limit | times plain |",
        "|---|---|---|---|---|---|---|",
    ]
    shown += [
        f"| {row.network} | {row.path} | {row.batch} | {row.lines_per_s:,.0f} | {row.tflops:.1f} "
        f"| {row.limit_share:.0%} | {row.times_plain:.1f} |"
        for row in rows
    ]
    return "\n".join(shown)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recognition_gpu", description="How fast a GPU reads lines."
    )
    add = parser.add_argument
    add("--compile", action="store_true", help="also by torch.compile, which takes minutes")
    add("--out", type=Path, default=Path("test-artefacts/recognition-gpu"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
