"""Baselines that were found on a page -> how well they match the true ones.

The measure follows the scheme of the cBAD competitions (Grüning et al. 2017, "READ-BAD: A New
Dataset and Evaluation Scheme for Baseline Detection in Archival Documents", arXiv 1705.03311):

- Baselines are resampled every 5 px. A point at distance d from a line weighs 1 up to 0.25 s and
  falls linearly to 0 at 0.5 s, s the true line's spacing. READ-BAD reaches 0 at 0.75 s; this is
  stricter, so that a line drawn halfway between two text lines earns nothing.
- Recall: the mean weight of a true line's points against all that was found; mean over lines.
- Precision: found and true lines are paired one to one, greedily. A paired found line earns the
  mean weight of its points against its partner, any other 0; mean over found lines. So a line
  found in pieces, or twice, costs precision, and so does one that runs over two columns.
- P, R and F1 are computed for each page and averaged over pages.
- F1on is F1 without the spurious lines. Where the truth leaves text out (stamps, margins, the
  facing page), F1 is a lower bound and F1on an upper one.

Counts of lines: missed (true, less than half covered by all that was found together); spurious
(found, less than half of it on any true line); split (true, holding two or more found lines that
lie half or more on it and cover a tenth of it each); merged (found, covering half or more of each
of two or more true lines). Two stacked lines that were found as one show up as missed.

Reading order, of paired lines: `next` is the share of successive true lines that are successive
among the found ones too; `tau` is Kendall's. A page with fewer than two pairs has neither.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.pages import TrueLine

STEP_PX = 5.0
FULL_WEIGHT = 0.25  # of the spacing, the distance up to which a point counts in full
NO_WEIGHT = 0.5
HALF = 0.5
PIECE = 0.1

Polyline = Sequence[Sequence[float]]


@dataclass(frozen=True)
class PageScore:
    """Scores of one page, or means and sums over several; rates 0 to 1, `tau` -1 to 1.

    next, tau: NaN where too few lines were paired to have an order.
    """

    pages: int
    lines: int
    found: int
    precision: float
    recall: float
    f1: float
    f1on: float
    missed: int
    spurious: int
    split: int
    merged: int
    next: float
    tau: float


@dataclass(frozen=True)
class Overlap:
    """How far true and found lines lie on each other, each 0 to 1; T true lines, F found ones.

    cover: (T, F) share of a true line that a found one covers. union: (T,) by all together.
    inside: (T, F) share of a found line that lies on a true one. on_any: (F,) on any of them.
    """

    cover: np.ndarray
    union: np.ndarray
    inside: np.ndarray
    on_any: np.ndarray


def score_page(truth: Sequence[TrueLine], found: Sequence[Polyline]) -> PageScore:
    """Return the scores of one page; both in reading order. Source: see the module."""
    found = [line for line in found if len(line)]
    true_count, found_count = len(truth), len(found)
    if not truth or not found:
        empty = float(true_count == found_count)
        return PageScore(
            1, true_count, found_count, float(not found), float(not truth), empty,
            float(not truth), true_count, found_count, 0, 0, math.nan, math.nan,
        )  # fmt: skip
    overlap = overlap_of(truth, found)
    mutual = overlap.cover + overlap.inside
    pairs = pair_greedily(2 * overlap.cover * overlap.inside / np.maximum(mutual, 1e-9))
    earned = sum(float(overlap.inside[i, j]) for i, j in pairs)
    recall = float(overlap.union.mean())
    spurious = int((overlap.on_any < HALF).sum())
    precision = earned / found_count
    precision_on = min(1.0, earned / max(1, found_count - spurious))
    pieces = (overlap.inside >= HALF) & (overlap.cover >= PIECE)
    successive, tau = _order_of(pairs)
    return PageScore(
        pages=1,
        lines=true_count,
        found=found_count,
        precision=precision,
        recall=recall,
        f1=_harmonic_mean(precision, recall),
        f1on=_harmonic_mean(precision_on, recall),
        missed=int((overlap.union < HALF).sum()),
        spurious=spurious,
        split=int((pieces.sum(axis=1) > 1).sum()),
        merged=int(((overlap.cover >= HALF).sum(axis=0) > 1).sum()),
        next=successive,
        tau=tau,
    )


def mean_score(scores: Sequence[PageScore]) -> PageScore:
    """Return rates as means over the pages and counts as sums; NaN rates of no page at all."""
    return PageScore(
        pages=sum(score.pages for score in scores),
        lines=sum(score.lines for score in scores),
        found=sum(score.found for score in scores),
        precision=_mean([score.precision for score in scores]),
        recall=_mean([score.recall for score in scores]),
        f1=_mean([score.f1 for score in scores]),
        f1on=_mean([score.f1on for score in scores]),
        missed=sum(score.missed for score in scores),
        spurious=sum(score.spurious for score in scores),
        split=sum(score.split for score in scores),
        merged=sum(score.merged for score in scores),
        next=_mean([score.next for score in scores]),
        tau=_mean([score.tau for score in scores]),
    )


def overlap_of(truth: Sequence[TrueLine], found: Sequence[Polyline]) -> Overlap:
    """Return how far the lines lie on each other; at least one true and one found line."""
    true_points = [resample(line.baseline) for line in truth]
    found_points = [resample(line) for line in found]
    spacing = np.maximum([line.spacing_px for line in truth], 1.0)
    cover, union = np.zeros((len(truth), len(found))), np.zeros(len(truth))
    for i, points in enumerate(true_points):
        weights = _weights(_distances(points, found_points), spacing[i])
        cover[i], union[i] = weights.mean(axis=0), weights.max(axis=1).mean()
    inside, on_any = np.zeros_like(cover), np.zeros(len(found))
    for j, points in enumerate(found_points):
        weights = _weights(_distances(points, true_points), spacing)
        inside[:, j], on_any[j] = weights.mean(axis=0), weights.max(axis=1).mean()
    return Overlap(cover, union, inside, on_any)


def pair_greedily(worth: np.ndarray) -> list[tuple[int, int]]:
    """Return pairs (row, column) by falling worth, each row and column once, none worth 0."""
    pairs: list[tuple[int, int]] = []
    rows, columns = set(), set()
    for k in np.argsort(-worth, axis=None, kind="stable"):
        i, j = divmod(int(k), worth.shape[1])
        if worth[i, j] <= 0:
            break
        if i not in rows and j not in columns:
            pairs.append((i, j))
            rows.add(i)
            columns.add(j)
    return pairs


def resample(line: Polyline) -> np.ndarray:
    """Return points (N, 2) at most STEP_PX apart along the line, both of its ends included."""
    points = np.asarray(line, float).reshape(-1, 2)
    steps = np.hypot(*np.diff(points, axis=0).T) if len(points) > 1 else np.zeros(0)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0, along[-1], math.ceil(along[-1] / STEP_PX) + 1)
    return np.stack([np.interp(at, along, points[:, axis]) for axis in (0, 1)], axis=1)


def _distances(points: np.ndarray, lines: Sequence[np.ndarray]) -> np.ndarray:
    """Return (N, lines): from each point to the nearest sample of each line, in px."""
    samples = np.concatenate(lines)
    starts = np.cumsum([0] + [len(line) for line in lines[:-1]])
    squared = (points[:, :1] - samples[:, 0]) ** 2 + (points[:, 1:] - samples[:, 1]) ** 2
    return np.sqrt(np.minimum.reduceat(squared, starts, axis=1))


def _weights(distances_px: np.ndarray, spacing_px: np.ndarray | float) -> np.ndarray:
    share = (NO_WEIGHT - distances_px / spacing_px) / (NO_WEIGHT - FULL_WEIGHT)
    return np.clip(share, 0, 1)


def _order_of(pairs: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Return `next` and `tau` of the pairs, NaN for fewer than two."""
    if len(pairs) < 2:
        return math.nan, math.nan
    rank = np.argsort(np.argsort([found for _, found in sorted(pairs)]))
    signs = np.sign(rank[None, :] - rank[:, None])[np.triu_indices(len(rank), 1)]
    return float((np.diff(rank) == 1).mean()), float(signs.mean())


def _harmonic_mean(a: float, b: float) -> float:
    return 2 * a * b / max(a + b, 1e-9)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
