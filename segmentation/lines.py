"""A text line on a page: the one thing that segmentation returns."""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[float, float]

ASIDE = "aside"  # kind of a line that is kept and shown, but neither read nor counted as text
MAX_CROP_WIDTH_PX = 3072  # of a line image 64 px high, before the network squashes it
FACING_PAGE, DOUBTFUL, NO_INK = "facing page", "doubtful", "no ink"  # why, as its flag says


class SegmentationError(Exception):
    """A page image or a line on it that cannot be worked with; the message says what to do."""


@dataclass(frozen=True)
class Line:
    """One text line, in pixels of the page image, x to the right and y down.

    baseline: at least two points in reading direction.
    polygon: outline of the line's ink, first point not repeated; empty only if flagged.
    spacing_px: local distance to the neighbouring baselines; the crop is cut in its proportion.
    kind: "text", "margin", "interlinear", "vertical" (a note beside upright text), or "aside": not
    of this page or hardly writing, kept so that a person may take it in.
    flags: reasons for a person to look at the line, such as "no-crop" or "facing page".
    """

    baseline: tuple[Point, ...]
    polygon: tuple[Point, ...]
    spacing_px: float
    kind: str = "text"
    flags: tuple[str, ...] = ()
