"""How well and how fast a model reads a labelled line set."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from htr.calibration import (
    DOUBTFUL_SHARE,
    Reliability,
    characters_of,
    correct_characters,
    doubtful_share,
    reliability,
)
from htr.errors import RecognitionError
from htr.lines_data import LabelledLine, LineSet
from htr.metrics import (
    Interval,
    LineErrors,
    Score,
    bootstrap_interval,
    line_errors,
    normalise,
    score,
    score_by_group,
)

if TYPE_CHECKING:
    from htr.decode import Transcript
    from htr.recognizer import Progress, Recognizer

CHUNK_LINES = 1024  # images held at once: about 35 MB


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model on a line set.

    intervals: 95 %, bootstrap over the pages that the lines come from. reliability: of the
    confidences. doubtful_share: how much of all wrong characters the fifth of the lines holds that
    was read with the least confidence, 0-1. skipped: why lines were
    left out. seconds: spent reading the lines, files and scoring not counted.
    """

    set_name: str
    model: str
    device: str
    precision: str
    score: Score
    cer_interval: Interval
    wer_interval: Interval
    by_source: dict[str, Score]
    reliability: Reliability
    doubtful_share: float
    skipped: tuple[str, ...]
    seconds: float

    @property
    def lines_per_s(self) -> float:
        """Lines read in a second."""
        return self.score.lines / max(self.seconds, 1e-9)


def evaluate_lines(
    line_set: LineSet,
    recognizer: Recognizer,
    rng: np.random.Generator,
    limit: int | None = None,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Evaluation:
    """Return how well the recognizer reads the lines of the set.

    rng: draws for the intervals. limit: read that many lines, spread evenly over the set.

    Raises RecognitionError when not a single line could be read.
    """
    chosen = spread_lines(line_set.lines, limit)
    skipped = list(line_set.skipped)
    lines: list[LabelledLine] = []
    errors: list[LineErrors] = []
    transcripts: list[Transcript] = []
    seconds = 0.0
    for first in range(0, len(chosen), CHUNK_LINES):
        chunk, images = _images(line_set, chosen[first : first + CHUNK_LINES], skipped)
        start = clock()
        read = recognizer.recognize(
            images, _part(progress, first / len(chosen), len(images) / len(chosen))
        )
        seconds += clock() - start
        lines += chunk
        transcripts += read
        for line, transcript in zip(chunk, read, strict=True):
            errors.append(line_errors(line.text, transcript.text))
    if not lines:
        raise RecognitionError(
            f"None of the {len(chosen)} lines of {line_set.name} could be read; "
            f"the first problem: {skipped[0]}"
        )
    pages = [f"{line.source}/{line.page}" for line in lines]
    cer_interval = bootstrap_interval(
        [e.character_edits for e in errors], [e.characters for e in errors], rng, pages
    )
    wer_interval = bootstrap_interval(
        [e.word_edits for e in errors], [e.words for e in errors], rng, pages
    )
    return Evaluation(
        set_name=line_set.name,
        model=recognizer.name,
        device=str(recognizer.device),
        precision=recognizer.precision,
        score=score(errors),
        cer_interval=cer_interval,
        wer_interval=wer_interval,
        by_source=score_by_group(errors, [line.source for line in lines]),
        reliability=_reliability(lines, transcripts),
        doubtful_share=doubtful_share(
            [transcript.confidence for transcript in transcripts],
            [line.character_edits for line in errors],
        ),
        skipped=tuple(skipped),
        seconds=seconds,
    )


def spread_lines(lines: tuple[LabelledLine, ...], limit: int | None) -> Sequence[LabelledLine]:
    """Return `limit` lines spread evenly over the set; all of them where there is no limit."""
    if limit is None or limit >= len(lines):
        return lines
    # Sets are sorted by source: the first lines alone would be one source.
    return [lines[i] for i in np.linspace(0, len(lines) - 1, max(1, limit)).astype(int)]


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return the evaluation as JSON values; rates are fractions."""
    return {
        "set": evaluation.set_name,
        "model": evaluation.model,
        "device": evaluation.device,
        "precision": evaluation.precision,
        **_score_json(evaluation.score),
        "cer_interval": [evaluation.cer_interval.low, evaluation.cer_interval.high],
        "wer_interval": [evaluation.wer_interval.low, evaluation.wer_interval.high],
        "by_source": {name: _score_json(part) for name, part in evaluation.by_source.items()},
        "calibration_error": evaluation.reliability.error,
        "doubtful_share": evaluation.doubtful_share,
        "skipped": list(evaluation.skipped),
        "seconds": evaluation.seconds,
        "lines_per_s": evaluation.lines_per_s,
    }


def as_text(evaluation: Evaluation) -> str:
    """Return the evaluation as a table for the terminal."""
    whole = evaluation.score
    width = max(6, *(len(_shown(name)) for name in evaluation.by_source))
    rows = [
        f"{evaluation.set_name}: {whole.lines:,} lines read by {evaluation.model} "
        f"({evaluation.device}, {evaluation.precision}), {evaluation.lines_per_s:.1f} lines/s",
        f"CER {whole.cer:.3f}  (95 % {_range(evaluation.cer_interval)})",
        f"WER {whole.wer:.3f}  (95 % {_range(evaluation.wer_interval)})",
        f"{'source':{width}}  {'lines':>7}  {'CER':>6}  {'WER':>6}",
    ]
    for name, part in evaluation.by_source.items():
        rows.append(f"{_shown(name):{width}}  {part.lines:>7,}  {part.cer:6.3f}  {part.wer:6.3f}")
    rows.append(
        f"Confidences are off by {evaluation.reliability.error:.3f} (expected calibration error); "
        f"the {DOUBTFUL_SHARE:.0%} most doubtful lines hold {evaluation.doubtful_share:.0%} of all "
        f"wrong characters"
    )
    if evaluation.skipped:
        rows.append(f"{len(evaluation.skipped):,} skipped; the first: {evaluation.skipped[0]}")
    return "\n".join(rows)


def _images(
    line_set: LineSet, lines: Sequence[LabelledLine], skipped: list[str]
) -> tuple[list[LabelledLine], list[np.ndarray]]:
    """Return the lines whose image can be read, and the images; the others go to `skipped`."""
    usable, images = [], []
    for line in lines:
        try:
            images.append(line_set.image(line))
        except RecognitionError as error:
            skipped.append(str(error))
            continue
        usable.append(line)
    return usable, images


def _reliability(lines: Sequence[LabelledLine], transcripts: Sequence[Transcript]) -> Reliability:
    confidences: list[float] = []
    correct: list[bool] = []
    for line, transcript in zip(lines, transcripts, strict=True):
        read = [character.text for character in transcript.characters]
        confidences += [character.confidence for character in transcript.characters]
        correct += correct_characters(read, characters_of(normalise(line.text)))
    return reliability(np.array(confidences), np.array(correct))


def _part(progress: Progress | None, before: float, part: float) -> Progress | None:
    """Return a progress for a part of the work, told as a share of the whole."""
    if progress is None:
        return None
    return lambda share: progress(before + share * part)


def _score_json(part: Score) -> dict[str, Any]:
    return {
        "lines": part.lines,
        "characters": part.characters,
        "words": part.words,
        "cer": part.cer,
        "wer": part.wer,
    }


def _range(interval: Interval) -> str:
    return f"{interval.low:.3f}-{interval.high:.3f}"


def _shown(source: str) -> str:
    return source or "(none)"
