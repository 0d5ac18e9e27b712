"""Lines as fine-tuning meets them: prepared as for reading, distorted, batched by width.

What a batch holds depends on the seed and the number of the step alone, so that a run that was
stopped goes on with the very batches that it would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from htr.alphabet import Alphabet
from htr.config import ModelConfig
from htr.preprocess import WHITE as WHITE_SHARE
from htr.preprocess import (
    bucket_width,
    pad_lines,
    prepare_line,
    roomy_width_px,
    scaled_width_px,
)
from training.line_augmentation import WHITE, distort_line
from training.lines import TrainLine

PX_PER_STEP = 4  # width of the network's time steps
SORTED_BATCHES = 8  # this many batches are filled together, sorted by width: little padding
WIDTH_BLUR = 0.25  # standard deviation, of the logarithm, that batches of like width are off by
ORDER, DRAW, REPLAY = 1, 2, 3  # what a random number is for; part of its seed


class BatchLine(Protocol):
    """What a batch needs of a line; its image may be read or drawn only when it is asked for."""

    @property
    def image(self) -> np.ndarray:
        """As that of `PreparedLine`."""

    @property
    def classes(self) -> tuple[int, ...]:
        """As those of `PreparedLine`."""

    @property
    def width_px(self) -> int:
        """Width before padding."""


@dataclass(frozen=True, eq=False)
class PreparedLine:
    """A line ready to be distorted and batched.

    image: uint8 (64, W), contrast-normalised as for reading, ink 0, paper 255. classes: CTC
    classes of its text, without blanks.
    """

    key: str
    image: np.ndarray
    classes: tuple[int, ...]

    @property
    def width_px(self) -> int:
        """Width before padding."""
        return int(self.image.shape[1])


@dataclass(frozen=True, eq=False)
class LineBatch:
    """One step's lines, or the share of them that one of several processes computes.

    images: float32 (B, 1, 64, W), ink 0.0, paper 1.0, padded white to the widest line's bucket; a
    tensor where lines are kept on the device that trains. step_counts: time steps of each line
    with its own padding. targets: classes of each line.
    first: place of the first line among the step's. step_lines: how many the step has in all.
    """

    images: np.ndarray | Tensor
    step_counts: tuple[int, ...]
    targets: tuple[tuple[int, ...], ...]
    first: int
    step_lines: int

    def widened(self, width_px: int) -> LineBatch:
        """Return the batch with its images padded white to a width."""
        lines, _, height_px, own_px = self.images.shape
        if own_px == width_px:
            return self
        if isinstance(self.images, Tensor):
            white = F.pad(self.images, (0, width_px - own_px), value=WHITE_SHARE)
            return replace(self, images=white)
        wide = np.full((lines, 1, height_px, width_px), WHITE_SHARE, np.float32)
        wide[..., :own_px] = self.images
        return replace(self, images=wide)


@dataclass(frozen=True, eq=False)
class LineBatches:
    """Batch n of an endless stream, for any n.

    lines: every one is seen once before any is seen again. replay: earlier lines, of which a
    share of each batch is drawn. batch_lines: lines a batch, replay included. strength: of the
    distortion. Raises ValueError if there are no lines.
    """

    lines: Sequence[BatchLine]
    config: ModelConfig
    batch_lines: int
    seed: int
    strength: float = 1.0
    replay: Sequence[BatchLine] = ()
    replay_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a stream of nothing."""
        if not self.lines:
            raise ValueError("There are no lines to make batches of.")

    @property
    def replay_lines(self) -> int:
        """Replayed lines in every batch."""
        if not self.replay:
            return 0
        return min(self.batch_lines - 1, round(self.batch_lines * self.replay_share))

    def batch(self, step: int, share: slice | None = None) -> LineBatch:
        """Return the batch of that step, counted from 0; or only a share of its lines."""
        chosen = self.chosen(step)
        places = range(len(chosen))[share or slice(None)]
        images = [
            distort_line(
                chosen[place].image,
                np.random.default_rng([self.seed, DRAW, step, place]),
                self.strength,
                max(self.config.image_max_width, chosen[place].width_px),
            )
            for place in places
        ]
        targets = [chosen[place].classes for place in places]
        return make_batch(images, targets, self.config, places[0], len(chosen))

    def chosen(self, step: int) -> list[BatchLine]:
        """Return the lines of the batch of that step, the replayed ones last."""
        return self._own(step) + self._replayed(step)

    def _own(self, step: int) -> list[BatchLine]:
        """Return the lines to learn that belong to the step.

        Lines follow each other in shuffled rounds. A stretch of them, never longer than a round so
        that no line stands beside itself, is sorted roughly by width and cut into batches, which
        are taken in a shuffled order. Roughly: the same few lines in every batch would teach less.
        """
        fresh = self.batch_lines - self.replay_lines
        count = max(1, min(SORTED_BATCHES, len(self.lines) // fresh))
        stretch, place = divmod(step, count)
        rng = np.random.default_rng([self.seed, ORDER, 1, stretch])
        numbers = [self._line_at(stretch * count * fresh + n) for n in range(count * fresh)]
        blur = np.exp(rng.standard_normal(len(numbers)) * WIDTH_BLUR)
        widths_px = np.array([self.lines[n].width_px for n in numbers])
        order = np.argsort(widths_px * blur, kind="stable")
        begin = int(rng.permutation(count)[place]) * fresh
        return [self.lines[numbers[at]] for at in order[begin : begin + fresh]]

    def _line_at(self, position: int) -> int:
        """Return the number of the line at a position of the endless stream."""
        round_, place = divmod(position, len(self.lines))
        return int(_shuffled(len(self.lines), (self.seed, ORDER, 0, round_))[place])

    def _replayed(self, step: int) -> list[BatchLine]:
        count = self.replay_lines
        if not count:
            return []
        rng = np.random.default_rng([self.seed, REPLAY, step])
        return [self.replay[int(number)] for number in rng.integers(len(self.replay), size=count)]


@lru_cache(maxsize=4)
def _shuffled(count: int, seed: tuple[int, ...]) -> np.ndarray:
    """Return the numbers below count in the order of the seed."""
    return np.random.default_rng(seed).permutation(count)


def prepare_lines(
    lines: Sequence[TrainLine], config: ModelConfig, alphabet: Alphabet
) -> list[PreparedLine]:
    """Return the lines as the network is to see and to write them, as wide as it would read them.

    Raises UnknownCharacterError for a text with characters that the alphabet lacks.
    """
    return [_prepared(line, tuple(alphabet.encode(line.text)), config) for line in lines]


def _prepared(line: TrainLine, classes: tuple[int, ...], config: ModelConfig) -> PreparedLine:
    height_px, width_px = line.image.shape[:2]
    wide_px = width_to_learn_px(height_px, width_px, len(classes), config)
    return PreparedLine(line.key, image_to_learn(line.image, wide_px, config), classes)


def width_to_learn_px(height_px: int, width_px: int, characters: int, config: ModelConfig) -> int:
    """Return the width that a line image of that size, with so many characters, is learned at."""
    wide_px = scaled_width_px(height_px, width_px, config)
    return roomy_width_px((height_px, width_px), wide_px, characters, config)


def image_to_learn(gray: np.ndarray, width_px: int, config: ModelConfig) -> np.ndarray:
    """Return the line as that of `PreparedLine`, so wide. gray: uint8 (H, W)."""
    return np.rint(prepare_line(gray, config, width_px) * WHITE).astype(np.uint8)


def make_batch(
    images: Sequence[np.ndarray],
    targets: Sequence[tuple[int, ...]],
    config: ModelConfig,
    first: int = 0,
    step_lines: int | None = None,
) -> LineBatch:
    """Return the prepared lines, uint8 (64, W), and their texts as one batch.

    first, step_lines: of the batch; those of a whole step unless they are given.
    """
    buckets = [bucket_width(image.shape[1], config) for image in images]
    shown = [image.astype(np.float32) / np.float32(WHITE) for image in images]
    return LineBatch(
        pad_lines(shown, max(buckets)),
        tuple(-(-bucket // PX_PER_STEP) for bucket in buckets),
        tuple(targets),
        first,
        len(targets) if step_lines is None else step_lines,
    )
