"""Beam search over CTC outputs with a character n-gram model."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log1p

import numpy as np

from htr.character_model import CharacterModel
from htr.decode import BLANK, Spikes


@dataclass(frozen=True)
class BeamSettings:
    """How the search weighs and prunes.

    width: readings kept at every time step. weight: of the language model's log probability
    beside the network's. bonus: added for every character, because each one costs the language
    model something and short readings would win. classes: of one time step considered at most.
    least: classes below this ln probability are not considered at all.
    """

    width: int = 16
    weight: float = 0.4
    bonus: float = 0.6
    classes: int = 12
    least: float = -9.0


@dataclass(frozen=True)
class BeamSearch:
    """A language model with the settings that were chosen for it: what a recognizer needs."""

    language: CharacterModel
    settings: BeamSettings = BeamSettings()

    def find_spikes(self, logits: np.ndarray) -> Spikes:
        """Return the characters of the best texts with the time steps they stand at.

        logits: float (B, T, V). A character's confidence is its class's largest probability by
        the network alone over its steps: where the language model overruled it, that is low, and
        a person will look there.
        """
        lines, classes, confidences, starts, ends = [], [], [], [], []
        for line, values in enumerate(_log_softmax(logits)):
            text = search(values, self.language, self.settings)
            for number, (start, end) in zip(text, align(values, text), strict=True):
                lines.append(line)
                classes.append(number)
                confidences.append(exp(values[start:end, number].max()))
                starts.append(start)
                ends.append(end)
        return Spikes(
            np.array(lines, int),
            np.array(classes, int),
            np.array(confidences, float),
            np.array(starts, int),
            np.array(ends, int),
        )


@dataclass(slots=True)
class _Reading:
    """A text on its way: ln probabilities of ending in a blank or not, and what the LM says."""

    text: tuple[int, ...]
    context: tuple[int, ...]
    language: float
    blank: float = -inf
    character: float = -inf
    next_blank: float = -inf
    next_character: float = -inf

    def score(self) -> float:
        return _add(self.blank, self.character) + self.language


def search(
    log_probabilities: np.ndarray, language: CharacterModel | None, settings: BeamSettings
) -> tuple[int, ...]:
    """Return the classes (1 .. V - 1) of the best text.

    log_probabilities: (T, V), natural log, class 0 blank; class i + 1 is character i of the
    language model. language: None searches by the network alone.

    Source: prefix beam search, Hannun et al. 2014, "First-pass large vocabulary continuous speech
    recognition using bi-directional recurrent DNNs", algorithm 1, in log space.
    """
    start = language.start() if language else ()
    beam = [_Reading((), start, 0.0, blank=0.0)]
    for row in log_probabilities:
        beam = _advance(beam, row, language, settings)
    if language:
        for reading in beam:
            ending = float(language.log_probabilities(reading.context)[-1])
            reading.language += settings.weight * ending
    return max(beam, key=_Reading.score).text


def align(log_probabilities: np.ndarray, classes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the time steps [start, end) of every class on the likeliest path of this text.

    log_probabilities: (T, V). classes: a text that fits into T steps (a blank is needed between
    equal neighbours); every span holds at least one step.
    """
    steps = len(log_probabilities)
    states = np.zeros(2 * len(classes) + 1, int)  # blank, first, blank, second, ..., blank
    states[1::2] = classes
    emitted = log_probabilities[:, states]  # (T, S)
    may_skip = np.zeros(len(states), bool)
    may_skip[3::2] = states[3::2] != states[1:-2:2]
    score = np.full(len(states), -inf)
    score[:2] = emitted[0, :2]
    origin = np.zeros((steps, len(states)), np.int8)
    for step in range(1, steps):
        choices = np.full((3, len(states)), -inf)
        choices[0] = score
        choices[1, 1:] = score[:-1]
        choices[2, 2:] = np.where(may_skip[2:], score[:-2], -inf)
        origin[step] = choices.argmax(axis=0)
        score = choices.max(axis=0) + emitted[step]
    state = len(states) - 1 if len(states) == 1 or score[-1] >= score[-2] else len(states) - 2
    path = np.zeros(steps, int)
    for step in range(steps - 1, -1, -1):
        path[step] = state
        state -= origin[step, state]
    spans = []
    for number in range(len(classes)):
        hit = np.flatnonzero(path == 2 * number + 1)
        spans.append((int(hit[0]), int(hit[-1]) + 1))
    return spans


def _advance(
    beam: list[_Reading],
    row: np.ndarray,
    language: CharacterModel | None,
    settings: BeamSettings,
) -> list[_Reading]:
    """Return the best readings after one more time step; row: (V,) ln probabilities."""
    blank = float(row[BLANK])
    candidates = _candidates(row, settings)
    found = {reading.text: reading for reading in beam}
    for reading in beam:
        whole = _add(reading.blank, reading.character)
        reading.next_blank = whole + blank
        if reading.text:
            reading.next_character = reading.character + float(row[reading.text[-1]])
    for reading in beam:
        whole = _add(reading.blank, reading.character)
        scores = language.log_probabilities(reading.context) if language else None
        for number, probability in candidates:
            repeats = bool(reading.text) and reading.text[-1] == number
            before = reading.blank if repeats else whole  # a doubled letter needs a blank between
            if before == -inf:
                continue
            text = (*reading.text, number)
            longer = found.get(text)
            if longer is None:
                gain = settings.bonus
                context = reading.context
                if language is not None and scores is not None:
                    gain += settings.weight * float(scores[number - 1])
                    context = (*context, number - 1)[-max(1, language.order - 1) :]
                longer = found[text] = _Reading(text, context, reading.language + gain)
            longer.next_character = _add(longer.next_character, before + probability)
    for reading in found.values():
        reading.blank, reading.character = reading.next_blank, reading.next_character
        reading.next_blank = reading.next_character = -inf
    if len(found) <= settings.width:
        return list(found.values())
    return sorted(found.values(), key=_Reading.score, reverse=True)[: settings.width]


def _candidates(row: np.ndarray, settings: BeamSettings) -> list[tuple[int, float]]:
    """Return the non-blank classes worth a try, with their ln probabilities."""
    likely = np.flatnonzero(row[1:] > settings.least) + 1
    if len(likely) > settings.classes:
        likely = likely[np.argpartition(row[likely], -settings.classes)[-settings.classes :]]
    return [(int(number), float(row[number])) for number in likely]


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    values = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return values - np.log(np.exp(values).sum(axis=-1, keepdims=True))


def _add(a: float, b: float) -> float:
    """Return ln(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == -inf else a + log1p(exp(b - a))
