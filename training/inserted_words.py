"""Words of real pages, copied to where truth is rare: between lines, beside them, along margins.

Afterthoughts between lines, page numbers and vertical notes are a few lines in a hundred, so that a
network trained on pages as they are overlooks them. Here a page's own writing is copied there, in
its own ink and hand; what is drawn from fonts (`drawn_pages.py`) looks unlike real pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from training.segmentation_data import TruthPage, truth_page

INSERTED_SHARE = 0.3  # of the lines get an insertion above them, where there is room
INSERTED_SIZE = (0.55, 0.85)  # of the line's spacing: that of an insertion
INSERTED_RISE = (0.42, 0.62)  # of the spacing, from the line's baseline up
INSERTED_LENGTH = (0.8, 4.0)  # of the spacing of the line that it is copied from
NUMBERS = 3  # tries to put a short piece where the page is empty
NUMBER_LENGTH = (0.5, 1.6)
NOTE_SHARE = 0.4  # of the pages get a note along a margin, where there is room
NOTE_LENGTH = (4.0, 14.0)
NOTE_TRIES = 10  # places and pieces that are tried for its lines
ABOVE, BELOW = 0.62, 0.24  # of the spacing: what is copied with a baseline
LEVEL = 0.15  # steepest line that is copied from or written above
LEAST_SPACING = 0.6  # of the page's median: truth has no smaller spacing
INK = 0.9  # of the paper's tone: what is darker is copied


@dataclass
class _Page:
    """A page in the making: pixels (H, W) float32, and its lines so far."""

    pixels: np.ndarray
    baselines: list[np.ndarray]
    spacings_px: list[float]


def with_inserted_words(page: TruthPage, rng: np.random.Generator) -> TruthPage:
    """Return the page with its own words copied between its lines, beside them and along margins.

    Every copy is a line of the truth. A page without level lines comes back as it is.
    """
    sources = [k for k, line in enumerate(page.baselines) if _is_level(line)]
    if not sources:
        return page
    made = _Page(page.image.astype(np.float32), list(page.baselines), list(page.spacings_px))
    for k in sources:
        if rng.random() < INSERTED_SHARE:
            _insert(made, page, sources, k, rng)
    for _ in range(NUMBERS):
        _number(made, page, sources, rng)
    if rng.random() < NOTE_SHARE:
        _note(made, page, sources, rng)
    image = made.pixels.round().clip(0, 255).astype(np.uint8)
    return truth_page(page.name, page.source, image, made.baselines, made.spacings_px)


def _insert(
    made: _Page, page: TruthPage, sources: Sequence[int], k: int, rng: np.random.Generator
) -> None:
    """Copy a few words of the page above its line k, smaller, as an afterthought."""
    line, spacing = page.baselines[k], page.spacings_px[k]
    words = _words(page, sources, INSERTED_LENGTH, rng)
    if words is None:
        return
    ratio, own_spacing = words
    size = rng.uniform(*INSERTED_SIZE) * spacing
    x = float(rng.uniform(line[0, 0], max(line[0, 0] + 1, line[-1, 0] - 1)))
    y = float(np.interp(x, *line.T)) - rng.uniform(*INSERTED_RISE) * spacing
    rise = float(np.polyfit(line[:, 0], line[:, 1], 1)[0]) if len(line) > 2 else 0.0
    _lay(made, ratio, (x, y), size / own_spacing, rise, 0, 0.3 * spacing, size)


def _number(made: _Page, page: TruthPage, sources: Sequence[int], rng: np.random.Generator) -> None:
    """Copy a short piece to a place that is empty all around, as page numbers stand."""
    words = _words(page, sources, NUMBER_LENGTH, rng)
    if words is None:
        return
    ratio, own_spacing = words
    height, width = made.pixels.shape
    x = float(rng.uniform(0, width))
    y = float(rng.uniform(0, 0.15) * height if rng.random() < 0.6 else rng.uniform(0, height))
    scale = float(rng.uniform(0.7, 1.3))
    _lay(made, ratio, (x, y), scale, 0.0, 0, 0.9 * own_spacing, scale * own_spacing)


def _note(made: _Page, page: TruthPage, sources: Sequence[int], rng: np.random.Generator) -> None:
    """Copy a line along a margin, up or down the page, and now and then others beside it."""
    turns = 3 if rng.random() < 0.7 else 1  # clockwise turns of the writing: mostly it runs up
    height, width = made.pixels.shape
    rows, place = int(rng.integers(1, 4)), (0.0, 0.0)
    for _ in range(NOTE_TRIES):
        words = _words(page, sources, NOTE_LENGTH, rng)
        if words is None:
            continue
        ratio, own_spacing = words
        scale = float(rng.uniform(0.6, 0.95))
        size = scale * own_spacing
        if place == (0.0, 0.0):
            side = rng.uniform(0, 0.25) if rng.random() < 0.5 else rng.uniform(0.75, 1)
            x, y = float(side * width), float(rng.uniform(0.05, 0.95) * height)
        else:
            x, y = place[0] + 0.9 * size, place[1]
        if _lay(made, ratio, (x, y), scale, 0.0, turns, 0.55 * size, size):
            place, rows = (x, y), rows - 1
            if not rows:
                return


def _is_level(line: np.ndarray) -> bool:
    right, down = line[-1] - line[0]
    return bool(right > 0 and abs(down) < LEVEL * right and (np.diff(line[:, 0]) > 0).all())


def _words(
    page: TruthPage,
    sources: Sequence[int],
    length: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[np.ndarray, float] | None:
    """Ink of a piece of a random line, float32 (rows, columns) 1 on paper and less on ink, with the
    spacing that it was written at; None where that line is too short or lies at the page's edge.

    Its baseline lies at the share ABOVE / (ABOVE + BELOW) of the rows.
    """
    k = sources[int(rng.integers(len(sources)))]
    line, spacing = page.baselines[k], page.spacings_px[k]
    long = rng.uniform(*length) * spacing
    if line[-1, 0] - line[0, 0] < long:
        return None
    left = float(rng.uniform(line[0, 0], line[-1, 0] - long))
    columns = np.arange(round(left), round(left + long), dtype=np.float32)
    rows = np.arange(-round(ABOVE * spacing), round(BELOW * spacing) + 1, dtype=np.float32)
    level = np.interp(columns, *line.T).astype(np.float32)
    map_x = np.broadcast_to(columns, (len(rows), len(columns)))
    map_y = rows[:, None] + level
    height, width = page.image.shape
    if min(len(columns), len(rows)) < 4 or map_y.min() < 0 or map_y.max() > height - 1:
        return None
    if columns[0] < 0 or columns[-1] > width - 1:
        return None
    strip = cv2.remap(page.image, np.ascontiguousarray(map_x), map_y, cv2.INTER_LINEAR).astype(
        np.float32
    )
    ratio = np.minimum(strip / max(float(np.percentile(strip, 75)), 1.0) / INK, 1.0)
    first, last = _word_edges(ratio, round(0.5 * spacing))
    ratio = ratio[:, first:last]
    if ratio.size == 0 or (ratio < 0.8).mean() < 0.02:
        return None
    return np.asarray(ratio), spacing


def _word_edges(ratio: np.ndarray, reach: int) -> tuple[int, int]:
    """First and last column, moved inwards by up to `reach` to where there is least ink."""
    ink = cv2.blur((1 - ratio).sum(axis=0, keepdims=True), (5, 1))[0]
    reach = max(1, min(reach, len(ink) // 3))
    return int(np.argmin(ink[:reach])), len(ink) - int(np.argmin(ink[::-1][:reach]))


def _lay(
    made: _Page,
    ratio: np.ndarray,
    start: tuple[float, float],
    scale: float,
    rise: float,
    turns: int,
    apart_px: float,
    size_px: float,
) -> bool:
    """Lay a piece down with its baseline's start at a place; whether it fits in and hides no line.

    rise: slope of its baseline before it is turned clockwise by quarter turns. apart_px: least
    distance of its baseline to all others. size_px: its spacing on the page.
    """
    rows, columns = ratio.shape
    angle = np.arctan(rise) + turns * np.pi / 2
    along = np.array([np.cos(angle), np.sin(angle)]) * scale
    down = np.array([-along[1], along[0]])
    base = rows * ABOVE / (ABOVE + BELOW)
    matrix = np.stack([along, down, np.asarray(start) - base * down], axis=1)
    corners = np.array([[0, 0, 1], [columns, 0, 1], [columns, rows, 1], [0, rows, 1.0]]) @ matrix.T
    height, width = made.pixels.shape
    low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int) + 1
    if (low < 0).any() or high[0] > width or high[1] > height:
        return False
    baseline = np.array([[0, base, 1], [columns, base, 1.0]]) @ matrix.T
    if _nearest_px(baseline, made.baselines) < apart_px:
        return False
    matrix[:, 2] -= low
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    laid = cv2.warpAffine(ratio, matrix, size, flags=method, borderValue=(1.0,))
    made.pixels[low[1] : high[1], low[0] : high[0]] *= laid
    made.baselines.append(baseline.astype(np.float32))
    least = LEAST_SPACING * float(np.median(made.spacings_px))
    made.spacings_px.append(max(size_px, least))
    return True


def _nearest_px(baseline: np.ndarray, others: Sequence[np.ndarray]) -> float:
    """Distance between samples of a new baseline and those of all others."""
    own = np.linspace(baseline[0], baseline[1], 12)
    flat = np.concatenate([_sampled(line) for line in others])
    return float(np.sqrt(((own[:, None] - flat) ** 2).sum(-1).min()))


def _sampled(line: np.ndarray) -> np.ndarray:
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, length[-1], int(length[-1] / 12) + 2)
    return np.stack([np.interp(at, length, line[:, 0]), np.interp(at, length, line[:, 1])], axis=1)
