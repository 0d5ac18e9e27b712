"""A hand: how one writer forms words, and words drawn by it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw

from synthesis.font import Font, SynthesisError
from synthesis.warp import smooth_noise

SCALE = 2  # words are drawn at this multiple of their size, so that bending does not blur them
PALEST = 0.25  # ink with less of its strength would not be seen as writing
X_HEIGHT_OF_SPACING = 0.34  # usual in letters of the 18th to 20th century
REACH_OF_SPACING = 0.86  # ascenders that reach much higher would cross the line above


@dataclass(frozen=True)
class Hand:
    """One writer with one pen.

    font: its letters. x_height_px: height of x. slant: shift to the right per height, added to
    the font's own. stretch: width of letters, 1.0 as in the font. gap: space between words in
    x-heights. jitter: 0 even as print, 1 restless. pen: thickness of strokes in x-heights; a
    font's own strokes are thickened to it, never thinned. fading: 0-1, how much paler the ink
    gets until the pen is dipped again.
    """

    font: Font
    x_height_px: float
    slant: float = 0.0
    stretch: float = 1.0
    gap: float = 1.0
    jitter: float = 0.4
    pen: float = 0.10
    fading: float = 0.3

    @property
    def size_px(self) -> float:
        """The font size that gives the x-height."""
        return self.x_height_px / self.font.metrics.x_height

    def width_px(self, word: str) -> float:
        """The usual width of the word as this hand writes it."""
        face = self.font.at(self.size_px * SCALE)
        return face.width(word) / SCALE * self.stretch


@dataclass(frozen=True)
class Strip:
    """One written line, flat. ink: uint8 (H, W), 255 = full ink, SCALE pixels a page pixel.

    origin: the line's start on its baseline, in pixels of ink. baseline: float64 (N, 2), points
    along the feet of the words in page pixels from the origin. width_px: to the end of the last
    word. text: what is written. dip: 0-1, how much ink is left in the pen.
    """

    ink: np.ndarray
    origin: tuple[float, float]
    baseline: np.ndarray
    width_px: float
    text: str
    dip: float


def x_height_for(font: Font, spacing_px: float, size: float = 1.0) -> float:
    """The x-height that suits a line spacing; size 1.0 is usual.

    Fonts with long ascenders get smaller letters, as people who write so leave themselves room.
    """
    metrics = font.metrics
    largest = REACH_OF_SPACING * spacing_px * metrics.x_height / metrics.ascent
    return min(X_HEIGHT_OF_SPACING * spacing_px, largest) * size


def write(text: str, hand: Hand, rng: np.random.Generator, dip: float = 1.0) -> Strip:
    """The text written in one line.

    dip: 0-1, how much ink the pen holds at the start; it is dipped when nearly dry.
    Raises: SynthesisError if the hand's font lacks a character or the text is blank.
    """
    words = text.split()
    if not words:
        raise SynthesisError("There is no text to write: the line is blank.")
    if not hand.font.covers(text):
        raise SynthesisError(f"The font {hand.font.name} cannot write all of {text!r}.")
    drawn: list[tuple[np.ndarray, int, int]] = []
    feet: list[tuple[float, float]] = []
    x = 0.0
    for word in words:
        full = max(PALEST, 1.0 - hand.fading * (1.0 - dip))
        mask, left, top, advance, rise, sink = _word(word, hand, rng, full)
        drawn.append((mask, round(x * SCALE) + left, round(sink * SCALE) + top))
        feet += [(x + t * advance, sink + rise * t * advance) for t in (0.0, 0.5, 1.0)]
        x += advance
        end = x
        x += hand.gap * hand.x_height_px * (1.0 + hand.jitter * rng.uniform(-0.35, 0.6))
        dip = dip - 0.011 * len(word) if dip > 0.1 else float(rng.uniform(0.85, 1.0))
    ink, origin = _joined(drawn)
    return Strip(ink, origin, _increasing(feet), end, " ".join(words), dip)


def _word(
    word: str, hand: Hand, rng: np.random.Generator, full: float
) -> tuple[np.ndarray, int, int, float, float, float]:
    """A word's ink, its left and top from its foot, advance in px, rise per px, offset in px."""
    face = hand.font.at(hand.size_px * SCALE)
    pen_px = max(0.0, (hand.pen - hand.font.metrics.pen / hand.font.metrics.x_height))
    stroke = round(pen_px * hand.x_height_px * SCALE / 2 * 4) / 4
    pad = 4 + int(stroke)
    left, top, right, bottom = face.box(word)
    width, height = int(right - left) + 2 * pad, int(bottom - top) + 2 * pad
    foot_x, foot_y = pad - int(left), pad - int(top)
    canvas = Image.new("L", (width, height), 0)
    face.draw(ImageDraw.Draw(canvas), (foot_x, foot_y), word, stroke)
    restless = hand.jitter
    size = 1.0 + restless * float(rng.normal(0.0, 0.035))
    across = size * hand.stretch * (1.0 + restless * float(rng.normal(0.0, 0.04)))
    slant = hand.slant + restless * float(rng.normal(0.0, 0.035))
    rise = restless * float(rng.normal(0.0, 0.012))
    sink = restless * float(rng.normal(0.0, 0.05)) * hand.x_height_px
    turn = np.array([[across, -slant * size], [rise * across, size]])
    corners = np.array([[-foot_x, -foot_y], [width - foot_x, height - foot_y]])
    xs = turn[0, 0] * corners[:, None, 0] + turn[0, 1] * corners[None, :, 1]
    ys = turn[1, 0] * corners[:, None, 0] + turn[1, 1] * corners[None, :, 1]
    x0, y0 = int(np.floor(xs.min())), int(np.floor(ys.min()))
    shape = (int(np.ceil(xs.max())) - x0, int(np.ceil(ys.max())) - y0)
    shift = np.array([[-x0], [-y0]]) - turn @ np.array([[foot_x], [foot_y]])
    mask = cv2.warpAffine(np.asarray(canvas), np.hstack([turn, shift]), shape)
    mask = _pressed(mask, hand, rng, full)
    return mask, x0, y0, face.width(word) / SCALE * across, rise, sink


def _pressed(mask: np.ndarray, hand: Hand, rng: np.random.Generator, full: float) -> np.ndarray:
    """The ink with strokes swelling and thinning within the word, scaled by the ink's strength."""
    swell = smooth_noise(rng, mask.shape[0], mask.shape[1], 2.5 * hand.x_height_px * SCALE)
    swell = np.clip(0.25 + 0.5 * hand.jitter * swell, 0.0, 0.8)
    wide = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    ink = mask + (wide.astype(np.float32) - mask) * swell
    return (ink * full).astype(np.uint8)


def _joined(drawn: list[tuple[np.ndarray, int, int]]) -> tuple[np.ndarray, tuple[float, float]]:
    """All words on one canvas, and where the line's start is on it."""
    x0 = min(left for _, left, _ in drawn)
    y0 = min(top for _, _, top in drawn)
    x1 = max(left + mask.shape[1] for mask, left, _ in drawn)
    y1 = max(top + mask.shape[0] for mask, _, top in drawn)
    ink = np.zeros((y1 - y0, x1 - x0), np.uint8)
    for mask, left, top in drawn:
        part = ink[top - y0 : top - y0 + mask.shape[0], left - x0 : left - x0 + mask.shape[1]]
        np.maximum(part, mask, out=part)
    return ink, (float(-x0), float(-y0))


def _increasing(points: list[tuple[float, float]]) -> np.ndarray:
    """The points as an array, without those that do not lead on to the right."""
    kept = [points[0]]
    for point in points[1:]:
        if point[0] > kept[-1][0] + 1.0:
            kept.append(point)
    if len(kept) == 1:
        kept.append((points[0][0] + 1.0, points[0][1]))
    return np.array(kept, dtype=np.float64)
