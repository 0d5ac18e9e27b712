"""Ridges of an upright baseline map -> curves, cut at line ends and joined over gaps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

MAX_PIECES = 1500  # noise has more; the longest are kept, for joining compares every two pieces

EVIDENCE_WEIGHTS = (1.6, -0.52, 2.8, -4.2)  # log odds of the stroke, log length, bars, constant


@dataclass(frozen=True)
class TraceSettings:
    """Limits of the tracing; lengths in line spacings, probabilities 0-1, tuned on held-out pages.

    ridge: a ridge is followed where the smoothed baseline map is above it.
    least_length: shorter curves are specks.
    evidence: log odds, see `_evidence`, below which a curve is no line.
    cut: sum of end and start probability at which a curve is cut in two.
    pair_reach: how far the start may lie from the end it follows.
    gap: longest gap that is bridged; gap_rise: its largest step up or down.
    gap_end: largest product of end and start probability over a bridged gap.
    smooth: standard deviation, in spacings, of the blur under which ridges are sought.
    """

    ridge: float = 0.5
    least_length: float = 0.35
    evidence: float = -1.0
    cut: float = 1.0
    pair_reach: float = 0.8
    gap: float = 1.5
    gap_rise: float = 0.25
    gap_end: float = 0.4
    smooth: float = 0.08


@dataclass(frozen=True)
class Curve:
    """A traced line in pixels of the map: points (n, 2) with rising x, spacing, confidence."""

    points: np.ndarray
    spacing: float
    confidence: float


@dataclass(frozen=True)
class _Piece:
    """One y a column: x int (n,), y, probability, spacing, start and end probability (n,)."""

    x: np.ndarray
    y: np.ndarray
    probability: np.ndarray
    spacing: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def part(self, first: int, last: int) -> _Piece:
        return _Piece(
            self.x[first:last],
            self.y[first:last],
            self.probability[first:last],
            self.spacing[first:last],
            self.start[first:last],
            self.end[first:last],
        )

    @property
    def typical_spacing(self) -> float:
        return float(np.median(self.spacing))


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
    pieces = [part for piece in pieces for part in _cut(piece, settings)]
    if len(pieces) > MAX_PIECES:
        pieces = sorted(pieces, key=lambda piece: -len(piece.x))[:MAX_PIECES]
    pieces = _joined(pieces, settings)
    return [_curve(piece) for piece in pieces if _is_line(piece, settings)]


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
) -> _Piece:
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
    return _Piece(
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


def _cut(piece: _Piece, settings: TraceSettings) -> list[_Piece]:
    """The piece cut wherever an end is followed by a start."""
    spacing = piece.typical_spacing
    reach = max(1, round(settings.pair_reach * spacing))
    count = len(piece.x)
    if count < 0.8 * spacing:
        return [piece]
    parts, first = [], 0
    low = round(0.3 * spacing)
    for peak in _peaks(piece.end, round(0.3 * spacing), 0.3):
        if peak - first < low or count - peak < low:
            continue
        window = slice(max(first, peak - round(0.25 * spacing)), min(count, peak + reach))
        begin = window.start + int(np.argmax(piece.start[window]))
        if piece.end[peak] + piece.start[begin] < settings.cut or count - begin < low:
            continue
        middle = (peak + begin) // 2
        parts.append(piece.part(first, max(first + 1, min(peak, middle) + 1)))
        first = max(begin, middle)
    return [*parts, piece.part(first, count)]


def _peaks(values: np.ndarray, apart: int, least: float) -> list[int]:
    """Indices of maxima above `least`, the highest of each neighbourhood, rising."""
    window = np.ones((1, 2 * max(1, apart) + 1), np.uint8)
    highest = cv2.dilate(values[None].astype(np.float32), window)[0]
    at = np.flatnonzero((values >= highest) & (values > least))
    return [int(k) for n, k in enumerate(at) if n == 0 or k - at[n - 1] > apart]


def _joined(pieces: list[_Piece], settings: TraceSettings) -> list[_Piece]:
    """The pieces, those of one line put together over gaps in which nothing ends or begins."""
    pieces = sorted(pieces, key=lambda piece: int(piece.x[0]))
    follower = _followers(pieces, settings)
    followed = set(follower.values())
    joined = []
    for k, piece in enumerate(pieces):
        if k in followed:
            continue
        while k in follower:
            k = follower[k]
            piece = _bridged(piece, pieces[k])
        joined.append(piece)
    return joined


def _followers(pieces: list[_Piece], settings: TraceSettings) -> dict[int, int]:
    """For the index of a piece that of the piece that goes on with it; each follows one only."""
    if not pieces:
        return {}
    heads = np.array([_end_of(piece, False) for piece in pieces])  # x, y, slope, bar, spacing
    tails = np.array([_end_of(piece, True) for piece in pieces])
    mean = np.sqrt(tails[:, None, 4] * heads[None, :, 4])
    step = (heads[None, :, 0] - tails[:, None, 0]) / mean
    half = (heads[None, :, 0] - tails[:, None, 0]) / 2
    ahead = tails[:, None, 1] + tails[:, None, 2] * half
    behind = heads[None, :, 1] - heads[None, :, 2] * half
    rise = np.abs(ahead - behind) / mean
    ratio = np.abs(np.log2(tails[:, None, 4] / heads[None, :, 4]))
    ends = tails[:, None, 3] * heads[None, :, 3]
    fits = (step > -0.15) & (step < settings.gap) & (rise < settings.gap_rise) & (ratio < 0.7)
    fits &= ends < settings.gap_end
    np.fill_diagonal(fits, False)
    cost = step + 3 * rise + 2 * ends
    follower: dict[int, int] = {}
    taken: set[int] = set()
    first, second = np.nonzero(fits)
    for k in np.argsort(cost[first, second]):
        a, b = int(first[k]), int(second[k])
        if a not in follower and b not in taken:
            follower[a] = b
            taken.add(b)
    return follower


def _end_of(piece: _Piece, tail: bool) -> tuple[float, float, float, float, float]:
    """x, y, slope, probability of the bar and spacing at the piece's last or first column."""
    spacing = piece.typical_spacing
    count = len(piece.x)
    reach = int(min(count, max(2, round(1.5 * spacing))))
    near = slice(count - reach, count) if tail else slice(0, reach)
    x, y = piece.x[near], piece.y[near]
    slope = float((y[-1] - y[0]) / max(1, x[-1] - x[0])) if reach > 0.5 * spacing else 0.0
    close = int(min(count, max(1, round(0.3 * spacing))))
    bar = piece.end[count - close :].max() if tail else piece.start[:close].max()
    at = -1 if tail else 0
    return float(piece.x[at]), float(piece.y[at]), slope, float(bar), spacing


def _bridged(first: _Piece, second: _Piece) -> _Piece:
    """Both pieces as one, the columns between them filled in straight."""
    overlap = int(first.x[-1]) + 1 - int(second.x[0])
    if overlap > 0:
        second = second.part(min(overlap, len(second.x) - 1), len(second.x))
    gap = np.arange(first.x[-1] + 1, second.x[0])
    both = [first.x[-1], second.x[0]]

    def filled(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.concatenate([a, np.interp(gap, both, [a[-1], b[0]]), b])

    nothing = np.zeros(len(gap))
    return _Piece(
        np.concatenate([first.x, gap, second.x]),
        filled(first.y, second.y),
        filled(first.probability, second.probability),
        filled(first.spacing, second.spacing),
        np.concatenate([first.start, nothing, second.start]),
        np.concatenate([first.end, nothing, second.end]),
    )


def _is_line(piece: _Piece, settings: TraceSettings) -> bool:
    length = len(piece.x) / piece.typical_spacing
    return length >= settings.least_length and _evidence(piece) >= settings.evidence


def _evidence(piece: _Piece) -> float:
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


def _curve(piece: _Piece) -> Curve:
    """The piece as a polyline of few points, in map coordinates (pixel centres at .5)."""
    spacing = piece.typical_spacing
    x = piece.x.astype(np.float64) + 0.5
    x[0] -= 0.5
    x[-1] += 0.5
    dense = np.stack([x, piece.y + 0.5], 1).astype(np.float32)
    few = cv2.approxPolyDP(dense[:, None], 0.03 * spacing, False)[:, 0].astype(np.float64)
    if len(few) < 2:
        few = dense[[0, -1]].astype(np.float64)
    return Curve(few, spacing, float(piece.probability.mean()))
