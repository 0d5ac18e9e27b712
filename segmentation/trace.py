"""Ridges of an upright baseline map -> curves, cut at line ends and joined over gaps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from segmentation.pieces import Piece, TraceSettings, cut, joined

MAX_PIECES = 1500  # noise has more; the longest are kept, for joining compares every two pieces

EVIDENCE_WEIGHTS = (1.6, -0.52, 2.8, -4.2)  # log odds of the stroke, log length, bars, constant


@dataclass(frozen=True)
class Curve:
    """A traced line in pixels of the map: points (n, 2) with rising x, spacing, confidence.

    evidence: log odds that it is a line of text, see `_evidence`.
    """

    points: np.ndarray
    spacing: float
    confidence: float
    evidence: float


def trace_upright(
    baseline: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    spacing: np.ndarray,
    settings: TraceSettings,
) -> list[Curve]:
    """Curves of the writing that runs to the right, within 45 degrees.

    baseline, start, end: (H, W) float32 probabilities. spacing: (H, W) in pixels of these maps.
    """
    ridges, smoothed = _ridges(baseline, spacing, settings)
    pieces = []
    for x, y in _chains(ridges, smoothed):
        pieces.append(_measured(x, y, baseline, start, end, spacing))
    pieces = [part for piece in pieces for part in cut(piece, settings)]
    if len(pieces) > MAX_PIECES:
        pieces = sorted(pieces, key=lambda piece: -len(piece.x))[:MAX_PIECES]
    pieces = joined(pieces, settings)
    pieces = [piece for piece in pieces if _is_long(piece, settings)]
    return [_curve(piece) for piece in pieces if _evidence(piece) >= settings.least_evidence]


def _ridges(
    baseline: np.ndarray, spacing: np.ndarray, settings: TraceSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels highest in their column's neighbourhood, (H, W) bool, and the smoothed map."""
    chosen = baseline > 0.5
    typical = float(np.median(spacing[chosen])) if chosen.any() else 20.0
    sigma = max(0.7, settings.smooth * typical)
    smoothed = cv2.GaussianBlur(baseline, (0, 0), sigmaX=1.5 * sigma, sigmaY=sigma)
    reach = max(1, round(0.12 * typical))
    highest = cv2.dilate(smoothed, np.ones((2 * reach + 1, 1), np.uint8))
    above = np.vstack([np.zeros_like(smoothed[:1]), smoothed[:-1]])
    # Of equal rows, as where strokes have run together, the first one stands for all.
    return (smoothed >= highest) & (smoothed > above) & (smoothed > settings.ridge), smoothed


def _chains(ridges: np.ndarray, smoothed: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Columns and rows of every chain of ridge pixels, one row a column, columns rising."""
    # Chains may step by two rows a column (45 degrees in a smoothed map) and miss a column.
    linked = cv2.dilate(ridges.astype(np.uint8), np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(linked, connectivity=8)
    ys, xs = np.nonzero(ridges)
    label = labels[ys, xs]
    order = np.lexsort((ys, xs, label))
    ys, xs, label = ys[order], xs[order], label[order]
    bounds = np.flatnonzero(np.diff(label, prepend=-1, append=count + 1))
    for first, last in zip(bounds, bounds[1:], strict=False):
        x, y = xs[first:last], ys[first:last]
        if np.all(np.diff(x) > 0):
            yield x, y
        else:
            yield from _forks(x, y, smoothed)


def _forks(
    x: np.ndarray, y: np.ndarray, smoothed: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Chains of a component with several ridge pixels in some column, followed to the right."""
    open_chains: list[list[tuple[int, int]]] = []
    done: list[list[tuple[int, int]]] = []
    columns = np.flatnonzero(np.diff(x, prepend=x[0] - 1, append=x[-1] + 1))
    for first, last in zip(columns, columns[1:], strict=False):
        column, rows = int(x[first]), [int(v) for v in y[first:last]]
        still: list[list[tuple[int, int]]] = []
        for chain in open_chains:
            (still if column - chain[-1][0] <= 3 else done).append(chain)
        open_chains = still
        pairs = sorted(
            (abs(row - chain[-1][1]), k, row)
            for k, chain in enumerate(open_chains)
            for row in rows
            if abs(row - chain[-1][1]) <= 2 + column - chain[-1][0]
        )
        used_chains, used_rows = set(), set()
        for _, k, row in pairs:
            if k not in used_chains and row not in used_rows:
                open_chains[k].append((column, row))
                used_chains.add(k)
                used_rows.add(row)
        open_chains += [[(column, row)] for row in rows if row not in used_rows]
    for chain in done + open_chains:
        points = np.array(chain)
        yield points[:, 0], points[:, 1]


def _measured(
    x: np.ndarray,
    y: np.ndarray,
    baseline: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    spacing: np.ndarray,
) -> Piece:
    """The chain with one smoothed row for every column between its ends, and the maps along it."""
    columns = np.arange(x[0], x[-1] + 1)
    rows = np.interp(columns, x, y)
    at = np.round(rows).astype(int)
    local = spacing[at, columns]
    half = max(1, round(0.35 * float(np.median(local))))
    rows = _averaged(rows, half)
    at = np.clip(np.round(rows).astype(int), 0, len(baseline) - 1)
    # Bars reach up from the baseline: the middle of a bar says most.
    raised = np.clip(np.round(rows - 0.1 * local).astype(int), 0, len(baseline) - 1)
    return Piece(
        columns,
        rows,
        baseline[at, columns],
        local,
        np.maximum(start[at, columns], start[raised, columns]),
        np.maximum(end[at, columns], end[raised, columns]),
    )


def _averaged(values: np.ndarray, half: int) -> np.ndarray:
    """Moving mean whose window shrinks at the ends, so that slanted ends stay where they are."""
    count = len(values)
    total = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(count)
    reach = np.minimum(np.minimum(at, count - 1 - at), half)
    return (total[at + reach + 1] - total[at - reach]) / (2 * reach + 1)


def _is_long(piece: Piece, settings: TraceSettings) -> bool:
    return len(piece.x) / piece.typical_spacing >= settings.least_length


def _evidence(piece: Piece) -> float:
    """Log odds that the piece is a text line: sure strokes, with a beginning and an end.

    A logistic regression on the lines found on pages held out. Long stretches have to be surer than
    short ones: rulings and folds are long.
    """
    spacing = piece.typical_spacing
    sure = min(max(float(piece.probability.mean()), 0.001), 0.999)
    length = min(len(piece.x) / spacing, 20.0)
    close = max(1, round(0.4 * spacing))
    bars = (float(piece.start[:close].max()) + float(piece.end[-close:].max())) / 2
    weights = EVIDENCE_WEIGHTS
    features = (math.log(sure / (1 - sure)), math.log(length), bars, 1.0)
    return sum(weight * feature for weight, feature in zip(weights, features, strict=True))


def _curve(piece: Piece) -> Curve:
    """The piece as a polyline of few points, in map coordinates (pixel centres at .5)."""
    spacing = piece.typical_spacing
    x = piece.x.astype(np.float64) + 0.5
    x[0] -= 0.5
    x[-1] += 0.5
    dense = np.stack([x, piece.y + 0.5], 1).astype(np.float32)
    few = cv2.approxPolyDP(dense[:, None], 0.03 * spacing, False)[:, 0].astype(np.float64)
    if len(few) < 2:
        few = dense[[0, -1]].astype(np.float64)
    return Curve(few, spacing, float(piece.probability.mean()), _evidence(piece))
