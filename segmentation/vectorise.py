"""Maps of a page -> baselines with their spacing, in pixels of the page.

The ridge of the baseline map is followed column by column, cut where the network saw a line end
and another begin, and joined over gaps where nothing ends. Writing of every quarter turn is brought
upright first, so that the tracing itself knows one direction only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from segmentation.lines import ASIDE, DOUBTFUL
from segmentation.maps import FINE, PageMaps
from segmentation.pieces import TraceSettings
from segmentation.trace import Curve, trace_upright

LOOSE = 0.25  # probability of the pixels that make up a component


@dataclass(frozen=True)
class FoundLine:
    """A baseline in pixels of the page, its spacing, and how sure the network is of it.

    points: (n, 2) float64 in reading direction. quarter_turns: 0-3, clockwise from upright.
    confidence: mean baseline probability along it. kind, flags: as those of `lines.Line`.
    """

    points: np.ndarray
    spacing_px: float
    confidence: float
    quarter_turns: int
    kind: str = "text"
    flags: tuple[str, ...] = ()


def vectorise(maps: PageMaps, settings: TraceSettings | None = None) -> list[FoundLine]:
    """Lines found in the maps, in no particular order; doubtful ones are set aside and flagged."""
    settings = settings or TraceSettings()
    turns = _quarter_turns(maps)
    spacing = cv2.resize(maps.coarse[0], maps.fine.shape[:0:-1], interpolation=cv2.INTER_LINEAR)
    spacing = np.exp2(np.clip(spacing, 1.0, 9.0)) / FINE  # in fine pixels
    found = []
    for quarter in range(4):
        mask = turns == quarter
        if not mask.any():
            continue
        baseline, start, end, local = (
            np.ascontiguousarray(np.rot90(layer, quarter))
            for layer in (*(maps.fine * mask), spacing)
        )
        curves = trace_upright(baseline, start, end, local, settings)
        found += [_on_page(curve, maps, quarter, settings) for curve in curves]
    return found


def set_aside(line: FoundLine, why: str) -> FoundLine:
    """The line as one that is kept and shown but neither read nor counted, with the reason."""
    return replace(line, kind=ASIDE, flags=(*line.flags, why))


def median_spacing(maps: PageMaps) -> float | None:
    """Median spacing in working pixels, lines weighed by their length; None without lines."""
    sure = cv2.resize(maps.fine[0], maps.coarse.shape[:0:-1], interpolation=cv2.INTER_AREA)
    chosen = sure > 0.5
    if int(chosen.sum()) < 20:
        return None
    values = maps.coarse[0][chosen]
    # Strokes are as wide as a share of the spacing: by area, wide lines would count for more.
    order = np.argsort(values)
    weights = np.cumsum(np.exp2(-values[order]))
    return float(np.exp2(values[order][np.searchsorted(weights, weights[-1] / 2)]))


def mean_cosine(maps: PageMaps) -> float | None:
    """Mean cosine of the writing direction on baselines, 1 for upright pages; None without lines.

    The network is trained on upright pages mostly: on turned ones it doubts, and this falls.
    """
    sure = cv2.resize(maps.fine[0], maps.coarse.shape[:0:-1], interpolation=cv2.INTER_AREA)
    chosen = maps.coarse[1][sure > 0.5]
    return float(chosen.mean()) if len(chosen) >= 20 else None


def mean_sureness(maps: PageMaps) -> float:
    """Mean probability of the pixels that may lie on a baseline; 0 without any."""
    chosen = maps.fine[0][maps.fine[0] > LOOSE]
    return float(chosen.mean()) if len(chosen) >= 80 else 0.0


def turned_back(line: FoundLine, turns: int, width_px: int, height_px: int) -> FoundLine:
    """The line of a page that was turned upright, in pixels of the page as it came.

    turns: quarter turns that the writing was turned clockwise. width_px, height_px: of the page
    as it came.
    """
    x, y = line.points.T
    if turns % 4 == 1:
        x, y = width_px - y, x
    elif turns % 4 == 2:
        x, y = width_px - x, height_px - y
    elif turns % 4 == 3:
        x, y = y, height_px - x
    quarter_turns = (line.quarter_turns + turns) % 4
    return replace(line, points=np.stack([x, y], 1), quarter_turns=quarter_turns)


def _quarter_turns(maps: PageMaps) -> np.ndarray:
    """Clockwise quarter turns (0-3) of the writing at every fine pixel; -1 where there is none."""
    mask = (maps.fine[0] > LOOSE).astype(np.uint8)
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    size = maps.fine.shape[:0:-1]
    weight = maps.fine[0].ravel()
    sums = [
        np.bincount(
            labels.ravel(),
            weight * cv2.resize(layer, size, interpolation=cv2.INTER_NEAREST).ravel(),
            count,
        )
        for layer in maps.coarse[1:]
    ]
    angle = np.arctan2(sums[1], sums[0])
    turns = np.round(angle / (np.pi / 2)).astype(np.int8) % 4
    turns[0] = -1
    # Bars of line ends reach beyond the strokes: the nearest component's turn holds around it.
    grown = cv2.dilate((turns[labels] + 1).astype(np.uint8), np.ones((9, 9), np.uint8))
    return grown.astype(np.int8) - 1


def _on_page(curve: Curve, maps: PageMaps, quarter: int, settings: TraceSettings) -> FoundLine:
    """The curve of the upright fine map in pixels of the page."""
    height, width = maps.fine.shape[1:]
    line = FoundLine(curve.points, curve.spacing, curve.confidence, 0)
    if curve.evidence < settings.evidence:
        line = set_aside(line, DOUBTFUL)
    line = turned_back(line, quarter, width, height)
    scale = np.array([maps.scale_x, maps.scale_y]) / FINE
    spacing_px = curve.spacing / math.sqrt(scale[0] * scale[1])
    return replace(line, points=line.points / scale, spacing_px=spacing_px)
