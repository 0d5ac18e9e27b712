"""Which found lines are bare: rules of the paper with no writing on them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from segmentation.vectorise import FoundLine

BAND = (0.1, 0.4)  # of the spacing above the baseline: where every letter has ink and a rule none
BAND_ROWS = 8
SAMPLE_SHARE = 0.05  # of the spacing between two samples along the line
MAX_SAMPLES = 2000
BARE_SHARE = 0.05  # of the page's median; pages held out: writing above 0.1, rules below 0.01


def bare_lines(
    gray: np.ndarray, lines: Sequence[FoundLine], asked: Sequence[FoundLine] | None = None
) -> list[bool]:
    """Whether each line has next to no ink above it, compared with the page's other lines.

    gray: uint8 (H, W). Faint pages are safe, for only the comparison counts; so are pages of one or
    two lines. asked: the lines to tell of, if others than those that are compared with.
    """
    asked = lines if asked is None else asked
    if len(lines) < 3:
        return [False] * len(asked)
    usual = float(np.median([_variation(gray, line) for line in lines]))
    return [_variation(gray, line) < BARE_SHARE * usual for line in asked]


def _variation(gray: np.ndarray, line: FoundLine) -> float:
    """Mean absolute deviation of brightness in the band above the line, in gray levels."""
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line.points, axis=0).T))])
    count = int(np.clip(reached[-1] / (SAMPLE_SHARE * line.spacing_px), 8, MAX_SAMPLES))
    at = np.linspace(0, reached[-1], count)
    x, y = (np.interp(at, reached, line.points[:, axis]) for axis in (0, 1))
    right, down = np.gradient(x), np.gradient(y)
    norm = np.maximum(np.hypot(right, down), 1e-9)
    raised = np.linspace(*BAND, BAND_ROWS)[:, None] * line.spacing_px
    map_x = (x + down / norm * raised - 0.5).astype(np.float32)
    map_y = (y - right / norm * raised - 0.5).astype(np.float32)
    band = cv2.remap(gray, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(
        np.float32
    )
    return float(np.abs(band - np.median(band)).mean())
