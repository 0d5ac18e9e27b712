"""Confidence that means something: of what is read with 0.8, four fifths should be right.

A network is as a rule surer than it should be. One number, the temperature, divides its logits
before they become confidences; the text stays as it is. It is fitted on lines that the network
did not learn from, and kept among the model's metrics.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from htr.alphabet import Alphabet
from htr.beam import log_softmax
from htr.decode import Spikes, find_spikes, without_loose_spaces
from htr.errors import RecognitionError
from htr.shipped import SHIPPED_TEMPERATURES

TEMPERATURE = "temperature"
"""Its name among a model's metrics."""

TEMPERATURES = (0.2, 5.0)
"""The range that makes sense; beyond it something else is wrong."""

BINS = 10
DOUBTFUL_SHARE = 0.2
_GOLDEN = (math.sqrt(5) - 1) / 2
_STEPS = 40  # of the golden section: narrows the range by 1e8
_TINY = 1e-12


@dataclass(frozen=True)
class Evidence:
    """Characters that were read, with what the network thought there and what was true.

    log_probabilities: (N, V) at the step where the character was surest. classes: (N,).
    correct: (N,) bool. line: (N,) index of its line.
    """

    log_probabilities: np.ndarray
    classes: np.ndarray
    correct: np.ndarray
    line: np.ndarray

    def confidences(self, temperature: float) -> np.ndarray:
        """Return (N,) 0-1: what each character's confidence is at this temperature."""
        sure = log_softmax(self.log_probabilities / temperature)
        return np.exp(sure[np.arange(len(self.classes)), self.classes])


@dataclass(frozen=True)
class Bin:
    """The characters with a confidence from low to high: how many, how sure, how many right.

    confidence and accuracy are means, 0-1.
    """

    low: float
    high: float
    characters: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Reliability:
    """How far confidence and truth are apart.

    error: expected calibration error, 0-1: the mean distance of the bins, by their characters.
    """

    characters: int
    error: float
    bins: tuple[Bin, ...]


def collect(
    lines: Iterable[tuple[np.ndarray, str]],
    alphabet: Alphabet,
    search: Callable[[np.ndarray], Spikes] = find_spikes,
) -> Evidence:
    """Return what was read on the lines, judged by their texts.

    lines: logits (T, V) and text of each. search: finds the characters; greedy by default.
    Raises RecognitionError when not a single character was read.
    """
    rows, classes, correct, line = [], [], [], []
    for number, (logits, text) in enumerate(lines):
        spikes = without_loose_spaces(search(logits[None]), alphabet)
        values = log_softmax(logits)
        for start, end, name in zip(spikes.start, spikes.end, spikes.classes, strict=True):
            rows.append(values[start + values[start:end, name].argmax()])
        read = [alphabet.characters[c - 1] for c in spikes.classes]
        correct += correct_characters(read, list(" ".join(_nfc(text).split())))
        classes += spikes.classes.tolist()
        line += [number] * len(read)
    if not rows:
        raise RecognitionError("Nothing was read on these lines, so nothing can be calibrated.")
    return Evidence(np.array(rows), np.array(classes), np.array(correct), np.array(line))


def fit_temperature(evidence: Evidence) -> float:
    """Return the temperature at which the confidences tell right from wrong most truly.

    It minimises the negative log likelihood of right and wrong, by golden section.
    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2, with the
    outcome "right or wrong" for the class, because CTC has no label for a single step.
    """

    def loss(log_temperature: float) -> float:
        sure = evidence.confidences(math.exp(log_temperature)).clip(_TINY, 1 - _TINY)
        return float(-np.log(np.where(evidence.correct, sure, 1 - sure)).mean())

    low, high = (math.log(t) for t in TEMPERATURES)
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    left_loss, right_loss = loss(left), loss(right)
    for _ in range(_STEPS):
        if left_loss < right_loss:
            high, right, right_loss = right, left, left_loss
            left = high - _GOLDEN * (high - low)
            left_loss = loss(left)
        else:
            low, left, left_loss = left, right, right_loss
            right = low + _GOLDEN * (high - low)
            right_loss = loss(right)
    return math.exp((low + high) / 2)


def reliability(confidences: np.ndarray, correct: np.ndarray, bins: int = BINS) -> Reliability:
    """Return how well the confidences (N,) 0-1 tell the share that is correct (N,) bool.

    Source: Guo et al. 2017, section 2: bins of equal width.
    """
    confidences = np.asarray(confidences, float)
    place = np.minimum((confidences * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    sure = np.bincount(place, confidences, bins) / np.maximum(counts, 1)
    right = np.bincount(place, np.asarray(correct, float), bins) / np.maximum(counts, 1)
    error = float((counts * np.abs(sure - right)).sum() / max(1, counts.sum()))
    table = tuple(
        Bin(i / bins, (i + 1) / bins, int(counts[i]), float(sure[i]), float(right[i]))
        for i in range(bins)
    )
    return Reliability(int(counts.sum()), error, table)


def doubtful_share(
    confidences: Sequence[float], edits: Sequence[int], share: float = DOUBTFUL_SHARE
) -> float:
    """Return how much of all edits the least sure lines hold, 0-1; 0.0 without any edit.

    confidences, edits: one entry a line. share: of the lines that count as doubtful.
    """
    order = np.argsort(np.asarray(confidences, float), kind="stable")
    found = np.asarray(edits, float)[order]
    whole = found.sum()
    return float(found[: round(share * len(found))].sum() / whole) if whole else 0.0


def correct_characters(read: Sequence[str], reference: Sequence[str]) -> list[bool]:
    """Return for each character read whether it stands for itself in the best alignment."""
    rows = [np.arange(len(reference) + 1)]
    steps = np.arange(len(reference) + 1)
    truth = np.array(list(reference), dtype=object)
    for number, character in enumerate(read, 1):
        before = rows[-1]
        row = np.empty(len(reference) + 1, int)
        row[0] = number
        row[1:] = np.minimum(before[1:] + 1, before[:-1] + (truth != character))
        rows.append(np.minimum.accumulate(row - steps) + steps)  # what the reading left out
    correct = [False] * len(read)
    i, j = len(read), len(reference)
    while i and j:
        same = read[i - 1] == reference[j - 1]
        if rows[i][j] == rows[i - 1][j - 1] + (not same):
            correct[i - 1] = same
            i, j = i - 1, j - 1
        elif rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return correct


def characters_of(text: str) -> list[str]:
    """Return the text's letters, each with the combining marks that belong to it."""
    letters: list[str] = []
    for character in _nfc(text):
        if letters and unicodedata.combining(character):
            letters[-1] += character
        else:
            letters.append(character)
    return letters


def temperature_of(facts: Mapping[str, Any]) -> float:
    """Return the temperature of a model by its facts (see `load_checkpoint`); 1.0 if unknown."""
    metrics = facts.get("metrics")
    found = metrics.get(TEMPERATURE) if isinstance(metrics, Mapping) else None
    if found is None:
        found = SHIPPED_TEMPERATURES.get((str(facts.get("name")), str(facts.get("created"))))
    if isinstance(found, bool) or not isinstance(found, int | float):
        return 1.0
    return float(found) if TEMPERATURES[0] <= found <= TEMPERATURES[1] else 1.0


def as_text(found: Reliability) -> str:
    """Return the reliability as a table for the terminal."""
    rows = [
        f"Expected calibration error {found.error:.3f} over {found.characters:,} characters",
        "confidence  characters  mean  right",
    ]
    for part in found.bins:
        span = f"{part.low:.1f}-{part.high:.1f}"
        rows.append(f"{span:10}  {part.characters:10,}  {part.confidence:.2f}  {part.accuracy:.2f}")
    return "\n".join(rows)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
