"""The command line: `python -m htr recognize | evaluate | convert | download`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# torch, OpenCV and the rest are imported by the command that needs them: --help is instant.
from htr.errors import RecognitionError

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
METHODS = ("auto", "network", "opencv")
INTERVAL_SEED = 1  # the intervals of a set and a model are the same every time
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status of the command: 0 done, 1 something failed, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a file name may hold what a terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    # Before torch starts its threads: those that spin while they wait make reading several times
    # slower as soon as another process wants the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        return options.command(options)
    except RecognitionError as error:
        _fail(str(error))
        return 1
    except KeyboardInterrupt:
        _fail("interrupted")
        return INTERRUPTED


def recognize(options: argparse.Namespace) -> int:
    """Return the exit status after reading page images into text and JSON files."""
    from htr.page_files import read_files
    from htr.recognizer import Recognizer
    from htr.shipped import default_model_path

    model = options.model or default_model_path()
    recognizer = Recognizer.load(model, options.device, options.precision)
    failures = read_files(
        options.pages, options.out, recognizer, options.segmentation, print, _fail
    )
    if failures:
        _fail(f"{failures} of the files or pages could not be read")
    return 1 if failures else 0


def evaluate(options: argparse.Namespace) -> int:
    """Return the exit status after printing how well a model reads a line set."""
    import numpy as np

    from htr.evaluate import as_json, as_text, evaluate_lines
    from htr.lines_data import open_line_set
    from htr.recognizer import Recognizer
    from htr.shipped import default_model_path

    with open_line_set(options.lines) as line_set:
        model = options.model or default_model_path()
        recognizer = Recognizer.load(model, options.device, options.precision, options.bucket)
        rng = np.random.default_rng(INTERVAL_SEED)
        progress = _show_progress if sys.stderr.isatty() else None
        evaluation = evaluate_lines(line_set, recognizer, rng, options.limit, progress)
    if options.json:
        print(json.dumps(as_json(evaluation), ensure_ascii=False, indent=1))
    else:
        print(as_text(evaluation))
    return 0


def convert(options: argparse.Namespace) -> int:
    """Return the exit status after converting a published checkpoint into our format."""
    from htr.convert import convert_checkpoint

    print(convert_checkpoint(options.source, options.target, options.dataset))
    return 0


def download(options: argparse.Namespace) -> int:
    """Return the exit status after fetching a model from the Hugging Face Hub."""
    from htr.hub import download_checkpoint

    stored = download_checkpoint(
        options.repository,
        options.file,
        options.revision,
        folder=options.out,
        dataset=options.dataset,
    )
    print(stored)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m htr", description="Read handwriting without a browser."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_recognize(commands)
    _add_evaluate(commands)
    _add_convert(commands)
    _add_download(commands)
    return parser


def _add_recognize(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "recognize",
        help="read page images into text and JSON files",
        description="Read page images (JPEG, PNG, WebP, TIFF, PDF); each page gives NAME.txt and "
        "NAME.json. A file that cannot be read is reported and the others are still read.",
    )
    command.add_argument("pages", nargs="+", type=Path, metavar="PAGE", help="image or PDF file")
    command.add_argument("--out", required=True, type=Path, metavar="DIR", help="output folder")
    command.add_argument(
        "--segmentation", choices=METHODS, default="auto", help="how lines are found (auto)"
    )
    _add_model_options(command)
    command.set_defaults(command=recognize)


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "evaluate",
        help="score a model on labelled lines",
        description="Print character and word error rates with 95 %% intervals, by source, and "
        "the lines read in a second.",
    )
    command.add_argument(
        "lines",
        type=Path,
        metavar="LINES",
        help="zip archive or folder with labels.jsonl, or with images and .gt.txt or .txt files",
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "--limit", type=_positive, metavar="N", help="read N lines, spread over the set"
    )
    command.add_argument(
        "--bucket", type=_positive, metavar="PX", help="pad lines to multiples of PX"
    )
    _add_model_options(command)
    command.set_defaults(command=evaluate)


def _add_convert(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "convert",
        help="convert a published checkpoint into this app's format",
        description="Convert a published .pth, or a bare safetensors file, without running any "
        "code in it.",
    )
    command.add_argument("source", type=Path, metavar="CHECKPOINT")
    command.add_argument("target", type=Path, metavar="MODEL.safetensors")
    _add_dataset_option(command)
    command.set_defaults(command=convert)


def _add_download(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "download",
        help="fetch a model from the Hugging Face Hub",
        description="Fetch a published or own model and store it in this app's format.",
    )
    command.add_argument("repository", metavar="OWNER/NAME")
    command.add_argument("--file", metavar="NAME", help="which file, if there are several models")
    command.add_argument("--revision", metavar="REV", help="branch, tag or commit")
    command.add_argument(
        "--out", type=Path, default=Path("models"), metavar="DIR", help="folder (models)"
    )
    _add_dataset_option(command)
    command.set_defaults(command=download)


def _add_model_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", type=Path, metavar="PATH", help="model file (the shipped one)")
    command.add_argument(
        "--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N (auto)"
    )
    command.add_argument(
        "--precision", choices=PRECISIONS, default="auto", help="of the arithmetic (auto)"
    )


def _add_dataset_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--dataset",
        metavar="NAME",
        help="whose alphabet a published checkpoint has: iam, lam, read2016 or vnondb",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f'"{text}" is not a whole number above 0')
    return int(text)


def _show_progress(share: float) -> None:
    end = "\n" if share >= 1 else ""
    print(f"\r{share:.0%} read", end=end, file=sys.stderr, flush=True)


def _fail(message: str) -> None:
    print(f"htr: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
