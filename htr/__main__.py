"""The command line: `python -m htr recognize | evaluate | language | calibrate | ...`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

# torch, OpenCV and the rest are imported by the command that needs them: --help is instant.
from htr.errors import RecognitionError

if TYPE_CHECKING:
    import numpy as np

    from htr.beam import BeamSearch, BeamSettings
    from htr.character_model import CharacterModel
    from htr.language_file import Gain

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
METHODS = ("auto", "network", "opencv")
INTERVAL_SEED = 1  # the intervals of a set and a model are the same every time
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
    beam = _beam(options)
    recognizer = Recognizer.load(model, options.device, options.precision, beam=beam)
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
        beam = _beam(options)
        recognizer = Recognizer.load(
            model, options.device, options.precision, options.bucket, beam=beam
        )
        rng = np.random.default_rng(INTERVAL_SEED)
        progress = _show_progress if sys.stderr.isatty() else None
        evaluation = evaluate_lines(line_set, recognizer, rng, options.limit, progress)
    if options.json:
        print(json.dumps(as_json(evaluation), ensure_ascii=False, indent=1))
    else:
        print(as_text(evaluation))
    return 0


def language(options: argparse.Namespace) -> int:
    """Return the exit status after building a language model for a recognition model."""
    from htr.beam import BeamSearch, BeamSettings
    from htr.character_counts import build_character_model, without_rare
    from htr.header import read_header
    from htr.language_file import save_beam_search
    from htr.lines_data import read_texts
    from htr.shipped import default_model_path

    alphabet = read_header(options.model or default_model_path()).alphabet
    texts = [text for path in options.texts for text in read_texts(path)]
    model = build_character_model(texts, alphabet.characters, options.order)
    if options.least > 1:
        # Short contexts are few, and rare ones tell much there.
        fewest = [1 if length < 3 else options.least for length in range(options.order)]
        model = without_rare(model, fewest)
    settings, gain = _tuned(options, model) if options.tune else (BeamSettings(), None)
    save_beam_search(options.out, BeamSearch(model, settings), gain)
    print(f"{options.out}: built from {len(texts):,} lines of text")
    return 0


def calibrate(options: argparse.Namespace) -> int:
    """Return the exit status after writing a model whose confidences fit the given lines."""
    from htr.calibration import TEMPERATURE, as_text, collect, fit_temperature, reliability
    from htr.checkpoint import copy_with_metrics
    from htr.header import read_header
    from htr.shipped import default_model_path

    source = options.model or default_model_path()
    values, texts, _ = _read_logits(options, source)
    evidence = collect(zip(values, texts, strict=True), read_header(source).alphabet)
    temperature = round(fit_temperature(evidence), 4)
    copy_with_metrics(source, options.out, {TEMPERATURE: temperature})
    for name, value in (("before", 1.0), ("after", temperature)):
        found = reliability(evidence.confidences(value), evidence.correct)
        print(f"{name} (temperature {value:.3f}): {as_text(found)}")
    print(options.out)
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


def _beam(options: argparse.Namespace) -> BeamSearch | None:
    """Return the search that the options ask for; None: greedy."""
    from dataclasses import replace

    from htr.beam import BeamSearch
    from htr.language_file import load_beam_search

    if options.language is None:
        return None
    beam = load_beam_search(options.language)
    if options.beam_width is None:
        return beam
    return BeamSearch(beam.language, replace(beam.settings, width=options.beam_width))


def _tuned(options: argparse.Namespace, model: CharacterModel) -> tuple[BeamSettings, Gain]:
    """Return the settings that suit the lines of --tune best, and what they bring; print both."""
    from htr.beam_tuning import tune_beam
    from htr.language_file import Gain
    from htr.shipped import default_model_path

    values, texts, pages = _read_logits(options, options.model or default_model_path())
    tuning = tune_beam(values, texts, model, pages)
    print(
        f"{tuning.beam.lines:,} lines of {options.tune.name}: "
        f"CER {tuning.greedy.cer:.3f} -> {tuning.beam.cer:.3f}, "
        f"WER {tuning.greedy.wer:.3f} -> {tuning.beam.wer:.3f} "
        f"(weight {tuning.settings.weight}, bonus {tuning.settings.bonus})"
    )
    greedy, beam = tuning.greedy, tuning.beam
    return tuning.settings, Gain(beam.lines, greedy.cer, beam.cer, greedy.wer, beam.wer)


def _read_logits(
    options: argparse.Namespace, source: Path
) -> tuple[list[np.ndarray], list[str], list[str]]:
    """Return the ln probabilities, text and page of the lines to tune or calibrate on."""
    from htr.evaluate import spread_lines
    from htr.lines_data import open_line_set
    from htr.recognizer import Recognizer

    recognizer = Recognizer.load(source, options.device, options.precision)
    with open_line_set(options.tune) as line_set:
        lines = spread_lines(line_set.lines, options.limit)
        values = recognizer.log_probabilities([line_set.image(line) for line in lines])
    return values, [line.text for line in lines], [f"{line.source}/{line.page}" for line in lines]


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


def _show_progress(share: float) -> None:
    end = "\n" if share >= 1 else ""
    print(f"\r{share:.0%} read", end=end, file=sys.stderr, flush=True)


def _fail(message: str) -> None:
    print(f"htr: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
