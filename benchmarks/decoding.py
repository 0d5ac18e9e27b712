"""Greedy reading against beam search with a language model, and what confidences are worth.

`python -m benchmarks.decoding --train T.zip --tune V.zip --test S.zip --out DIR` prints the tables.
The settings are chosen on the lines to tune on, from a language model of the training lines' text
only; the test lines are read once with them. What the network thinks of the lines is kept in DIR.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from htr.alphabet import Alphabet
from htr.beam import BeamSearch
from htr.beam_tuning import tune_beam
from htr.calibration import (
    as_text,
    collect,
    correct_characters,
    doubtful_share,
    fit_temperature,
    reliability,
)
from htr.character_counts import OWN_WEIGHT, build_character_model
from htr.character_model import CharacterModel
from htr.decode import find_spikes, line_confidence, without_loose_spaces
from htr.errors import RecognitionError
from htr.evaluate import spread_lines
from htr.lines_data import open_line_set
from htr.metrics import (
    LineErrors,
    bootstrap_interval,
    line_errors,
    normalise,
    score,
    score_by_group,
)

OWN_LINES = (0, 100, 500, 2000)
WIDTHS = (16, 32)
SEED = 1


@dataclass(frozen=True)
class Read:
    """Lines with what the network thinks of them: log_probabilities[i] (T, V) of texts[i]."""

    characters: tuple[str, ...]
    texts: list[str]
    sources: list[str]
    pages: list[str]
    log_probabilities: list[np.ndarray]

    def of(self, source: str) -> Read:
        """Return the lines of one source."""
        chosen = [i for i, name in enumerate(self.sources) if name == source]
        return Read(
            self.characters,
            [self.texts[i] for i in chosen],
            [source] * len(chosen),
            [self.pages[i] for i in chosen],
            [self.log_probabilities[i] for i in chosen],
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status after printing the tables and writing them below --out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decoding", description=__doc__)
    for name, default in (("train", "lines-train"), ("tune", "lines-val"), ("test", "lines-test")):
        parser.add_argument(
            f"--{name}", type=Path, default=Path(f"../shared/data/{default}.zip"), metavar="ZIP"
        )
    parser.add_argument("--limit", type=int, default=700, help="test lines at most")
    parser.add_argument("--tune-limit", type=int, default=120, help="lines to tune on at most")
    parser.add_argument("--own", default="peraire,hooker", help="sources of the second table")
    parser.add_argument("--only-own", action="store_true", help="the second table only")
    parser.add_argument("--model", type=Path, help="model file (the shipped one)")
    parser.add_argument("--out", type=Path, default=Path("test-artefacts/decoding"))
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        with open_line_set(options.train) as line_set:
            train: dict[str, list[str]] = {
                name: [] for name in sorted({line.source for line in line_set.lines})
            }
            for line in line_set.lines:
                train[line.source].append(line.text)
        tune = read_set(options.tune, options.model, None, options.out)
        test = read_set(options.test, options.model, options.limit, options.out)
    except RecognitionError as error:
        print(f"decoding: {error}", file=sys.stderr)
        return 1
    rows = [] if options.only_own else whole_tables(train, tune, test, options.tune_limit)
    for source in filter(None, options.own.split(",")):
        part = _spread(tune.of(source), options.tune_limit // 2)
        rows += own_lines_table(train, part, test.of(source), source)
    (options.out / "decoding.md").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return 0


def read_set(path: Path, model: Path | None, limit: int | None, out: Path) -> Read:
    """Return the lines of a set, read by the network now or in an earlier run.

    Raises RecognitionError when the set or the model cannot be read.
    """
    kept = out / f"{path.stem}-{limit or 'all'}.npz"
    if not kept.exists():
        from htr.recognizer import Recognizer
        from htr.shipped import default_model_path

        recognizer = Recognizer.load(model or default_model_path(), "auto", "fp32")
        with open_line_set(path) as line_set:
            lines = spread_lines(line_set.lines, limit)
            values = recognizer.log_probabilities([line_set.image(line) for line in lines])
        facts = {
            "characters": recognizer.alphabet.characters,
            "lines": [[line.text, line.source, f"{line.source}/{line.page}"] for line in lines],
        }
        arrays: dict[str, Any] = {
            str(number): line.astype(np.float16) for number, line in enumerate(values)
        }
        arrays["facts"] = np.array(json.dumps(facts))
        np.savez(kept, **arrays)
    with np.load(kept, allow_pickle=False) as file:
        facts = json.loads(str(file["facts"]))
        values = [file[str(number)].astype(np.float32) for number in range(len(facts["lines"]))]
    texts, sources, pages = (list(column) for column in zip(*facts["lines"], strict=True))
    return Read(tuple(facts["characters"]), texts, sources, pages, values)


def whole_tables(train: dict[str, list[str]], tune: Read, test: Read, tune_limit: int) -> list[str]:
    """Print and return the rows of the tables over all sources."""
    texts = [text for part in train.values() for text in part]
    started_s = time.process_time()
    language = build_character_model(texts, test.characters)
    built_s = time.process_time() - started_s
    part = _spread(tune, tune_limit)
    tuning = tune_beam(part.log_probabilities, part.texts, language, part.pages)
    rows = [
        _say(
            f"Language model of {len(texts):,} lines, built in {built_s:.1f} s of one core; "
            f"{asdict(tuning.settings)}; on {len(part.texts)} lines to tune on: CER "
            f"{tuning.greedy.cer:.3f} -> {tuning.beam.cer:.3f}, WER {tuning.greedy.wer:.3f} -> "
            f"{tuning.beam.wer:.3f}"
        )
    ]
    greedy, greedy_ms = _read_errors(None, test)
    found = {"greedy": greedy}
    speeds = {"greedy": greedy_ms}
    for width in WIDTHS:
        beam = BeamSearch(language, replace(tuning.settings, width=width))
        found[f"width {width}"], speeds[f"width {width}"] = _read_errors(beam, test)
    rows += _source_table(found, speeds, test)
    return rows + _calibration_table(tune, test, BeamSearch(language, tuning.settings))


def own_lines_table(train: dict[str, list[str]], tune: Read, test: Read, source: str) -> list[str]:
    """Print and return what more and more lines of one's own text bring, for one source."""
    rng = np.random.default_rng(SEED)
    own = [train[source][i] for i in rng.permutation(len(train[source]))]
    others = [text for name, part in train.items() if name != source for text in part]
    base, _ = _read_errors(None, test)
    rows = [
        _say(f"{source}: {len(test.texts)} test lines, greedy CER {score(base).cer:.3f}"),
        _say("| own lines | own text alone | own text and that of all other sources |"),
        _say("|---|---|---|"),
    ]
    for count in OWN_LINES:
        cells = []
        for general in ([], others):
            if not count and not general:
                cells.append("")
                continue
            language = build_character_model(
                own[:count], test.characters, general=general, weight=OWN_WEIGHT
            )
            cells.append(_tuned_cell(language, tune, test, base))
        rows.append(_say(f"| {min(count, len(own)):,} | {cells[0]} | {cells[1]} |"))
    return rows


def _tuned_cell(language: CharacterModel, tune: Read, test: Read, base: list[LineErrors]) -> str:
    tuning = tune_beam(tune.log_probabilities, tune.texts, language, tune.pages)
    errors, _ = _read_errors(BeamSearch(language, tuning.settings), test)
    change = score(errors).cer / score(base).cer - 1
    return f"{score(errors).cer:.3f} ({change:+.0%}), weight {tuning.settings.weight}"


def _read_errors(beam: BeamSearch | None, lines: Read) -> tuple[list[LineErrors], float]:
    """Return the errors of every line, and the milliseconds of one core that a line took."""
    started_s = time.process_time()
    if beam is None:
        read = [find_spikes(v[None]).classes.tolist() for v in lines.log_probabilities]
    else:
        read = [list(beam.search(values)) for values in lines.log_probabilities]
    line_ms = 1000 * (time.process_time() - started_s) / max(1, len(read))
    errors = [
        line_errors(text, _text(classes, lines))
        for text, classes in zip(lines.texts, read, strict=True)
    ]
    return errors, line_ms


def _source_table(
    found: dict[str, list[LineErrors]], speeds: dict[str, float], test: Read
) -> list[str]:
    rows = [
        _say("| source | lines | " + " | ".join(f"{name}: CER | WER" for name in found) + " |"),
        _say("|---|---|" + "---|---|" * len(found)),
    ]
    parts = {name: score_by_group(errors, test.sources) for name, errors in found.items()}
    for source in sorted(set(test.sources)):
        cells = [f"{part[source].cer:.3f} | {part[source].wer:.3f}" for part in parts.values()]
        rows.append(_say(f"| {source} | {test.sources.count(source)} | {' | '.join(cells)} |"))
    cells = [f"{score(errors).cer:.3f} | {score(errors).wer:.3f}" for errors in found.values()]
    rows.append(_say(f"| all | {len(test.texts)} | {' | '.join(cells)} |"))
    for name, errors in found.items():
        span = bootstrap_interval(
            [line.character_edits for line in errors],
            [line.characters for line in errors],
            np.random.default_rng(SEED),
            test.pages,
        )
        rows.append(
            _say(f"{name}: CER 95 % {span.low:.3f}-{span.high:.3f}, {speeds[name]:.1f} ms a line")
        )
    return rows


def _calibration_table(tune: Read, test: Read, beam: BeamSearch) -> list[str]:
    alphabet = Alphabet(test.characters)
    tuned = collect(zip(tune.log_probabilities, tune.texts, strict=True), alphabet)
    temperature = fit_temperature(tuned)
    rows = [_say(f"Temperature {temperature:.3f}, fitted on {len(tune.texts)} lines")]
    for name, search in (("greedy", find_spikes), ("beam", beam.find_spikes)):
        for value in (1.0, temperature):
            sure, edits, confidences, correct = [], [], [], []
            for values, text in zip(test.log_probabilities, test.texts, strict=True):
                spikes = without_loose_spaces(search(values[None], value), alphabet)
                read = _text(spikes.classes.tolist(), test)
                sure.append(line_confidence(spikes.confidence))
                edits.append(line_errors(text, read).character_edits)
                confidences += spikes.confidence.tolist()
                correct += correct_characters(read, normalise(text))
            found = reliability(np.array(confidences), np.array(correct))
            rows.append(
                _say(
                    f"{name}, temperature {value:.3f}: the fifth of the lines with the least "
                    f"confidence holds {doubtful_share(sure, edits):.1%} of the wrong characters. "
                    f"{as_text(found)}"
                )
            )
    return rows


def _text(classes: Sequence[int], lines: Read) -> str:
    return "".join(lines.characters[number - 1] for number in classes)


def _spread(lines: Read, limit: int) -> Read:
    count = len(lines.texts)
    chosen = np.linspace(0, count - 1, min(limit, count)).astype(int).tolist()
    return Read(
        lines.characters,
        [lines.texts[i] for i in chosen],
        [lines.sources[i] for i in chosen],
        [lines.pages[i] for i in chosen],
        [lines.log_probabilities[i] for i in chosen],
    )


def _say(row: str) -> str:
    print(row, flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main())
