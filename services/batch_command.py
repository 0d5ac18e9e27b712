"""`python -m htr batch`: reads folders, lists and addresses of pages, as many as there are."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from services.export_formats import FORMATS

if TYPE_CHECKING:
    from services.batch import FileResult

METHODS = ("auto", "network", "opencv")
FORM_NAMES = ("page", "alto", "jsonl", "txt")


def add_batch_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `batch` to the commands of a parser."""
    command = commands.add_parser(
        "batch",
        help="read many pages into PAGE XML, ALTO, JSON Lines or text",
        description="Read all images and PDFs of a folder, of a text file that lists them, or of "
        "an address such as s3://bucket/scans (needs the package that knows it, here s3fs). Each "
        "page gives a file. Stop it at will: the same command goes on. What cannot be read is "
        "listed in failures.jsonl and tried again by the next run.",
    )
    command.add_argument("source", metavar="SOURCE", help="folder, list of files, or address")
    command.add_argument("--out", required=True, type=Path, metavar="DIR", help="output folder")
    command.add_argument(
        "--format",
        choices=FORM_NAMES,
        default="page",
        help="; ".join(f"{name}: {FORMATS[name].name}" for name in FORM_NAMES) + " (page)",
    )
    command.add_argument(
        "--workers",
        type=_workers,
        metavar="N",
        help="processes that read (1; on a Ray cluster: one for each of its GPUs, else cores)",
    )
    command.add_argument(
        "--ray",
        default="",
        metavar="ADDRESS",
        help="read on the Ray cluster there, such as 10.0.0.1:6379 or auto; its nodes must see "
        "DIR, and MODEL and SOURCE where these are files (needs requirements-cluster.txt)",
    )
    command.add_argument(
        "--segmentation", choices=METHODS, default="auto", help="how lines are found (auto)"
    )
    command.add_argument("--model", type=Path, metavar="PATH", help="model file (the shipped one)")
    command.add_argument(
        "--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N (auto)"
    )
    command.add_argument(
        "--precision",
        choices=("auto", "fp32", "bf16", "fp16"),
        default="auto",
        help="of the arithmetic (auto)",
    )
    command.set_defaults(command=batch)


def batch(options: argparse.Namespace) -> int:
    """Return the exit status after reading what is not done yet: 1 if anything failed."""
    from htr.shipped import default_model_path
    from services.batch import run_batch
    from services.batch_errors import BatchError
    from services.batch_pages import PageOutput
    from services.batch_source import page_files
    from services.batch_worker import ModelChoice

    start = time.perf_counter()
    try:
        totals = run_batch(
            page_files(options.source),
            PageOutput(options.out, options.format, options.segmentation),
            ModelChoice(options.model or default_model_path(), options.device, options.precision),
            options.workers,
            _tell,
            options.ray,
        )
    except BatchError as error:
        print(f"htr: {error}", file=sys.stderr)
        return 1
    seconds = time.perf_counter() - start
    print(
        f"{totals.pages:,} pages with {totals.lines:,} lines read in {seconds:,.0f} s "
        f"({totals.pages / max(seconds, 1e-9) * 3600:,.0f} pages an hour); "
        f"{totals.skipped:,} files were done before; {totals.failures:,} failures"
    )
    return 1 if totals.failures else 0


def _tell(result: FileResult) -> None:
    print(f"{result.file}: {result.lines} lines in {result.seconds:.1f} s", flush=True)
    for failure in result.failures:
        page = f", page {failure.page}" if failure.page else ""
        print(f"htr: {failure.file}{page}: {failure.reason}", file=sys.stderr, flush=True)


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f'"{text}" is not a number of processes from 1 to 256')
    return int(text)
