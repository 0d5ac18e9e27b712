"""The command line: `python -m htr recognize | evaluate | language | calibrate | ...`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from htr.commands import calibrate, convert, download, evaluate, fail, language, recognize
from htr.errors import RecognitionError

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
METHODS = ("auto", "network", "opencv")
INTERRUPTED = 130
WIDEST_BEAM = 1000


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
        fail(str(error))
        return 1
    except KeyboardInterrupt:
        fail("interrupted")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m htr", description="Read handwriting without a browser."
    )
    # What the app and the command line share of a data folder; of no use to the network itself.
    from services.backup_command import add_backup_commands
    from services.batch_command import add_batch_command
    from services.export_command import add_export_command
    from services.import_command import add_import_command

    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_recognize(commands)
    add_batch_command(commands)
    _add_evaluate(commands)
    _add_language(commands)
    _add_calibrate(commands)
    _add_convert(commands)
    _add_download(commands)
    add_import_command(commands)
    add_export_command(commands)
    add_backup_commands(commands)
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
    _add_beam_options(command)
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
    _add_limit_option(command)
    command.add_argument(
        "--bucket", type=_positive, metavar="PX", help="pad lines to multiples of PX"
    )
    _add_model_options(command)
    _add_beam_options(command)
    command.set_defaults(command=evaluate)


def _add_language(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "language",
        help="build a language model from text",
        description="Count which letters follow which in text of the kind that is to be read. "
        "`recognize --language FILE` and `evaluate --language FILE` then choose with it between "
        "readings that look alike.",
    )
    command.add_argument(
        "texts", nargs="+", type=Path, metavar="TEXT", help="text file in UTF-8, or line set"
    )
    command.add_argument("--out", required=True, type=Path, metavar="FILE", help="file to write")
    command.add_argument(
        "--order", type=_positive, default=6, metavar="N", help="letters looked at together (6)"
    )
    command.add_argument(
        "--least",
        type=_positive,
        default=1,
        metavar="N",
        help="leave out what follows three letters or more less often; a smaller file (1)",
    )
    command.add_argument(
        "--tune",
        type=Path,
        metavar="LINES",
        help="line set that is not among the texts, to choose the language model's weight on",
    )
    _add_limit_option(command)
    _add_model_options(command)
    command.set_defaults(command=language)


def _add_calibrate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "calibrate",
        help="make a model's confidences mean what they say",
        description="Fit the temperature of a model's confidences on labelled lines that it did "
        "not learn from, and write the model with it; what it reads stays the same.",
    )
    command.add_argument("tune", type=Path, metavar="LINES", help="labelled line set")
    command.add_argument(
        "--out", required=True, type=Path, metavar="MODEL.safetensors", help="file to write"
    )
    _add_limit_option(command)
    _add_model_options(command)
    command.set_defaults(command=calibrate)


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


def _add_limit_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--limit", type=_positive, metavar="N", help="read N lines, spread over the set"
    )


def _add_beam_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--language", type=Path, metavar="FILE", help="language model to read with (none)"
    )
    command.add_argument(
        "--beam-width",
        type=_beam_width,
        metavar="N",
        help="readings to keep while searching with it (16): more is slower and a little better",
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


def _beam_width(text: str) -> int:
    width = _positive(text)
    if width > WIDEST_BEAM:
        raise argparse.ArgumentTypeError(f"{width} is too many; at most {WIDEST_BEAM}")
    return width


if __name__ == "__main__":
    sys.exit(main())
