"""Beam search over CTC outputs with a character n-gram model."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp
from operator import itemgetter

import numpy as np

from htr.character_model import CharacterModel
from htr.decode import BLANK, Spikes, next_likeliest

_STATES_LIMIT = 30_000  # about 35 MB with a hundred characters
_SMALLEST, _LARGEST = 1e-100, 1e100  # probabilities of a whole line leave the range of floats
_total = itemgetter(0)

_Reading = tuple[float, float, float, int]
"""P of a text so far with its language score, of it ending in a blank, in its last character;
and its node in the tree of texts."""


@dataclass(frozen=True)
class BeamSettings:
    """How the search weighs and prunes.

    width: readings kept at every time step. weight: of the language model's log probability
    beside the network's. bonus: added for every character, because each one costs the language
    model something and short readings would win. classes: of one time step considered at most.
    least: classes below this ln probability are not considered, but for the likeliest.
    """

    width: int = 16
    weight: float = 0.5
    bonus: float = 1.4
    classes: int = 12
    least: float = -6.0


@dataclass(frozen=True)
class BeamSearch:
    """A language model with the settings that were chosen for it: what a recognizer needs.

    language: None searches by the network alone.
    """

    language: CharacterModel | None
    settings: BeamSettings = BeamSettings()
    _gains: dict[int, _Gains] = field(default_factory=dict, repr=False, compare=False)

    def find_spikes(self, logits: np.ndarray, temperature: float = 1.0) -> Spikes:
        """Return the characters of the best texts with the time steps they stand at.

        logits: float (B, T, V). temperature: divides them for the confidences only.
        A character's confidence is its share of what the search weighed at its surest step, by
        network and language model together after the text before it. The network's share alone is
        far too low where the language model decided: its calibration error is twice as large.
        """
        lines, classes, confidences, starts, ends, weights = [], [], [], [], [], []
        for line, values in enumerate(logits):
            log_probabilities = log_softmax(values)
            text = self.search(log_probabilities)
            gains = self._gains_of(len(values.T))
            sure = np.exp(log_softmax(values / temperature))
            state = 0
            for number, (start, end) in zip(text, align(log_probabilities, text), strict=True):
                weighed = sure[start + sure[start:end, number].argmax()]
                weighed[1:] *= np.asarray(gains.rows[state])[1:]
                lines.append(line)
                classes.append(number)
                confidences.append(weighed[number] / weighed.sum())
                weights.append(weighed)
                starts.append(start)
                ends.append(end)
                state = gains.after(state, number)
        read = np.array(classes, int)
        others, chances = next_likeliest(
            np.array(weights, float).reshape(len(read), logits.shape[2]), read
        )
        return Spikes(
            np.array(lines, int),
            read,
            np.array(confidences, float),
            np.array(starts, int),
            np.array(ends, int),
            others,
            chances,
        )

    def search(self, log_probabilities: np.ndarray) -> tuple[int, ...]:
        """Return the classes (1 .. V - 1) of the best text.

        log_probabilities: (T, V), natural log, class 0 blank; class i + 1 is character i of the
        language model.

        Source: prefix beam search, Hannun et al. 2014, "First-pass large vocabulary continuous
        speech recognition using bi-directional recurrent DNNs", algorithm 1. A text has one
        parent only, so a longer one that ranks below all kept readings is dropped at once.
        """
        gains = self._gains_of(log_probabilities.shape[1])
        probabilities = np.exp(log_probabilities.astype(np.float64))
        tree = _Tree(gains)
        beam: list[_Reading] = [(1.0, 1.0, 0.0, 0)]
        candidates = _candidates(probabilities, self.settings)
        for row, likely in zip(probabilities.tolist(), candidates, strict=True):
            beam = _advance(beam, row, likely, tree, self.settings.width)
        best = max(beam, key=lambda reading: reading[0] * gains.ends[tree.state(reading[3])])
        return tree.text(best[3])

    def _gains_of(self, classes: int) -> _Gains:
        """Return what the language model adds, kept from line to line until it is too large."""
        gains = self._gains.get(classes)
        if gains is None or len(gains.rows) > _STATES_LIMIT:
            gains = self._gains[classes] = _Gains(self.language, self.settings, classes)
        return gains


class _Gains:
    """What each character adds to a text, by the state of the language model.

    A state is a context that the model knows. rows[state][class] is the factor of a class,
    peaks[state] the largest of them, ends[state] the factor of the line's end. State 0 begins.
    """

    def __init__(
        self, language: CharacterModel | None, settings: BeamSettings, classes: int
    ) -> None:
        """Begin with the state of a line's start."""
        self.classes = classes
        self.rows: list[memoryview] = []  # of float64: a list would take four times the memory
        self.peaks: list[float] = []
        self.ends: list[float] = []
        self.highest = exp(settings.bonus)  # no factor is larger
        self._language = language
        self._weight = settings.weight
        self._contexts: list[tuple[int, ...]] = []
        self._numbers: dict[tuple[int, ...], int] = {}
        self._after: dict[tuple[int, int], int] = {}
        self._state(language.start() if language else ())

    def after(self, state: int, number: int) -> int:
        """Return the state after a character of this class."""
        if self._language is None:
            return 0
        found = self._after.get((state, number))
        if found is None:
            context = self._language.known((*self._contexts[state], number - 1))
            found = self._after[state, number] = self._state(context)
        return found

    def _state(self, context: tuple[int, ...]) -> int:
        state = self._numbers.get(context)
        if state is not None:
            return state
        if self._language is None:
            factors = np.full(self.classes, self.highest)
            end = 1.0
        else:
            powers = self._language.probabilities(context) ** self._weight
            factors = np.zeros(self.classes)
            np.multiply(powers[:-1], self.highest, out=factors[1:])
            end = float(powers[-1])
        self.rows.append(factors.data)
        self.peaks.append(float(factors.max()))
        self.ends.append(end)
        self._contexts.append(context)
        self._numbers[context] = len(self.rows) - 1
        return len(self.rows) - 1


class _Tree:
    """All texts that were ever in the beam: each is its parent and one class more.

    parents, numbers, factors: by node; its parent, its last class and the factor of that. Node 0
    is the empty text.
    """

    def __init__(self, gains: _Gains) -> None:
        self.gains = gains
        self.parents = [-1]
        self.numbers = [BLANK]
        self._states: list[int | None] = [0]
        self.factors = [1.0]
        self.children: dict[int, int] = {}  # by parent * classes + class

    def child(self, parent: int, number: int) -> int:
        """Return the node of the parent's text with this class after it."""
        key = parent * self.gains.classes + number
        node = self.children.get(key)
        if node is None:
            node = self.children[key] = len(self.parents)
            self.parents.append(parent)
            self.numbers.append(number)
            self.factors.append(self.gains.rows[self.state(parent)][number])
            self._states.append(None)
        return node

    def state(self, node: int) -> int:
        """Return the language state after the node's text; many texts die before it is asked."""
        state = self._states[node]
        if state is None:
            parent = self.state(self.parents[node])
            state = self._states[node] = self.gains.after(parent, self.numbers[node])
        return state

    def text(self, node: int) -> tuple[int, ...]:
        classes = []
        while node > 0:
            classes.append(self.numbers[node])
            node = self.parents[node]
        return tuple(reversed(classes))


def align(log_probabilities: np.ndarray, classes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the time steps [start, end) of every class on the likeliest path of this text.

    log_probabilities: (T, V). classes: a text that fits into T steps (a blank is needed between
    equal neighbours); every span holds at least one step.
    """
    if not classes:
        return []
    steps = len(log_probabilities)
    states = np.full(2 * len(classes) + 1, BLANK)  # blank, first, blank, second, ..., blank
    states[1::2] = classes
    emitted = log_probabilities[:, states]  # (T, S)
    skip = np.full(len(states), -np.inf)  # 0 where the blank before may be left out
    skip[3::2] = np.where(states[3::2] != states[1:-2:2], 0.0, -np.inf)
    scores = np.full((steps, len(states) + 2), -np.inf)  # two states more at the left: none
    scores[0, 2:4] = emitted[0, :2]
    for step in range(1, steps):
        before = scores[step - 1]
        best = np.maximum(before[2:], before[1:-1])
        np.maximum(best, before[:-2] + skip, out=best)
        np.add(best, emitted[step], out=scores[step, 2:])
    last = len(states) - 1
    state = last if scores[-1, last + 2] >= scores[-1, last + 1] else last - 1
    starts, ends = [0] * len(classes), [0] * len(classes)
    for step in range(steps - 1, -1, -1):
        if state % 2:
            starts[state // 2] = step
            ends[state // 2] = ends[state // 2] or step + 1
        if step:
            stay, one, two = scores[step - 1, state + 2], scores[step - 1, state + 1], -np.inf
            if skip[state] == 0.0:
                two = scores[step - 1, state]
            state -= 0 if stay >= one and stay >= two else 1 if one >= two else 2
    return list(zip(starts, ends, strict=True))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return ln of the softmax over the last axis: float64."""
    values = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return values - np.log(np.exp(values).sum(axis=-1, keepdims=True))


def _advance(
    beam: list[_Reading],
    row: list[float],
    likely: list[tuple[int, float]],
    tree: _Tree,
    width: int,
) -> list[_Reading]:
    """Return the best readings after one more time step.

    row: probabilities of all classes. likely: classes worth a try with theirs, likeliest first.
    """
    gains, numbers, children = tree.gains, tree.numbers, tree.children
    blank_probability = row[BLANK]
    alive = {reading[3]: reading for reading in beam}
    found: list[tuple[float, float, float, int, int]] = []  # last: a class to come, or BLANK
    for total, _, character, node in beam:
        number = numbers[node]
        blank, character = total * blank_probability, character * row[number]
        parent = alive.get(tree.parents[node])
        if parent is not None:  # the same text, reached now from one that is shorter
            before = parent[1] if numbers[parent[3]] == number else parent[0]
            character += before * row[number] * tree.factors[node]
        found.append((blank + character, blank, character, node, BLANK))
    threshold = min(found)[0] if len(found) >= width else 0.0
    reach = gains.highest * likely[0][1] if likely else 0.0
    for total, blank, _, node in beam:
        if total * reach <= threshold:
            continue
        state = tree.state(node)
        factors, last = gains.rows[state], numbers[node]
        most = total * gains.peaks[state]
        for number, probability in likely:
            if most * probability <= threshold:
                break  # nor will the less likely ones
            # A doubled letter needs a blank between.
            whole = (blank if number == last else total) * probability * factors[number]
            if whole > threshold and children.get(node * gains.classes + number) not in alive:
                found.append((whole, 0.0, whole, node, number))
    if len(found) > width:
        found.sort(key=_total, reverse=True)
        del found[width:]
    scale = 1.0
    if not _SMALLEST < found[0][0] < _LARGEST:
        scale = 1.0 / max(_total(reading) for reading in found)
    return [
        (
            total * scale,
            blank * scale,
            character * scale,
            tree.child(node, number) if number else node,
        )
        for total, blank, character, node, number in found
    ]


def _candidates(probabilities: np.ndarray, settings: BeamSettings) -> list[list[tuple[int, float]]]:
    """Return for every step the non-blank classes worth a try, likeliest first."""
    letters = probabilities[:, 1:]
    if not letters.size:
        return [[] for _ in letters]
    order = np.argsort(-letters, axis=1)[:, : settings.classes]
    ranked = np.take_along_axis(letters, order, axis=1)
    counts = np.maximum(1, (ranked > exp(settings.least)).sum(axis=1))
    return [
        list(zip(row[:count], values[:count], strict=True))
        for row, values, count in zip(
            (order + 1).tolist(), ranked.tolist(), counts.tolist(), strict=True
        )
    ]
