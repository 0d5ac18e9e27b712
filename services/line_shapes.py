"""What follows from a baseline that a person drew: outline, flags, what storage keeps of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

import storage
from segmentation.lines import Point, SegmentationError
from services.line_geometry import Baseline, length_px

MAX_POINTS = 1000  # of a baseline; people set fewer than twenty
MIN_LENGTH_PX = 3.0
NO_CROP = "no-crop"
AROUND = 3.0  # spacings: how far around a line its neighbours and their ink matter


class PageShapes:
    """The lines of a page, by number in reading order, and edits that give them other shapes."""

    def __init__(
        self,
        page: storage.Page,
        lines: Mapping[int, storage.Line],
        pixels: Callable[[], np.ndarray],
    ) -> None:
        """Shape `lines`; `pixels` gives the image of the page, asked for only if needed."""
        self.page = page
        self.lines = lines
        self._pixels = pixels

    def reshaped(
        self,
        baselines: Mapping[int, Baseline],
        spacing_px: float | None = None,
        without: Collection[int] = (),
    ) -> list[storage.LineEdit]:
        """Return edits that give lines new baselines (and a spacing) and what follows from them.

        A line set aside that a person shapes is thereby taken in as text.

        without: lines that will be gone, so that no outline has to keep clear of them.
        """
        wanted = {
            line_id: (baseline, spacing_px or self.lines[line_id].spacing_px)
            for line_id, baseline in baselines.items()
        }
        polygons = self._outlines(list(wanted.values()), {*wanted, *without})
        return [
            storage.LineEdit(
                line_id,
                baseline,
                polygon,
                spacing,
                "text" if self.lines[line_id].kind == storage.ASIDE else None,
                self._flags(baseline, spacing),
            )
            for (line_id, (baseline, spacing)), polygon in zip(
                wanted.items(), polygons, strict=True
            )
        ]

    def drawn(
        self,
        baseline: Baseline,
        spacing_px: float,
        kind: str,
        without: Collection[int] = (),
    ) -> storage.LineEdit:
        """Return the edit that makes a new line; `without` as in `reshaped`."""
        polygon = self._outlines([(baseline, spacing_px)], without)[0]
        flags = self._flags(baseline, spacing_px)
        return storage.LineEdit(None, baseline, polygon, spacing_px, kind, flags)

    def flags_of(self, line_id: int) -> tuple[str, ...]:
        """Return the flags of a line that a person has looked at as it is."""
        line = self.lines[line_id]
        return self._flags(line.baseline, line.spacing_px)

    def _outlines(
        self, baselines: Sequence[tuple[Baseline, float]], without: Collection[int]
    ) -> list[Baseline]:
        """Return a polygon for each baseline with its spacing, between those of the other lines."""
        from segmentation.outlines import outline_lines

        around = AROUND * max(spacing_px for _, spacing_px in baselines)
        points = np.array([point for baseline, _ in baselines for point in baseline])
        left, top = np.floor(np.maximum(points.min(0) - around, 0)).astype(int)
        right, bottom = np.ceil(points.max(0) + around).astype(int) + 1
        region = self._pixels()[top:bottom, left:right]
        near = [
            line
            for line_id, line in self.lines.items()
            if line_id not in without and _meets(line.baseline, left, top, right, bottom)
        ]
        pairs = [*baselines, *((line.baseline, line.spacing_px) for line in near)]
        shifted = [[(x - left, y - top) for x, y in baseline] for baseline, _ in pairs]
        found = outline_lines(region, shifted, [spacing_px for _, spacing_px in pairs])
        return [
            tuple((round(x + float(left), 1), round(y + float(top), 1)) for x, y in polygon)
            for polygon in found[: len(baselines)]
        ]

    def _flags(self, baseline: Baseline, spacing_px: float) -> tuple[str, ...]:
        """Return the flags of a line that a person has shaped: only whether it has a crop."""
        from segmentation.crops import crop_line

        try:
            crop_line(self._pixels(), baseline, spacing_px)
        except SegmentationError:
            return (NO_CROP,)
        return ()


def checked_baseline(points: Sequence[Point], page: storage.Page, what: str) -> Baseline:
    """Return a baseline as it may be stored: on the page, to a tenth of a pixel.

    Raises: StorageError for too few or too many points, for points that are no numbers or far
    off the page, and for a baseline without length.
    """
    if not 2 <= len(points) <= MAX_POINTS:
        raise storage.StorageError(
            f"{what} has a baseline of {len(points):,} points; it needs 2 to {MAX_POINTS:,}. "
            "Draw it again."
        )
    baseline = tuple(checked_point(point, page, what) for point in points)
    if length_px(baseline) < MIN_LENGTH_PX:
        raise storage.StorageError(
            f"{what} is {length_px(baseline):.1f} px long; it needs at least {MIN_LENGTH_PX:.0f} "
            "px. Draw it again."
        )
    return baseline


def checked_point(point: Point, page: storage.Page, what: str) -> Point:
    """Return a point as it may be stored; raises StorageError, see `checked_baseline`."""
    x, y = point
    if not (math.isfinite(x) and math.isfinite(y)):
        raise storage.StorageError(f"{what} has a point that is no place. Draw it again.")
    if not (
        -page.width_px <= x <= 2 * page.width_px and -page.height_px <= y <= 2 * page.height_px
    ):
        raise storage.StorageError(
            f"{what} has a point at {x:.0f}, {y:.0f}, far off the page of {page.width_px} x "
            f"{page.height_px} px. Draw it again."
        )
    # A hand slips over the edge of the page; the ink cannot.
    return (
        round(min(max(0.0, x), page.width_px - 1.0), 1),
        round(min(max(0.0, y), page.height_px - 1.0), 1),
    )


def _meets(baseline: Baseline, left: int, top: int, right: int, bottom: int) -> bool:
    xs, ys = [x for x, _ in baseline], [y for _, y in baseline]
    return min(xs) <= right and max(xs) >= left and min(ys) <= bottom and max(ys) >= top
