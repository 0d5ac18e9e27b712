"""Line crops as the network reads them: gray, 64 px high, white 1.0, padded to a width bucket.

A line's bucket depends on that line alone, and lines are batched with lines of their own bucket
only, so what is read on a line never depends on the lines beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from htr.errors import RecognitionError

if TYPE_CHECKING:
    from htr.config import ModelConfig

WHITE = 1.0
BUCKET_PX = 32  # as in training; measured: 64 and 128 read no better and no faster
SQUASHED_AT_MOST = 2.0
"""So many times narrower may a line become before anybody has read it."""
DENSE_PX = 9.0
"""A squashed line with less room for a character is read again, wider: in less, letters cannot be
told apart; with more, nothing is gained. Measured on lines of 700 to 3,000 px."""
ROOMY_PX = 11.0  # of room for a character then
LONGEST_PX = 2048  # at most: the work grows with the square of the width
CONTRAST_PERCENTILES = (1, 60)  # of the gray values: the ink's dark end, and the paper
CONTRAST_MIN_RANGE = 20  # gray values: a strip without ink must not become a strip of noise


def line_width_px(crop: np.ndarray, config: ModelConfig) -> int:
    """Return the width in px of the crop once it is as high as the network wants it.

    The aspect is kept up to `config.image_max_width`; a longer line is squashed to that, by models
    that we train not more than SQUASHED_AT_MOST. Published models have never seen a wider line.
    """
    return scaled_width_px(crop.shape[0], crop.shape[1], config)


def scaled_width_px(height_px: int, width_px: int, config: ModelConfig) -> int:
    """Return what `line_width_px` does, for a crop of that size."""
    kept_px = _kept_px(height_px, width_px, config)
    most_px = config.image_max_width
    if config.contrast != "none":
        most_px = max(most_px, min(round(kept_px / SQUASHED_AT_MOST), LONGEST_PX))
    return max(1, min(kept_px, most_px))


def roomy_width_px(
    size_px: tuple[int, ...], width_px: int, characters: int, config: ModelConfig
) -> int:
    """Return how wide a line of so many characters is to be read; `width_px` if that is enough.

    size_px: height and width of the crop. width_px: how wide it was read so far, or would be.
    Never wider than its aspect asks for.
    """
    kept_px = min(_kept_px(size_px[0], size_px[1], config), LONGEST_PX)
    if config.contrast == "none" or width_px >= DENSE_PX * characters:
        return width_px
    return max(width_px, min(kept_px, round(ROOMY_PX * characters)))


def _kept_px(height_px: int, width_px: int, config: ModelConfig) -> int:
    return width_px * config.image_height // height_px


def bucket_width(width_px: int, config: ModelConfig, bucket_px: int | None = None) -> int:
    """Return the width in px that a line of `width_px` is padded to.

    Published checkpoints (`contrast` "none") saw every line padded to the full width in training,
    so they get that. Ours were trained with padding to a line's own multiple of 32 and get the
    same. `bucket_px` overrides both.

    Raises RecognitionError when `bucket_px` is not positive.
    """
    if bucket_px is None:
        bucket_px = config.image_max_width if config.contrast == "none" else BUCKET_PX
    if bucket_px < 1:
        raise RecognitionError(f"A width bucket of {bucket_px} px was asked for; it must be >= 1.")
    return -(-width_px // bucket_px) * bucket_px


def prepare_line(crop: np.ndarray, config: ModelConfig, width_px: int | None = None) -> np.ndarray:
    """Return the line image for the network: float32 (image_height, width), 0 ink to 1 paper.

    crop: uint8, gray (H, W) or RGB (H, W, 3), of any height and width from 1 px. width_px: None
    takes that of `line_width_px`.

    Raises RecognitionError for an array of another kind or one without pixels.
    Source: model.md "Input"; for the contrast, the README of the starting weights.
    """
    check_crop(crop)
    if crop.size == 0:
        raise RecognitionError(
            f"A line image without pixels was given (shape {crop.shape}); it cannot be prepared."
        )
    gray = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) if crop.ndim == 3 else crop
    size = (width_px or line_width_px(gray, config), config.image_height)
    if size != (gray.shape[1], gray.shape[0]):
        gray = _resize(gray, size)
    if config.contrast == "percentile":
        return normalise_contrast(gray)
    return gray.astype(np.float32) / np.float32(255)


def normalise_contrast(gray: np.ndarray) -> np.ndarray:
    """Return the strip with its darkest percent at 0 and its paper at 1: float32, same shape.

    gray: (H, W), 0 to 255. Source: the README of the starting weights.
    """
    low, high = np.percentile(gray, CONTRAST_PERCENTILES)
    stretched = (gray.astype(np.float32) - np.float32(low)) / np.float32(
        max(CONTRAST_MIN_RANGE, high - low)
    )
    return np.clip(stretched, 0.0, 1.0)


def pad_lines(lines: Sequence[np.ndarray], width_px: int) -> np.ndarray:
    """Return the prepared lines as one batch, white on the right: float32 (B, 1, H, width_px)."""
    batch = np.full((len(lines), 1, lines[0].shape[0], width_px), WHITE, np.float32)
    for row, line in zip(batch, lines, strict=True):
        row[0, :, : line.shape[1]] = line
    return batch


def check_crop(crop: np.ndarray) -> None:
    """Return nothing; raise RecognitionError unless the crop is uint8 (H, W) or (H, W, 3)."""
    gray = crop.ndim == 2
    colour = crop.ndim == 3 and crop.shape[2] == 3
    if crop.dtype != np.uint8 or not (gray or colour):
        raise RecognitionError(
            f"A line image is {crop.dtype} of shape {crop.shape}; "
            "expected uint8, gray (H, W) or RGB (H, W, 3)."
        )


def _resize(gray: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the strip at `size` (width, height).

    Shrinking averages the pixels that fall together, which keeps thin strokes; an average does
    nothing for enlarging, where straight lines between pixels look best.
    """
    shrinks = size[0] <= gray.shape[1] and size[1] <= gray.shape[0]
    return cv2.resize(gray, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
