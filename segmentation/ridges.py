"""Ink of a page -> the ridges that its lines of writing form, one curve a piece of line."""

from __future__ import annotations

import math

import cv2
import numpy as np

ALONG, ACROSS = 1.2, 0.19  # of the spacing: standard deviations of the filter along, across lines
ANGLES_DEGREES = (-9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0)
TILTS = 5.0  # degrees: how far lines may differ from the tilt of the page
LOW, HIGH = 0.15, 0.45  # of the page's strong ridges: followed from, kept with
STRONG_PERCENTILE = 95
MIN_STRONG = 0.02  # ridge strength of the faintest page that is believed to hold writing
MAX_STEP = 0.12  # of the spacing: rise from one column to the next within a ridge
MIN_LENGTH = 0.35  # of the spacing
RULE_INK = 0.25
SOLID_RULE, DOTTED_RULE, POST = 2.5, 4.0, 2.2  # of the spacing: shortest rules
DOT_GAP = 0.25  # of the spacing
RULE_THICKNESS = 0.28  # of the spacing: a thicker bar is no rule


def rules_of(ink: np.ndarray, spacing_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Return where ruled lines and where posts (vertical rules, frames) are: two uint8 (H, W).

    Rules are thin and longer than any stroke; dotted ones count. What crosses them is lost with
    them, a stroke's width.
    """
    inked = (ink > RULE_INK).astype(np.uint8)
    rules = np.zeros(ink.shape, np.uint8)
    for gap, length in ((1, SOLID_RULE), (round(DOT_GAP * spacing_px), DOTTED_RULE)):
        closed = cv2.morphologyEx(inked, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
        thick = cv2.dilate(closed, np.ones((3, 1), np.uint8))  # follows a slight slant
        long = max(3, round(length * spacing_px))
        found = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, long), np.uint8))
        rules = np.maximum(rules, np.asarray(found, np.uint8))
    thickness = max(4, round(RULE_THICKNESS * spacing_px))
    broad = cv2.morphologyEx(rules, cv2.MORPH_OPEN, np.ones((thickness, 1), np.uint8))
    rules = np.where(broad > 0, np.uint8(0), rules)
    thick = cv2.dilate(inked, np.ones((1, 3), np.uint8))
    long = max(3, round(POST * spacing_px))
    posts = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((long, 1), np.uint8))
    return rules, posts


def ridge_strength(ink: np.ndarray, spacing_px: float) -> np.ndarray:
    """Return float32 (H, W): how much every pixel lies on the middle of a band of writing.

    The second derivative across a line, smoothed along it, at the angle that answers most of
    those near the tilt of the page: at others, tall letters lead from one line to the next.
    """
    answers = []
    for angle in ANGLES_DEGREES:
        kernel = _ridge_kernel(ALONG * spacing_px, ACROSS * spacing_px, math.radians(angle))
        answers.append(cv2.filter2D(ink, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT))
    energy = [float(np.square(np.maximum(answer, 0)).sum()) for answer in answers]
    tilt = ANGLES_DEGREES[int(np.argmax(energy))]
    near = [
        a for a, angle in zip(answers, ANGLES_DEGREES, strict=True) if abs(angle - tilt) < TILTS
    ]
    return np.maximum.reduce(near)


def _ridge_kernel(along_px: float, across_px: float, angle: float) -> np.ndarray:
    reach = math.ceil(2.5 * along_px)
    high = math.ceil(3 * across_px + abs(math.sin(angle)) * reach)
    x = np.arange(-reach, reach + 1)[None, :].astype(np.float64)
    y = np.arange(-high, high + 1)[:, None].astype(np.float64)
    u = x * math.cos(angle) + y * math.sin(angle)
    v = y * math.cos(angle) - x * math.sin(angle)
    ratio = (v / across_px) ** 2
    kernel = (1 - ratio) * np.exp(-ratio / 2 - (u / along_px) ** 2 / 2)
    kernel -= kernel.mean()
    return (kernel / np.abs(kernel).sum() * 2).astype(np.float32)


def ridge_curves(strength: np.ndarray, spacing_px: float) -> list[np.ndarray]:
    """Return the ridges as int arrays (N, 2) of x, y: one y a column, x rising by 1."""
    positive = strength[strength > 0]
    if not positive.size:
        return []
    strong = float(np.percentile(positive, STRONG_PERCENTILE))
    if strong < MIN_STRONG:
        return []
    size = max(3, round(0.3 * spacing_px) | 1)
    highest = cv2.dilate(strength, np.ones((size, 1), np.uint8))
    crest = ((strength >= highest) & (strength > LOW * strong)).astype(np.uint8)
    # crests wander by a pixel or two from one column to the next
    joined = cv2.dilate(crest, np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents(joined, connectivity=8)
    y, x = np.nonzero(crest)
    label = labels[y, x]
    order = np.lexsort((-strength[y, x], x, label))
    label, x, y = label[order], x[order], y[order]
    first = np.ones(len(x), dtype=bool)
    first[1:] = (label[1:] != label[:-1]) | (x[1:] != x[:-1])
    label, x, y = label[first], x[first], y[first]
    step = max(2.0, MAX_STEP * spacing_px)
    cut = (label[1:] != label[:-1]) | (np.abs(np.diff(y)) > step) | (np.diff(x) > 4)
    curves = []
    for piece in np.split(np.arange(len(x)), np.flatnonzero(cut) + 1):
        if len(piece) < MIN_LENGTH * spacing_px:
            continue
        if np.percentile(strength[y[piece], x[piece]], 80) < HIGH * strong:
            continue
        columns = np.arange(x[piece[0]], x[piece[-1]] + 1)
        rows = np.interp(columns, x[piece], y[piece])
        curves.append(np.stack([columns, np.rint(rows).astype(np.int64)], axis=1))
    return curves
