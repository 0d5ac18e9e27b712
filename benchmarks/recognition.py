"""How fast lines and pages are read: our path beside the plain one, in one run on one machine.

`python -m benchmarks.recognition LINES.zip` prints a table for the published network (512 wide,
random weights: what it reads does not matter) and for the shipped model, then how long a page takes
from its file to its text and whether memory grows from page to page.

The plain path is how the published test script reads: fp32, the usual layout, batches of eight in
the order of the file, each line padded to the full width. All take turns, a few lines each, so that
a busy moment hits all of them; CPU seconds are the process's own and hold on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from htr.alphabet import Alphabet
from htr.checkpoint import load_checkpoint
from htr.config import ModelConfig
from htr.decode import decode_lines
from htr.device import choose_device, precision_candidates, set_threads, usable_cores
from htr.errors import RecognitionError
from htr.evaluate import spread_lines
from htr.lines_data import open_line_set
from htr.metrics import line_errors, score
from htr.model import HTRConvText
from htr.pipeline import read_page
from htr.preprocess import pad_lines, prepare_line
from htr.recognizer import Recognizer
from htr.shipped import default_model_path
from segmentation.images import encode_page, read_pages
from synthesis.page import draw_page
from synthesis.settings import PageSettings

PLAIN_BATCH = 8
TURN_LINES = 16  # lines that one contestant reads before the next has its turn
PAGE_LINES = 30
SEED = 1

Read = Callable[[Sequence[np.ndarray]], list[str]]


@dataclass
class Contestant:
    """A way to read lines, and what it took so far. network: whose weights."""

    network: str
    name: str
    read: Read
    texts: list[str]
    wall_s: float = 0.0
    cpu_s: float = 0.0

    def take_turn(self, crops: Sequence[np.ndarray]) -> None:
        """Read some lines and add to the times."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.texts += self.read(crops)
        self.wall_s += time.perf_counter() - wall
        self.cpu_s += time.process_time() - cpu


@dataclass(frozen=True)
class Row:
    """A contestant's figures. faster: CPU seconds of the plain path over its own.

    unlike: share of the lines on which it read another text than the plain path, 0-1. cer: None
    for random weights.
    """

    network: str
    name: str
    lines: int
    lines_per_s: float
    cpu_s_a_line: float
    faster: float
    unlike: float
    cer: float | None


@dataclass(frozen=True)
class PageFigures:
    """Pages of about PAGE_LINES lines, from file to text with the shipped model.

    wall_s, cpu_s: median of a page. early_mb, late_mb: memory of the process after the tenth page
    and at the end; peak_mb: the most it ever had.
    """

    pages: int
    lines: int
    wall_s: float
    cpu_s: float
    early_mb: float
    late_mb: float
    peak_mb: float


def plain_reader(
    model: HTRConvText, config: ModelConfig, alphabet: Alphabet, device: torch.device
) -> Read:
    """Return how the published script reads: eager fp32, batches of eight, full width."""
    model = model.eval().to(device)

    def read(crops: Sequence[np.ndarray]) -> list[str]:
        texts: list[str] = []
        for first in range(0, len(crops), PLAIN_BATCH):
            part = crops[first : first + PLAIN_BATCH]
            lines = [prepare_line(crop, config) for crop in part]
            images = torch.from_numpy(pad_lines(lines, config.image_max_width)).to(device)
            with torch.inference_mode():
                logits = model(images).cpu().numpy()
            widths = [line.shape[1] for line in lines]
            shapes = [crop.shape[1] for crop in part]
            texts += [one.text for one in decode_lines(logits, alphabet, widths, shapes)]
        return texts

    return read


def our_reader(recognizer: Recognizer) -> Read:
    """Return how the app reads."""
    return lambda crops: [one.text for one in recognizer.recognize(crops)]


def contestants(
    network: str,
    make: Callable[[], HTRConvText],
    config: ModelConfig,
    alphabet: Alphabet,
    device: torch.device,
) -> list[Contestant]:
    """Return the plain path, then ours in every precision that the device computes itself."""
    found = [Contestant(network, "plain", plain_reader(make(), config, alphabet, device), [])]
    for precision in precision_candidates(device):
        for words, bucket_px in (("full width", config.image_max_width), ("buckets of 32", 32)):
            reader = Recognizer(make(), config, alphabet, device, precision, bucket_px=bucket_px)
            name = f"ours, {precision}, {words}"
            found.append(Contestant(network, name, our_reader(reader), []))
    return found


def compete(
    rivals: Sequence[Contestant], crops: Sequence[np.ndarray], turn_lines: int = TURN_LINES
) -> None:
    """Let all read all lines, turn by turn, after one turn that is not counted."""
    for rival in rivals:
        rival.read(crops[:2])  # allocates, picks kernels
    for number, first in enumerate(range(0, len(crops), turn_lines)):
        turn = number % len(rivals)
        for rival in [*rivals[turn:], *rivals[:turn]]:
            rival.take_turn(crops[first : first + turn_lines])


def rows_of(rivals: Sequence[Contestant], texts: Sequence[str] | None) -> list[Row]:
    """Return the figures; the first of the contestants is the plain path. texts: what is true."""
    plain = rivals[0]
    found = []
    for rival in rivals:
        lines = len(rival.texts)
        pairs = zip(rival.texts, plain.texts, strict=True)
        cer = None
        if texts is not None:
            errors = [line_errors(*pair) for pair in zip(texts, rival.texts, strict=True)]
            cer = score(errors).cer
        found.append(
            Row(
                rival.network,
                rival.name,
                lines,
                lines / rival.wall_s,
                rival.cpu_s / lines,
                plain.cpu_s / rival.cpu_s,
                sum(one != other for one, other in pairs) / lines,
                cer,
            )
        )
    return found


def measure_pages(recognizer: Recognizer, pages: int, line_count: int = PAGE_LINES) -> PageFigures:
    """Return what drawn pages take, one after the other, from their file to their text."""
    settings = PageSettings(width_px=1700, height_px=2400, line_count=line_count, letter=False)
    files = [
        encode_page(draw_page(seed, settings=settings).pixels, lossless=False)[0]
        for seed in range(min(3, pages))
    ]
    walls, cpus, lines, early_mb = [], [], 0, 0.0
    for number in range(-1, pages):  # the first one is not counted: it loads and allocates
        wall, cpu = time.perf_counter(), time.process_time()
        for page in read_pages(files[number % len(files)], "page.jpg"):
            found = len(read_page(page.pixels, recognizer))
        if number >= 0:
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
            lines += found
        if number < 10:
            early_mb = resident_mb()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    middle = (float(np.median(walls)), float(np.median(cpus)))
    return PageFigures(pages, lines, *middle, early_mb, resident_mb(), peak_mb)


def resident_mb() -> float:
    """Return the memory that the process has now, in MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table."""
    shown = [
        "| network | path | lines | lines/s | CPU s a line | times plain | other text | CER |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cer = "-" if row.cer is None else f"{row.cer:.4f}"
        shown.append(
            f"| {row.network} | {row.name} | {row.lines} | {row.lines_per_s:.2f} "
            f"| {row.cpu_s_a_line:.3f} | {row.faster:.2f} | {row.unlike:.0%} | {cer} |"
        )
    return "\n".join(shown)


def page_text(figures: PageFigures) -> str:
    """Return the figures of pages as a sentence."""
    return (
        f"{figures.pages} drawn pages of {figures.lines / figures.pages:.0f} lines, file to text: "
        f"{figures.wall_s:.2f} s a page ({figures.cpu_s:.2f} CPU s), median; memory "
        f"{figures.early_mb:.0f} MB after ten, {figures.late_mb:.0f} MB at the end, "
        f"{figures.peak_mb:.0f} MB at most"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables and write the figures; return the exit status."""
    options = _parser().parse_args(arguments)
    device = choose_device(options.device)
    threads = set_threads(options.threads or usable_cores())
    print(f"{device}, {threads} threads, torch {torch.__version__}", flush=True)
    try:
        with open_line_set(options.lines) as line_set:
            full, small = (
                spread_lines(line_set.lines, count) for count in (options.full, options.small)
            )
            full_crops = [line_set.image(line) for line in full]
            small_crops = [line_set.image(line) for line in small]
    except RecognitionError as error:
        print(f"recognition: {error}", file=sys.stderr)
        return 1
    rows: list[Row] = []
    if full_crops and options.full:
        rivals = _full_network(device)
        compete(rivals, full_crops, options.turn_lines)
        rows += rows_of(rivals, None)
        del rivals
    path = options.model or default_model_path()
    if options.small:
        rivals = _shipped_network(path, device)
        compete(rivals, small_crops, options.turn_lines)
        rows += rows_of(rivals, [line.text for line in small])
    print(table(rows), flush=True)
    figures = measure_pages(Recognizer.load(path, options.device, threads=threads), options.pages)
    print(page_text(figures))
    facts: dict[str, Any] = {"rows": [asdict(row) for row in rows], "pages": asdict(figures)}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "figures.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    return 0


def _full_network(device: torch.device) -> list[Contestant]:
    alphabet = Alphabet(tuple(chr(code) for code in range(33, 112)))
    config = ModelConfig(classes=alphabet.classes)

    def make() -> HTRConvText:
        torch.manual_seed(SEED)
        return HTRConvText(config)

    return contestants("published, 512 wide", make, config, alphabet, device)


def _shipped_network(path: Path, device: torch.device) -> list[Contestant]:
    first = load_checkpoint(path)
    name = str(first.facts["name"])
    return contestants(
        name, lambda: load_checkpoint(path).model, first.config, first.alphabet, device
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recognition", description="How fast lines and pages are read."
    )
    add = parser.add_argument
    add("lines", type=Path, metavar="LINES.zip", help="labelled line set")
    add("--full", type=int, default=64, help="lines for the published network (64); 0: none")
    add("--small", type=int, default=256, help="lines for the shipped model (256); 0: none")
    add("--turn-lines", type=int, default=TURN_LINES, help="read by one before the next; 512: GPU")
    add("--pages", type=int, default=40, help="pages to read (40)")
    add("--threads", type=int, help="of torch (all cores)")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N (auto)")
    add("--model", type=Path, help="model file (the shipped one)")
    add("--out", type=Path, default=Path("test-artefacts/recognition"))
    return parser


if __name__ == "__main__":
    cv2.setNumThreads(1)
    sys.exit(main())
