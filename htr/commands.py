"""What the commands of `python -m htr` do with their options; each returns its exit status."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

# torch, OpenCV and the rest are imported by the command that needs them: --help is instant.
if TYPE_CHECKING:
    import numpy as np

    from htr.beam import BeamSearch, BeamSettings
    from htr.character_model import CharacterModel
    from htr.language_file import Gain

INTERVAL_SEED = 1  # the intervals of a set and a model are the same every time


def recognize(options: argparse.Namespace) -> int:
    """Return the exit status after reading page images into text and JSON files."""
    from htr.page_files import read_files
    from htr.recognizer import Recognizer
    from htr.shipped import default_model_path

    model = options.model or default_model_path()
    beam = _beam(options)
    recognizer = Recognizer.load(model, options.device, options.precision, beam=beam)
    failures = read_files(options.pages, options.out, recognizer, options.segmentation, print, fail)
    if failures:
        fail(f"{failures} of the files or pages could not be read")
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


def _show_progress(share: float) -> None:
    end = "\n" if share >= 1 else ""
    print(f"\r{share:.0%} read", end=end, file=sys.stderr, flush=True)


def fail(message: str) -> None:
    """Tell on standard error what went wrong."""
    print(f"htr: {message}", file=sys.stderr, flush=True)
