"""How lines are read while training and at its gate: as the app will read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from htr.metrics import LineErrors, line_errors, score
from htr.recognizer import Recognizer
from training.lines import TrainLine

if TYPE_CHECKING:
    import torch

    from htr.beam import BeamSearch
    from htr.checkpoint import Checkpoint
    from htr.decode import Transcript
    from training.trainable import Trainable


def read_lines(
    model: Trainable | Checkpoint, lines: Sequence[TrainLine], device: torch.device | None = None
) -> list[str]:
    """Return the model's reading of every line, see `transcripts_of`."""
    return [transcript.text for transcript in transcripts_of(model, lines, device)]


def transcripts_of(
    model: Trainable | Checkpoint,
    lines: Sequence[TrainLine],
    device: torch.device | None = None,
    beam: BeamSearch | None = None,
) -> list[Transcript]:
    """Return what the model reads on every line, by the very code that the app reads with.

    The network is left in eval mode. Numbers are 32-bit, so that a model reads the same alone and
    beside another one. beam: search with a language model instead of greedily.
    """
    reader = Recognizer(
        model.model, model.config, model.alphabet, device, precision="fp32", beam=beam
    )
    return reader.recognize([line.image for line in lines])


def reading_errors(lines: Sequence[TrainLine], readings: Sequence[str]) -> list[LineErrors]:
    """Return the edits of each line between what it says and what was read."""
    return [line_errors(line.text, reading) for line, reading in zip(lines, readings, strict=True)]


def cer_of(lines: Sequence[TrainLine], readings: Sequence[str]) -> float:
    """Return the character error rate of the readings, over all lines together."""
    return score(reading_errors(lines, readings)).cer
