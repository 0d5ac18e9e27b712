"""The weights of a beam search, chosen on lines that its language model was built without."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from htr.beam import BeamSearch, BeamSettings
from htr.character_model import CharacterModel
from htr.decode import find_spikes
from htr.errors import RecognitionError
from htr.metrics import LineErrors, Score, line_errors, score

CHOICES = (
    (0.1, 0.4), (0.1, 0.9), (0.2, 0.4), (0.2, 0.9), (0.2, 1.4), (0.35, 0.9), (0.35, 1.4),
    (0.5, 1.4), (0.5, 1.9), (0.7, 1.9),
)  # fmt: skip
"""Weight and bonus: the ridge on which the best lies. The more the language model weighs, the more
each character costs, and the larger the bonus that makes up for it; a model of few lines deserves
little weight."""


@dataclass(frozen=True)
class Tuning:
    """What was found: the best settings over all lines, and an honest score of such a choice.

    greedy: without the search. beam: each half of the groups (pages) read with the settings that
    were best on the other half, so that no line chose its own.
    """

    settings: BeamSettings
    greedy: Score
    beam: Score


def tune_beam(
    log_probabilities: Sequence[np.ndarray],
    texts: Sequence[str],
    language: CharacterModel,
    groups: Sequence[Hashable] | None = None,
    settings: BeamSettings | None = None,
    progress: Callable[[float], None] | None = None,
) -> Tuning:
    """Return the weight and bonus with the fewest wrong characters on these lines.

    log_probabilities: (T, V) of each line, V as the language model's characters and the blank.
    texts: what the lines say; the language model must not know them. groups: the page of each.
    settings: everything but weight and bonus is taken from it.

    Raises RecognitionError without any line, or if the alphabets differ.
    """
    if not texts:
        raise RecognitionError("There is no line to choose the language model's weight on.")
    classes = len(language.characters) + 1
    if any(values.shape[1:] != (classes,) for values in log_probabilities):
        raise RecognitionError(
            "The language model was built for another alphabet than that of the model that read "
            "these lines. Build it again for this model."
        )
    choices = [
        replace(settings or BeamSettings(), weight=weight, bonus=bonus) for weight, bonus in CHOICES
    ]
    errors: list[list[LineErrors]] = []
    for number, choice in enumerate(choices):
        beam = BeamSearch(language, choice)
        read = [beam.search(values) for values in log_probabilities]
        errors.append(_errors(read, texts, language.characters))
        if progress:
            progress((number + 1) / len(choices))
    greedy = [tuple(find_spikes(values[None]).classes.tolist()) for values in log_probabilities]
    edits = np.array([[line.character_edits for line in row] for row in errors])
    first = _first_half(groups or range(len(texts)))
    by_others = np.where(first, edits[:, ~first].sum(axis=1).argmin() if (~first).any() else 0,
                         edits[:, first].sum(axis=1).argmin() if first.any() else 0)  # fmt: skip
    return Tuning(
        settings=choices[int(edits.sum(axis=1).argmin())],
        greedy=score(_errors(greedy, texts, language.characters)),
        beam=score([errors[choice][line] for line, choice in enumerate(by_others)]),
    )


def _errors(
    readings: Sequence[Sequence[int]], texts: Sequence[str], characters: Sequence[str]
) -> list[LineErrors]:
    return [
        line_errors(text, "".join(characters[number - 1] for number in reading))
        for text, reading in zip(texts, readings, strict=True)
    ]


def _first_half(groups: Sequence[Hashable]) -> np.ndarray:
    """Return which lines are of every other group, or every other line where there is one group."""
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    if len(numbers) == 1:
        return np.arange(len(groups)) % 2 == 0
    return np.array([numbers[group] % 2 == 0 for group in groups])
