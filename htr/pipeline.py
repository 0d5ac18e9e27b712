"""A page image -> its lines with what was read on them: segmentation, crops, recognition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from htr.decode import EMPTY_TRANSCRIPT, Transcript
from segmentation import Line, SegmentationError, segment
from segmentation.crops import crop_line
from segmentation.lines import ASIDE

if TYPE_CHECKING:
    from htr.recognizer import Progress, Recognizer

NO_CROP = "no-crop"


@dataclass(frozen=True)
class ReadLine:
    """A line of the page and what was read on it.

    transcript: spans in px of the straightened crop, which is `crop_width_px` wide; a line that
    could not be cropped has width 0, the flag "no-crop" and an empty transcript.
    with_language: a language model chose between readings.
    """

    line: Line
    transcript: Transcript
    crop_width_px: int
    with_language: bool = False


def read_page(
    pixels: np.ndarray,
    recognizer: Recognizer,
    method: str = "auto",
    progress: Progress | None = None,
) -> list[ReadLine]:
    """Return the lines of the page in reading order, each with its transcript.

    Lines that segmentation set aside are among them, not read: with width 0 and nothing read.

    pixels: uint8, gray (H, W) or RGB (H, W, 3). method: of `segmentation.segment`.
    progress: called with the share of the lines read, 0 to 1, once lines were found.

    Raises SegmentationError or RecognitionError for a page that cannot be worked with.
    """
    lines = segment(pixels, method=method)
    own = [line for line in lines if line.kind != ASIDE]
    read = iter(read_lines(pixels, own, recognizer, progress))
    return [
        ReadLine(line, EMPTY_TRANSCRIPT, 0) if line.kind == ASIDE else next(read) for line in lines
    ]


def read_lines(
    pixels: np.ndarray,
    lines: Sequence[Line],
    recognizer: Recognizer,
    progress: Progress | None = None,
) -> list[ReadLine]:
    """Return the given lines in their order, read (again) on the page image.

    Raises RecognitionError when the lines cannot be read.
    """
    cropped = [_crop(pixels, line, recognizer.config.image_height) for line in lines]
    transcripts = recognizer.recognize([crop for _, crop in cropped], progress)
    return [
        ReadLine(line, transcript, crop.shape[1], recognizer.with_language)
        for (line, crop), transcript in zip(cropped, transcripts, strict=True)
    ]


def _crop(pixels: np.ndarray, line: Line, height_px: int) -> tuple[Line, np.ndarray]:
    """Return the line, flagged if it cannot be cropped, and its crop, then without pixels."""
    flags = tuple(flag for flag in line.flags if flag != NO_CROP)
    try:
        crop = crop_line(pixels, line.baseline, line.spacing_px, height_px)
    except SegmentationError:
        # Kept, so that a person sees the line in its place and can draw it anew.
        return replace(line, flags=(*flags, NO_CROP)), np.zeros((height_px, 0), np.uint8)
    return replace(line, flags=flags), crop
