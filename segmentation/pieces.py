"""Pieces of traced ridges: cut at line ends, joined over gaps."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class TraceSettings:
    """Limits of the tracing; lengths in line spacings, probabilities 0-1, tuned on held-out pages.

    ridge: a ridge is followed where the smoothed baseline map is above it.
    least_length: shorter curves are specks.
    evidence: log odds, see `trace`, below which a curve is doubtful as a line of text.
    least_evidence: log odds below which it is none; next to nothing is left out by it.
    cut: sum of end and start probability at which a curve is cut in two.
    pair_reach: how far the start may lie from the end it follows.
    gap: longest gap that is bridged; gap_rise: its largest step up or down.
    gap_end: largest product of end and start probability over a bridged gap.
    smooth: standard deviation, in spacings, of the blur under which ridges are sought.
    """

    ridge: float = 0.5
    least_length: float = 0.35
    evidence: float = -2.0
    least_evidence: float = -4.0
    cut: float = 1.0
    pair_reach: float = 0.8
    gap: float = 1.5
    gap_rise: float = 0.25
    gap_end: float = 0.4
    smooth: float = 0.08


@dataclass(frozen=True)
class Piece:
    """One y a column: x int (n,), y, probability, spacing, start and end probability (n,)."""

    x: np.ndarray
    y: np.ndarray
    probability: np.ndarray
    spacing: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def part(self, first: int, last: int) -> Piece:
        """The columns from index first to before index last."""
        return Piece(
            self.x[first:last],
            self.y[first:last],
            self.probability[first:last],
            self.spacing[first:last],
            self.start[first:last],
            self.end[first:last],
        )

    @property
    def typical_spacing(self) -> float:
        """Median spacing along the piece."""
        return float(np.median(self.spacing))


def cut(piece: Piece, settings: TraceSettings) -> list[Piece]:
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


def joined(pieces: list[Piece], settings: TraceSettings) -> list[Piece]:
    """The pieces, those of one line put together over gaps in which nothing ends or begins."""
    pieces = sorted(pieces, key=lambda piece: int(piece.x[0]))
    follower = _followers(pieces, settings)
    followed = set(follower.values())
    whole = []
    for k, piece in enumerate(pieces):
        if k in followed:
            continue
        while k in follower:
            k = follower[k]
            piece = _bridged(piece, pieces[k])
        whole.append(piece)
    return whole


def _followers(pieces: list[Piece], settings: TraceSettings) -> dict[int, int]:
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


def _end_of(piece: Piece, tail: bool) -> tuple[float, float, float, float, float]:
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


def _bridged(first: Piece, second: Piece) -> Piece:
    """Both pieces as one, the columns between them filled in straight."""
    overlap = int(first.x[-1]) + 1 - int(second.x[0])
    if overlap > 0:
        second = second.part(min(overlap, len(second.x) - 1), len(second.x))
    gap = np.arange(first.x[-1] + 1, second.x[0])
    both = [first.x[-1], second.x[0]]

    def filled(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.concatenate([a, np.interp(gap, both, [a[-1], b[0]]), b])

    nothing = np.zeros(len(gap))
    return Piece(
        np.concatenate([first.x, gap, second.x]),
        filled(first.y, second.y),
        filled(first.probability, second.probability),
        filled(first.spacing, second.spacing),
        np.concatenate([first.start, nothing, second.start]),
        np.concatenate([first.end, nothing, second.end]),
    )
